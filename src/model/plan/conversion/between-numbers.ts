/**
 * Between bigint, double precision and numeric. A numeric is a string in JSON, the others are numbers. One without a scale has
 * zeros at the end of its fraction or not: from and to it only with the same digits (an exponent aside). One with a scale has
 * as many as its column prints, so they say nothing: the same number suffices, as the way back prints them again.
 */

import { columnType } from '../../ddl/column.js';
import { doubleText } from './double-text.js';
import {
  type FixedNumeric,
  fixedNumeric,
  hasRoom,
  isInDoubleRange,
  isWhole,
  MAX_INTEGER,
  placesOf,
  printsAlike,
} from './number-fits.js';
import type { ColumnKind, Rule } from './rule.js';

/** Undefined when one of the two is no number. */
export function betweenNumbers(before: ColumnKind, after: ColumnKind): Rule | undefined {
  switch (`${before.type} → ${after.type}`) {
    case 'bigint → double precision':
      return { using: (old) => `${old}::float8`, rule: 'each integer stays the same JSON number' };
    case 'double precision → bigint':
      return DOUBLE_TO_BIGINT;
    case 'bigint → numeric':
      return bigintToNumeric(after);
    case 'double precision → numeric':
      return doubleToNumeric(after);
    case 'numeric → bigint':
      return numericToBigint(before);
    case 'numeric → double precision':
      return numericToDouble(before);
    case 'numeric → numeric':
      return betweenNumerics(before, after);
    default:
      return undefined;
  }
}

const DOUBLE_TO_BIGINT: Rule = {
  using: (old) => `${old}::bigint`,
  fits: (old) => `abs(${old}) <= ${MAX_INTEGER} and ${isWhole(old)}`,
  rule: 'a number stays the same JSON number; it has to be an integer within ±(2^53−1)',
};

function bigintToNumeric(after: ColumnKind): Rule {
  const fixed = fixedNumeric(after);
  const using = (old: string) => `${old}::${columnType(after)}`;
  if (!fixed) return { using, rule: 'an integer becomes a JSON string with the same digits' };
  return {
    using,
    fits: (old) => hasRoom(old, fixed),
    rule: `an integer ${becomesFixed(fixed)}; it has to have at most ${fixed.precision - fixed.scale} digits`,
  };
}

function doubleToNumeric(after: ColumnKind): Rule {
  const fixed = fixedNumeric(after);
  const decimal = (old: string) => `(${doubleText(old)})::numeric`;
  if (!fixed) return { using: decimal, rule: 'a number becomes a JSON string with the same digits' };
  return {
    using: (old) => `${decimal(old)}::${columnType(after)}`,
    // The text of a double has no zeros at the end of its fraction.
    fits: (old) => `scale(${decimal(old)}) <= ${fixed.scale} and ${hasRoom(decimal(old), fixed)}`,
    rule: `a number ${becomesFixed(fixed)}; it has to have ${placesOf(fixed, 'at most')}`,
  };
}

function becomesFixed({ scale }: FixedNumeric): string {
  return `becomes the JSON string of the same number, with ${scale} digits after the point`;
}

const SAME_DIGITS = 'the JSON string of a decimal becomes a JSON number with the same digits';
const SAME_NUMBER = 'the JSON string of a decimal becomes the same JSON number, without zeros at the end of a fraction';

function numericToBigint(before: ColumnKind): Rule {
  const fixed = fixedNumeric(before);
  const has = (old: string) => (fixed ? isWhole(old) : `scale(${old}) = 0`);
  const integer = 'it has to be an integer within ±(2^53−1)';
  return {
    using: (old) => `${old}::bigint`,
    fits: (old) => `${has(old)} and abs(${old}) <= ${MAX_INTEGER}`,
    rule: fixed ? `${SAME_NUMBER}; ${integer}` : `${SAME_DIGITS}; ${integer}, without zeros after a point`,
  };
}

function numericToDouble(before: ColumnKind): Rule {
  const fixed = fixedNumeric(before);
  return {
    using: (old) => `${old}::float8`,
    fits: fixed ? isSameDouble : isDoubleExactly,
    rule: fixed
      ? `${SAME_NUMBER}; a double has to hold all other digits`
      : `${SAME_DIGITS}; a double has to hold them all, and zeros at the end of a fraction stand in the way`,
  };
}

/** Condition that a double has exactly the digits of the numeric `old`, which may be any: `7.00` would come back as `7`. */
export function isDoubleExactly(old: string): string {
  return isDouble(old, (double) => `${double}::text = ${old}::text`);
}

/** Condition that a double prints the number `old`: then the way back into a column with room for `old` gives `old`. */
function isSameDouble(old: string): string {
  return isDouble(old, (double) => `${double} = ${old}`);
}

function isDouble(old: string, same: (double: string) => string): string {
  const double = `(${doubleText(`${old}::float8`)})::numeric`;
  return `case when ${isInDoubleRange(old)} then ${same(double)} else ${old} is null end`;
}

/** No digit but zeros may be lost; from a numeric without a scale not even those, as its values have them or not. */
function betweenNumerics(before: ColumnKind, after: ColumnKind): Rule {
  const [was, is] = [fixedNumeric(before), fixedNumeric(after)];
  const using = (old: string) => `${old}::${columnType(after)}`;
  if (!is) return { using, rule: 'each decimal stays the same JSON string' };
  if (!was) {
    const rule = `a decimal stays the same JSON string; it has to have ${placesOf(is)}`;
    return { using, fits: printsAlike(after), rule };
  }
  const conditions = [
    ...(is.scale < was.scale ? [(old: string) => `trunc(${old}, ${is.scale}) = ${old}`] : []),
    ...(is.precision - is.scale < was.precision - was.scale ? [(old: string) => hasRoom(old, is)] : []),
  ];
  return {
    using,
    fits: conditions.length > 0 ? (old) => conditions.map((condition) => condition(old)).join(' and ') : undefined,
    rule:
      `a decimal stays the same number, with ${is.scale} digits after the point; ` +
      'digits that would be cut off there, or have no room before it, stand in the way',
  };
}
