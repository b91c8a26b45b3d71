/**
 * How long a partition of the past is. What has outlived its retention can no longer be read at once, and leaves the disk with
 * its partition: at most one granule later. Short retentions want short granules; many partitions cost every statement that
 * plans over them, so that there are never more than some ten for a retention up to a year.
 */

type Granule = 'day' | 'week' | 'month';

/** The midnight (UTC) at which the partition that takes `instant` ends. */
export function granuleEnd(instant: Date, keepDays: number | null): Date {
  const [year, month, day] = [instant.getUTCFullYear(), instant.getUTCMonth(), instant.getUTCDate()];
  switch (granuleOf(keepDays)) {
    case 'day':
      return new Date(Date.UTC(year, month, day + 1));
    case 'week':
      // Until the next Monday: ISO weeks.
      return new Date(Date.UTC(year, month, day + 7 - ((instant.getUTCDay() + 6) % 7)));
    case 'month':
      return new Date(Date.UTC(year, month + 1, 1));
  }
}

function granuleOf(keepDays: number | null): Granule {
  if (keepDays !== null && keepDays <= 8) return 'day';
  return keepDays !== null && keepDays <= 92 ? 'week' : 'month';
}
