/** Generated values for columns of every type, as texts that Postgres reads. */

import fc, { type Arbitrary } from 'fast-check';
import type { ColumnType, RangeType } from '../../src/model/entity.js';
import { RANGE_TYPES } from '../../src/model/values/range.js';
import { columnText } from '../../src/model/values/values.js';
import { rangeText, rangeValidity } from '../fuzz/range-arbitrary.js';
import { hex } from './conversion-edges.js';
import { type Kind, plain } from './conversion-oracle.js';

const pad = (value: number) => String(value).padStart(2, '0');
const below = (limit: number) => fc.integer({ min: 0, max: limit - 1 }).map(pad);

const date = fc
  .date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true })
  .map((value) => value.toISOString().slice(0, 10));
const clock = fc
  .tuple(below(24), below(60), below(60), fc.stringMatching(/^(\.[0-9]{0,5}[1-9])?$/))
  .map(([hour, minute, second, fraction]) => `${hour}:${minute}:${second}${fraction}`);
const timestamp = fc.tuple(date, fc.oneof(clock, fc.constant('00:00:00'))).map((parts) => parts.join('T'));

const integer = fc.oneof(fc.maxSafeInteger(), fc.integer()).map(String);

/** Beside c·10^j, a number of 54 bits: there the shortest text of Postgres is longer than that of ECMAScript. */
const edgeOfInterval = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.bigInt({ min: 0n, max: 2n ** 53n }), fc.integer({ min: 0, max: 44 }), fc.boolean())
  .map(([exponent, some, shift, above]) => {
    const step = 5n ** BigInt(exponent);
    const odd = ((2n ** 53n + some) / step) | 1n;
    const half = 2n ** BigInt(exponent + shift);
    return Number(odd * step * half + (above ? half : -half));
  });
const double = fc
  .oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    edgeOfInterval,
    fc.tuple(fc.integer(), fc.integer({ min: -34, max: 10 })).map(([digits, scale]) => Number(`${digits}e${-scale}`)),
    fc.tuple(fc.integer({ min: -99_999, max: 99_999 }), fc.integer({ min: 0, max: 6 })).map(([n, scale]) => n / 10 ** scale),
  )
  .map((value) => String(value === 0 ? 0 : value));

const decimal = (whole: number, scale: number) =>
  fc
    .tuple(
      fc.constantFrom('', '-'),
      fc.stringMatching(new RegExp(whole === 0 ? '^0$' : `^(0|[1-9][0-9]{0,${whole - 1}})$`)),
      fc.stringMatching(new RegExp(`^[0-9]{0,${scale}}$`)),
    )
    .map(([sign, left, right]) => `${sign}${left}${right && `.${right}`}`);

/** Of any length, and of one that a double holds. */
const fixedDecimal = (whole: number, scale: number) =>
  fc.oneof(decimal(whole, scale), decimal(Math.min(whole, 10), Math.min(scale, 4)), decimal(whole, 0));

const address = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.array(fc.constantFrom('0', '0', '1', 'ffff'), { minLength: 8, maxLength: 8 }).map((groups) => groups.join(':')),
);
const bytes = fc.uint8Array({ maxLength: 100 }).map((value) => Buffer.from(value).toString('base64'));

/** As the API returns them. */
const RANGES = Object.fromEntries(
  RANGE_TYPES.map((type) => [
    type,
    rangeText(type)
      .filter(rangeValidity(type))
      .map((text) => columnText({ type }, text)),
  ]),
) as Record<RangeType, Arbitrary<string>>;

const VALUES: Readonly<Record<Exclude<ColumnType, 'text' | 'jsonb' | 'numeric'>, Arbitrary<string>>> = {
  uuid: fc.uuid(),
  date,
  timestamp,
  timestamptz: timestamp.map((text) => `${text}Z`),
  time: clock,
  inet: address,
  bytea: bytes.map(hex),
  bigint: integer,
  'double precision': double,
  boolean: fc.constantFrom('true', 'false'),
  ...RANGES,
};

const valueText = fc.oneof(...Object.values({ ...VALUES, bytea: bytes, time: clock.map((text) => `${text}Z`) }), decimal(12, 4));
const mark = fc.constantFrom('', '0', '-', '.', ':', 'e', '9', '\n', ' ');
/** Anything; the value of some type; such a value with one character replaced. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }).map((value) => value.replaceAll('\u0000', '')),
  valueText,
  fc.tuple(valueText, fc.nat(), mark).map(([value, nat, replacement]) => {
    const at = nat % (value.length + 1);
    return value.slice(0, at) + replacement + value.slice(at + 1);
  }),
);

const json = fc.oneof(
  text.map((value) => JSON.stringify(value)),
  fc.oneof(double, integer, decimal(30, 20)),
  fc.json().filter((value) => !value.includes('\\u0000')),
);

export function generatedValues({ type, precision, scale }: Kind): Arbitrary<string> {
  switch (type) {
    case 'text':
      return text;
    case 'jsonb':
      return json;
    case 'numeric':
      if (precision !== undefined && scale !== undefined) return fixedDecimal(precision - scale, scale);
      return fc.oneof(
        decimal(30, 20),
        double.map((value) => plain(value) as string),
      );
    default:
      return VALUES[type];
  }
}
