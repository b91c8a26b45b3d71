/**
 * A range in a filter: as a record has it, and besides with its bounds in the forms that filters have for their type, in double
 * quotes or among spaces, as Postgres and its users write them: `[2024-05-31 12:00, 2024-05-31 13:00)`. Used by `column-text.ts`.
 */

import type { RangeType } from '../entity.js';
import { canonicalRange } from '../values/canonical-range.js';
import { type BoundType, boundTypeOf, type Range, writeRange } from '../values/range.js';

/** null when it is none, when the lower bound is above the upper, or when Postgres could not hold it. */
export function rangeOperand(type: RangeType, raw: string, readBound: (raw: string) => string | null): string | null {
  const range = rangeOf(raw, (text) => boundText(boundTypeOf(type), text, readBound));
  const canonical = range && canonicalRange(type, range);
  if (!canonical) return null;
  const bounds = canonical === 'empty' ? [] : [canonical.lower, canonical.upper];
  return bounds.some((bound) => bound !== null && OUTSIDE[type]?.test(bound)) ? null : writeRange(canonical);
}

/** Canonical bounds that no column holds. A date may be the first of year 10000, which is behind the last day of 9999. */
const OUTSIDE: Partial<Record<RangeType, RegExp>> = {
  int8range: /^9223372036854775808$/,
  tstzrange: /^(?:0000|[+-]\d{6})-/,
};

const RANGE = /^([[(])([^,()[\]]*),([^,()[\]]*)([\])])$/;

function rangeOf(raw: string, read: (text: string) => string | null): Range | null {
  if (/^empty$/i.test(raw)) return 'empty';
  const [, open, ...ends] = RANGE.exec(raw) ?? [];
  if (open === undefined) return null;
  const [lower = '', upper = ''] = ends.slice(0, 2).map((text) => text.trim());
  const [from, to] = [lower, upper].map((text) => (text === '' ? null : read(text)));
  if ((lower !== '' && from === null) || (upper !== '' && to === null)) return null;
  return { lower: from ?? null, upper: to ?? null, withLower: open === '[', withUpper: ends[2] === ']' };
}

function boundText(type: BoundType, text: string, readBound: (raw: string) => string | null): string | null {
  const read = readBound(/^"([^"]*)"$/.exec(text)?.[1] ?? text);
  if (read === null) return null;
  // What an exponent stands for would have to be written out to be compared.
  if (type === 'numeric') return /e/i.test(read) ? null : read;
  if (type === 'timestamp' || type === 'timestamptz') return read.replace(/(T\d\d:\d\d)(?!:)/, '$1:00');
  return read;
}
