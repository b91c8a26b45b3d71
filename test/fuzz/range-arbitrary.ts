/** Texts of ranges: bounds of each type in all their spellings, few enough to meet and to be neighbours; most of them valid. */

import fc, { type Arbitrary } from 'fast-check';
import { readEntity } from '../../src/model/document/read-entity.js';
import type { RangeType } from '../../src/model/entity.js';
import { compileValidator } from '../../src/model/validation/validator.js';

const pad = (value: number, length = 2) => String(value).padStart(length, '0');
const one = <T>(...values: readonly T[]) => fc.constantFrom(...values);

const MAX = 9_223_372_036_854_775_807n;
const integer = fc.oneof(
  fc.integer({ min: -4, max: 4 }).map(String),
  fc.bigInt({ min: -MAX - 1n, max: MAX }).map(String),
  one(MAX, MAX - 1n, -MAX - 1n, -MAX).map(String),
);

const digits = (max: number) => fc.stringMatching(new RegExp(`^[0-9]{1,${max}}$`));
const decimal = fc
  .tuple(one('', '-'), fc.oneof(one('0', '1', '01', '00'), digits(30), digits(900)), one('', '.0', '.5', '.50', '.05', '.1'))
  .map((parts) => parts.join(''));

const date = fc.oneof(
  fc.tuple(one(1, 4, 1900, 2000, 2024, 9999), one(1, 2, 12), one(1, 28, 30, 31)).map(([year, month, day]) => {
    const last = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
    return `${pad(year, 4)}-${pad(month)}-${pad(Math.min(day, last))}`;
  }),
  one('9999-12-30', '9999-12-31', '0001-01-01', '0001-01-02'),
);

const clock = fc
  .tuple(one('00:00', '11:59', '12:00', '23:59'), one('00', '01', '59'), one('', '.0', '.5', '.50', '.000001', '.999999'))
  .map(([minutes, seconds, fraction]) => `${minutes}:${seconds}${fraction}`);
const local = fc.tuple(date, one('T', 't'), clock).map((parts) => parts.join(''));
const offset = one('Z', 'z', '+00:00', '-00:00', '+02:00', '-11:59', '+23:59', '-23:59', '+15:59');
const instant = fc.tuple(local, offset).map((parts) => parts.join(''));

export const BOUND_TEXTS: Readonly<Record<RangeType, Arbitrary<string>>> = {
  int8range: integer,
  numrange: decimal,
  daterange: date,
  tsrange: local,
  tstzrange: instant,
};

/** Valid but for bounds in the wrong order, at the end of their type, or outside of its years. */
export function rangeText(type: RangeType): Arbitrary<string> {
  const bound = fc.oneof({ weight: 6, arbitrary: BOUND_TEXTS[type] }, { weight: 1, arbitrary: fc.constant('') });
  const literal = fc
    .tuple(one('[', '('), bound, fc.option(bound, { nil: null, freq: 8 }), one(']', ')'))
    .map(([open, lower, upper, close]) => `${open}${lower},${upper ?? lower}${close}`);
  return fc.oneof({ weight: 20, arbitrary: literal }, { weight: 1, arbitrary: fc.constant('empty') });
}

/** The same, one character replaced, taken out or put in. */
export function spoiltRangeText(type: RangeType): Arbitrary<string> {
  const mark = one('', '0', '-', '+', '.', ':', ',', ',', '"', '[', ')', ' ', '\n', 'e5', 'infinity', '\\', 'EMPTY', 'Z', 'x');
  return fc.tuple(rangeText(type), fc.nat(), mark, one(0, 1)).map(([text, nat, replacement, removed]) => {
    const at = nat % (text.length + 1);
    return text.slice(0, at) + replacement + text.slice(at + removed);
  });
}

/** Whether a record may hold it. */
export function rangeValidity(type: RangeType): (text: string) => boolean {
  const document = { type: 'object', properties: { span: { type: 'string', format: type } } };
  const validator = compileValidator(readEntity('thing', document));
  return (span) => validator.validate({ span }).length === 0;
}
