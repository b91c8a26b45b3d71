import { type JsonObject, type JsonValue, pointer } from '../../platform/json-value.js';
import type { Fault } from '../../platform/problem.js';
import type { Entity, Property } from '../entity.js';
import { isBase64, isDecimal } from './formats.js';

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
};

/** Checks one record's columns, appending to `faults`; values of another JSON type are somebody else's fault. */
export function compileFidelity(entity: Entity): (record: JsonObject, faults: Fault[]) => void {
  const checks = entity.properties.flatMap((property) => {
    const rule = RULES[property.type];
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
