import type { JsonValue } from '../../platform/json-value.js';
import type { ColumnType, Property } from '../entity.js';
import { inUtc } from '../values/in-utc.js';
import { columnText } from '../values/values.js';
import { addressText } from './address-text.js';

/**
 * What is encrypted of a value, and what is compared. Columns of Postgres give a value its one form when they print it; what stands in a
 * cell gets the same form here, so that encrypting a property changes nothing of what it answers with, and equal values stay equal.
 */

type Digits = Pick<Property, 'precision' | 'scale'>;

/** JSON text of the value as a column of its type would answer with it. @param value valid, and not null */
export function shownJson(of: ColumnType, digits: Digits, value: JsonValue): string {
  switch (of) {
    case 'jsonb':
    case 'boolean':
    case 'bigint':
    case 'double precision':
      return JSON.stringify(value);
    default:
      return JSON.stringify(shownText(of, digits, String(value)));
  }
}

/** The same text for two values that a column of their type takes for equal. */
export function equalText(of: ColumnType, value: JsonValue): string {
  switch (of) {
    case 'numeric':
      return withoutTrailingZeros(decimalText(String(value)));
    case 'bigint':
    case 'double precision':
      // Zero has two signs and is one number.
      return String(Number(value) === 0 ? 0 : value);
    default:
      return shownText(of, {}, String(value));
  }
}

function shownText(of: ColumnType, { precision, scale }: Digits, text: string): string {
  switch (of) {
    case 'uuid':
      return text.toLowerCase();
    case 'timestamptz':
      return `${clockText(inUtc(text).slice(0, -1))}Z`;
    case 'timestamp':
      return clockText(text.toUpperCase());
    case 'time':
      return `${clockText(columnText({ type: 'time' }, text).slice(0, -1))}Z`;
    case 'inet':
      return addressText(text);
    case 'numeric':
      return precision === undefined || scale === undefined ? decimalText(text) : withScale(decimalText(text), scale);
    case 'bytea':
      return Buffer.from(text, 'base64').toString('base64');
    case 'int8range':
    case 'numrange':
    case 'daterange':
    case 'tsrange':
    case 'tstzrange':
      return columnText({ type: of }, text);
    default:
      return text;
  }
}

/** Seconds as Postgres prints them: there, and their fraction without zeros at its end. */
function clockText(text: string): string {
  const [clock = '', fraction = ''] = text.split('.');
  const digits = fraction.replace(/0+$/, '');
  return digits === '' ? clock : `${clock}.${digits}`;
}

/** Without the zeros at its beginning, and without the sign of zero. */
function decimalText(text: string): string {
  const [, sign = '', whole = '', fraction = ''] = /^([+-]?)0*(\d*)(?:\.(\d*))?$/.exec(text) ?? [];
  const digits = `${whole === '' ? '0' : whole}${fraction === '' ? '' : `.${fraction}`}`;
  return sign === '-' && /[1-9]/.test(digits) ? `-${digits}` : digits;
}

function withScale(text: string, scale: number): string {
  const [whole = '', fraction = ''] = text.split('.');
  return scale === 0 ? whole : `${whole}.${fraction.padEnd(scale, '0')}`;
}

function withoutTrailingZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
