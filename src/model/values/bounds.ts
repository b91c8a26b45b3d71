/** What the bounds of ranges are worth: in one form, in their order, and which comes next. Used by `canonical-range.ts`. */

import { inUtc } from './in-utc.js';
import type { BoundType } from './range.js';

/**
 * The bound as the API returns it, however it was written; `timestamp` and `timestamptz` with their seconds. Of a date-time that
 * leaves the years 0001 to 9999 in UTC, a text that no format accepts.
 */
export function canonicalBound(type: BoundType, text: string): string {
  switch (type) {
    case 'bigint':
      return String(BigInt(text));
    case 'numeric':
      return canonicalDecimal(text);
    case 'date':
      return text;
    case 'timestamp':
      return withoutZeros(text.toUpperCase());
    case 'timestamptz':
      return `${withoutZeros(inUtc(text).slice(0, -1))}Z`;
  }
}

/** Negative, 0 or positive, of two canonical bounds. */
export function compareBounds(type: BoundType, a: string, b: string): number {
  switch (type) {
    case 'bigint':
      return compare(BigInt(a), BigInt(b));
    case 'numeric':
      return compareDecimals(a, b);
    case 'timestamptz':
      // Before the Z ends a whole second, the point of a fraction would come first.
      return compare(a.slice(0, -1), b.slice(0, -1));
    default:
      return compare(a, b);
  }
}

/** The value after a canonical bound, where there are none between two; undefined of a type that is continuous. */
export function successor(type: BoundType, bound: string): string | undefined {
  if (type === 'bigint') return String(BigInt(bound) + 1n);
  if (type === 'date') return dayAfter(bound);
  return undefined;
}

export function isDiscrete(type: BoundType): boolean {
  return type === 'bigint' || type === 'date';
}

const DAY = 86_400_000;

/** Year 10000 follows 9999, as in Postgres. */
function dayAfter(date: string): string {
  const next = new Date(Date.parse(`${date}T00:00:00Z`) + DAY).toISOString();
  return next.replace(/^\+0/, '').split('T', 1)[0] as string;
}

/** Of the fraction of a second. */
function withoutZeros(time: string): string {
  if (!time.includes('.')) return time;
  const trimmed = withoutZerosAtEnd(time);
  return trimmed.endsWith('.') ? trimmed.slice(0, -1) : trimmed;
}

/** A pattern would begin anew at every zero of a long run. */
function withoutZerosAtEnd(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === '0') end--;
  return digits.slice(0, end);
}

/** Digits as written, but for zeros before and the sign of nothing. */
function canonicalDecimal(text: string): string {
  const [whole = '', fraction = ''] = text.replace(/^[+-]/, '').split('.');
  const digits = `${whole.replace(/^0+(?=\d)/, '') || '0'}${fraction && `.${fraction}`}`;
  return text.startsWith('-') && /[1-9]/.test(digits) ? `-${digits}` : digits;
}

/** Digit by digit: as long as they are, no number is made of them. */
function compareDecimals(a: string, b: string): number {
  const [below, above] = [a.startsWith('-'), b.startsWith('-')];
  if (below !== above) return below ? -1 : 1;
  return below ? comparePositive(b.slice(1), a.slice(1)) : comparePositive(a, b);
}

function comparePositive(a: string, b: string): number {
  const [[whole = '', fraction = ''], [otherWhole = '', otherFraction = '']] = [a.split('.'), b.split('.')];
  return (
    whole.length - otherWhole.length ||
    compare(whole, otherWhole) ||
    compare(withoutZerosAtEnd(fraction), withoutZerosAtEnd(otherFraction))
  );
}

function compare<T extends string | bigint>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
