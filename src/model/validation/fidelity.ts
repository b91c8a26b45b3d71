import { type JsonObject, type JsonValue, pointer } from '../../platform/json-value.js';
import type { Fault } from '../../platform/problem.js';
import { type Entity, type Property, type RangeType, valueTypeOf } from '../entity.js';
import { canonicalRange } from '../values/canonical-range.js';
import { boundTypeOf, RANGE_TYPES, type Range, readRange } from '../values/range.js';
import { isBase64, isDecimal, isRange } from './formats.js';

/**
 * What JSON Schema allows and a column could not give back: the validator refuses these values so that no column ever bends
 * one. Only the columns of the entity are concerned; inside jsonb a date is a text and stays one.
 */

const MAX_DECIMAL_DIGITS = 1000;

type Rule = (value: string | number, property: Property) => string | undefined;

/** Per column type, what is wrong with a value of the right JSON type, or undefined. */
const RULES: Partial<Record<Property['type'], Rule>> = {
  bigint: (value) =>
    typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)
      ? 'an integer must lie within ±(2^53−1), or JSON parsers would round it'
      : undefined,
  numeric: (value, property) => (typeof value === 'string' && isDecimal(value) ? decimalFault(value, property) : undefined),
  bytea: (value) =>
    typeof value === 'string' && !isBase64(value) ? 'must be padded base64 (RFC 4648 §4) without line breaks' : undefined,
  date: (value) => (typeof value === 'string' ? yearFault(value) : undefined),
  time: (value) => (typeof value === 'string' ? clockFault(value) : undefined),
  timestamp: (value) => (typeof value === 'string' ? (yearFault(value) ?? clockFault(value)) : undefined),
  timestamptz: (value) => (typeof value === 'string' ? (yearFault(value) ?? clockFault(value)) : undefined),
  ...Object.fromEntries(RANGE_TYPES.map((type) => [type, rangeRule(type)])),
};

/** Checks one record's columns, appending to `faults`; values of another JSON type are somebody else's fault. */
export function compileFidelity(entity: Entity): (record: JsonObject, faults: Fault[]) => void {
  const checks = entity.properties.flatMap((property) => {
    const rule = RULES[valueTypeOf(property)];
    return rule ? [{ property, rule, pointer: pointer('', property.name) }] : [];
  });
  return (record, faults) => {
    for (const check of checks) {
      const value: JsonValue | undefined = record[check.property.name];
      if (typeof value !== 'string' && typeof value !== 'number') continue;
      const message = check.rule(value, check.property);
      if (message !== undefined) faults.push({ pointer: check.pointer, rule: 'fidelity', message });
    }
  };
}

/** A bound is held to what is held of a column of its type; what is no range is the fault of its format. */
function rangeRule(type: RangeType): Rule {
  const boundType = boundTypeOf(type);
  return (value, property) => {
    const range = typeof value === 'string' && isRange(type, value) ? readRange(value) : null;
    if (range === null || range === 'empty') return undefined;
    const bounds = [range.lower, range.upper].filter((bound) => bound !== null);
    const fault = bounds.map((bound) => RULES[boundType]?.(bound, property)).find((found) => found !== undefined);
    return fault ?? lastFault(type, range);
  };
}

/** What follows the last value there is. */
const BEYOND: Partial<Record<RangeType, readonly [bound: string, message: string]>> = {
  int8range: ['9223372036854775808', 'no integer follows 9223372036854775807'],
  daterange: ['10000-01-01', 'no date follows 9999-12-31'],
};

/** Integers and dates come back as `[from,to)`, where `to` is behind the last one that belongs to the range. */
function lastFault(type: RangeType, range: Range): string | undefined {
  const canonical = canonicalRange(type, range);
  const [beyond, message] = BEYOND[type] ?? [];
  if (canonical === undefined || canonical === 'empty' || beyond === undefined) return undefined;
  if (canonical.lower !== beyond && canonical.upper !== beyond) return undefined;
  return `is stored as [from,to), and ${message}: leave that end open`;
}

/** One of precision and scale alone is no column type, so it is enforced here only. */
function decimalFault(text: string, { precision, scale }: Property): string | undefined {
  const [whole = '', fraction = ''] = text.replace('-', '').split('.');
  if (whole.length + fraction.length > MAX_DECIMAL_DIGITS) return `a decimal can have ${MAX_DECIMAL_DIGITS} digits`;
  if (scale !== undefined && fraction.length > scale) return `this decimal can have ${scale} digits after the point`;
  if (precision === undefined) return undefined;
  const digits = whole.replace(/^0+/, '').length;
  if (scale === undefined) {
    return digits + fraction.length > precision ? `this decimal can have ${precision} digits altogether` : undefined;
  }
  return digits > precision - scale ? `this decimal can have ${precision - scale} digits before the point` : undefined;
}

/** Text beginning YYYY-MM-DD. The year must be 0001 to 9999 as written, and in UTC. */
function yearFault(text: string): string | undefined {
  const year = text.slice(0, 4);
  const offsetSign = text.at(-6);
  const outside =
    year === '0000' ||
    (text.startsWith('0001-01-01') && offsetSign === '+' && isOtherYearInUtc(text, 1)) ||
    (text.startsWith('9999-12-31') && offsetSign === '-' && isOtherYearInUtc(text, 9999));
  return outside ? 'the year must lie between 0001 and 9999, also when the time is given in UTC' : undefined;
}

function isOtherYearInUtc(text: string, year: number): boolean {
  return new Date(text.toUpperCase()).getUTCFullYear() !== year;
}

/** Text with a time of day in it. */
function clockFault(text: string): string | undefined {
  if (/\d\d:\d\d:60/.test(text)) return 'a leap second cannot be stored; send the next second';
  if (/\.\d{7}/.test(text)) return 'a time is stored to the microsecond: at most 6 digits after the point';
  return undefined;
}
