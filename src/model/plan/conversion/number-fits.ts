/** What the columns of numbers can hold without bending it. The SQL values are numeric. */

import type { ColumnKind } from './rule.js';

/** Beyond ±(2^53−1) JSON parsers round, so the API takes and returns no integer there. */
export const MAX_INTEGER = '9007199254740991';

export interface FixedNumeric {
  readonly precision: number;
  readonly scale: number;
}

/** Undefined for a numeric that keeps as many digits as it is given. */
export function fixedNumeric({ precision, scale }: ColumnKind): FixedNumeric | undefined {
  return precision !== undefined && scale !== undefined ? { precision, scale } : undefined;
}

/** Condition that the numeric column prints a value with the digits it has; undefined when it always does. */
export function printsAlike(kind: ColumnKind): ((value: string) => string) | undefined {
  const fixed = fixedNumeric(kind);
  return fixed && ((value) => `scale(${value}) = ${fixed.scale} and ${hasRoom(value, fixed)}`);
}

/** Condition that the digits before the point have room; of a bigint too. */
export function hasRoom(value: string, { precision, scale }: FixedNumeric): string {
  return `abs(${value}) < 1e${precision - scale}`;
}

/** Condition that a fraction, if there is one, is zero; of a double too. */
export function isWhole(value: string): string {
  return `trunc(${value}) = ${value}`;
}

/** For a person: which digits such a column prints, or takes without losing one. */
export function placesOf({ precision, scale }: FixedNumeric, after: 'exactly' | 'at most' = 'exactly'): string {
  return `${after} ${scale} digits after the point and at most ${precision - scale} before it`;
}

/** Condition that a value is neither too large for a double nor so small that it would become 0. */
export function isInDoubleRange(value: string): string {
  return `${value} = 0 or abs(${value}) between 5e-324 and 1.7976931348623157e308`;
}
