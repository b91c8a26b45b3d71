import { Problem } from '../../platform/problem.js';
import { invalidQuery, tooComplex } from './invalid-query.js';
import { MAX_OFFSET } from './query-limits.js';

/**
 * Which rows of the whole list are wanted: `limit` and `offset`, the Range header (`0-24`, RFC 9110 §14.2 with the unit
 * `items`), or where both are given what they have in common, as in PostgREST. Used by `parse-read-query.ts`.
 */

interface Page {
  readonly limit: number;
  readonly offset: number;
}

interface PageParameters {
  readonly limit?: Parameter | undefined;
  readonly offset?: Parameter | undefined;
}

interface Parameter {
  /** Its whole name, such as `orders.limit`. */
  readonly parameter: string;
  readonly text: string;
}

/** A limit above `maxRows` becomes `maxRows`; that is what a caller gets who names none. */
export function parsePage({ limit, offset }: PageParameters, range: string | undefined, maxRows: number): Page {
  const wanted = limit === undefined ? Number.POSITIVE_INFINITY : wholeNumber(limit);
  const skipped = offset === undefined ? 0 : wholeNumber(offset);
  if (offset && skipped > MAX_OFFSET) throw tooComplex(offset.parameter, tooFar('the offset'));
  const ranged = (range === undefined ? null : parseRange(range)) ?? { first: 0, last: Number.POSITIVE_INFINITY };
  const first = Math.max(skipped, ranged.first);
  const end = Math.min(skipped + wanted, ranged.last + 1);
  return { limit: Math.max(Math.min(end - first, maxRows), 0), offset: first };
}

/** null for a unit other than items: RFC 9110 has it ignored. `last` is Infinity for `10-`. */
export function parseRange(range: string): { first: number; last: number } | null {
  const [, unit, spec = ''] = /^(?:([^=\s]+)\s*=)?(.*)$/s.exec(range.trim()) ?? [];
  if (unit !== undefined && unit.toLowerCase() !== 'items') return null;
  const [, from, to] = /^(\d+)-(\d*)$/.exec(spec.trim()) ?? [];
  const first = Number(from ?? Number.NaN);
  const last = to === undefined || to === '' ? Number.POSITIVE_INFINITY : Number(to);
  if (Number.isNaN(first) || last < first) {
    throw invalidRange('Range must name the first and the last row, counted from 0, as in 0-24, or the first alone, as in 25-.');
  }
  if (first > MAX_OFFSET) throw new Problem('request/too-complex', `In Range ${tooFar('the first row')}`);
  return { first, last };
}

function wholeNumber({ parameter, text }: Parameter): number {
  if (!/^\d+$/.test(text)) throw invalidQuery(parameter, 'a whole number, 0 or more, is expected.');
  return Number(text);
}

function tooFar(what: string): string {
  return `${what} may be ${MAX_OFFSET} at most; go further by filtering on what the list is sorted by.`;
}

function invalidRange(message: string): Problem {
  return new Problem('request/invalid-header', message, { header: 'Range' });
}
