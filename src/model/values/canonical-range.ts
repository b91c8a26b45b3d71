/**
 * The one text that a range has in answers, worked out as Postgres does (manual, "Discrete Range Types"): integers and dates from
 * a bound that belongs to it up to one that does not, an open end in a parenthesis, and `empty` whatever holds nothing.
 */

import type { RangeType } from '../entity.js';
import { canonicalBound, compareBounds, isDiscrete, successor } from './bounds.js';
import { type Bounds, type BoundType, boundTypeOf, type Range } from './range.js';

/** Undefined when the lower bound is above the upper. @param range whose bounds are of their type */
export function canonicalRange(type: RangeType, range: Range): Range | undefined {
  if (range === 'empty') return range;
  const bound = boundTypeOf(type);
  const [lower, upper] = [range.lower, range.upper].map((text) => (text === null ? null : canonicalBound(bound, text)));
  const bounds = { ...range, lower: lower ?? null, upper: upper ?? null };
  const order = bounds.lower === null || bounds.upper === null ? -1 : compareBounds(bound, bounds.lower, bounds.upper);
  if (order > 0) return undefined;
  if (order === 0 && !(range.withLower && range.withUpper)) return 'empty';
  return isDiscrete(bound) ? halfOpen(bound, bounds) : withOpenEnds(bounds);
}

function withOpenEnds(bounds: Bounds): Range {
  const { lower, upper, withLower, withUpper } = bounds;
  return { lower, upper, withLower: withLower && lower !== null, withUpper: withUpper && upper !== null };
}

function halfOpen(type: BoundType, bounds: Bounds): Range {
  const next = (text: string): string => successor(type, text) ?? text;
  const lower = bounds.lower === null || bounds.withLower ? bounds.lower : next(bounds.lower);
  const upper = bounds.upper === null || !bounds.withUpper ? bounds.upper : next(bounds.upper);
  if (lower !== null && lower === upper) return 'empty';
  return { lower, upper, withLower: lower !== null, withUpper: false };
}
