/**
 * The text of a range: `[lower,upper)`, an end without a bound, or `empty` (manual, "Range Input/Output"). The bounds of no type
 * of ours need quotes, so there are none. Used wherever a range is checked, stored or compared with.
 */

import type { RangeType } from '../entity.js';

/** A range that holds something, as far as its text tells. A bound of null is none: that end is open for ever. */
export interface Bounds {
  readonly lower: string | null;
  readonly upper: string | null;
  /** The bound belongs to the range. */
  readonly withLower: boolean;
  readonly withUpper: boolean;
}

export type Range = Bounds | 'empty';

/** What the bounds of a range are. */
export type BoundType = 'bigint' | 'numeric' | 'date' | 'timestamp' | 'timestamptz';

const BOUND_TYPES: Readonly<Record<RangeType, BoundType>> = {
  int8range: 'bigint',
  numrange: 'numeric',
  daterange: 'date',
  tsrange: 'timestamp',
  tstzrange: 'timestamptz',
};

export const RANGE_TYPES = Object.keys(BOUND_TYPES) as readonly RangeType[];

export function isRangeType(type: string): type is RangeType {
  return Object.hasOwn(BOUND_TYPES, type);
}

export function boundTypeOf(type: RangeType): BoundType {
  return BOUND_TYPES[type];
}

/** Null when the text is no range at all; what its bounds are is for others to say. */
export function readRange(text: string): Range | null {
  if (text === 'empty') return text;
  const [, open, lower = '', upper = '', close] = RANGE.exec(text) ?? [];
  if (open === undefined) return null;
  return { lower: lower || null, upper: upper || null, withLower: open === '[', withUpper: close === ']' };
}

const RANGE = /^([[(])([^,"()[\]]*),([^,"()[\]]*)([\])])$/;

export function writeRange(range: Range): string {
  if (range === 'empty') return range;
  return `${range.withLower ? '[' : '('}${range.lower ?? ''},${range.upper ?? ''}${range.withUpper ? ']' : ')'}`;
}
