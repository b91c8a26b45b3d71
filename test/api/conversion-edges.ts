/** Values on an edge for columns of every type, as texts that Postgres reads, and texts that are almost such values. */

import type { RangeType } from '../../src/model/entity.js';
import { type Kind, storedText } from './conversion-oracle.js';

const list = (text: string): string[] => text.trim().split(/\s+/);

const DATES = list('0001-01-01 9999-12-31 2024-02-29 2000-02-29 1900-02-28 2023-12-31 1970-01-01');
const NOT_DATES = list('2023-02-29 1900-02-29 2023-02-30 2023-04-31 2023-13-01 2023-00-10 2023-01-00 2023-01-32 0000-01-01');
const CLOCKS = list('00:00:00 23:59:59.999999 09:30:00.12 00:00:00.000001 12:00:00.1');
const NOT_CLOCKS = list('24:00:00 23:59:60 12:60:00 1:00:00 12:00 12:00:00. 12:00:00.0 12:00:00.120 12:00:00.1234567');
const INSTANTS = DATES.flatMap((date) => CLOCKS.map((clock) => `${date}T${clock}`));
const NOT_INSTANTS = [
  ...NOT_DATES.map((date) => `${date}T00:00:00`),
  ...NOT_CLOCKS.map((clock) => `2024-01-01T${clock}`),
  ...['2024-01-01 00:00:00', '2024-01-01t00:00:00'],
];

const UUIDS = list('0197c3f0-7d5a-7e52-8f4a-3a2b1c0d9e8f 00000000-0000-0000-0000-000000000000');
const NOT_UUIDS = UUIDS.flatMap((id) => [
  ...[id.toUpperCase(), `F${id.slice(1)}`, `${id.slice(0, -1)}F`, id.slice(1)],
  ...[`{${id}}`, `urn:uuid:${id}`, id.replaceAll('-', ''), `${id}\n`],
]);

const ADDRESSES = list(`
  0.0.0.0 255.255.255.255 10.1.2.3 :: ::1 ::2 1:: ::1.2.3.4 ::ffff:1.2.3.4 ::ffff:0.0.0.1 ::ffff:0:1:2 ::ffff ::0.1.0.0
  fe80::1 2001:db8::8a2e:370:7334 1:2:3:4:5:6:7:8 1:0:0:4::8 1:0:3:4:5:6:7:8 ::1:2:3 0:1:: 1::8 2001:db8::1:0:0:1
  ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff`);
const NOT_ADDRESSES = list(`
  256.1.1.1 01.2.3.4 1.2.3 1.2.3.4/32 10.0.0.0/8 1.2.3.4.5 FE80::1 fe80::0001 0:0:0:0:0:0:0:1 ::: 1:::2 ::1/128 fe80::1%eth0
  1:2:3:4:5:6:7 1:2:3:4:5:6:7:8:9 1::2::3 12345:: ::ffff:102:304 ::1:2:3:4:5:6:7 :1:: ::1.2.3.256 ::01.2.3.4 1::1.2.3.4
  1:2:3:4:5:6:7:: ::2:3:4:5:6:7:8 2001:db8:0:0:1:0:0:1 1:2:3:4:5:6:7: :2:3:4:5:6:7:8 1::2:3:4:5:6:7:8 1:2:3:4:5:6:7:8::
  ::1.2.3.4.5`);

const BASE64 = ['', ...list('AA== AAA= AAAA +/8='), 'x'.repeat(400), Buffer.alloc(200, 7).toString('base64')];
const NOT_BASE64 = [...list('A AA AAA AB== AAB= AA==AAAA -_8= ==== AA= AAé='), 'AA=\n=', 'AAAA\nAAAA', 'AAAA '];

const zeros = (count: number) => '0'.repeat(count);
/** The three long ones around a double's limits: the largest, what rounds to it, and what is too large. */
const DECIMALS = [
  ...list('0 7 -7 1.5 1.50 -0.5 0.00 0.000 12345678.99 99999999.99 100000000.00 -99999999.9 12.345 0.999 0.0000001 0.1'),
  ...list('7.00 7.10 12.5 12.50 -7.0 7.000001 0.500 9007199254740991.00 9007199254740990.50 4503599627370495.50'),
  ...list('1234567890123456 9007199254740991 9007199254740992 -9007199254740993 0.30000000000000004 100000000000000000000'),
  ...list('0.1000000000000000055511151231257827 123456789012345678901234567890.12 99999999999999990000000'),
  ...['9'.repeat(1000), `0.${'3'.repeat(999)}`, `1${zeros(23)}`, `1${zeros(308)}`, `1${zeros(309)}`],
  ...['5', '2', '49'].map((digits) => `0.${zeros(323)}${digits}`),
  ...['17976931348623157', '17976931348623158', '17976931348623159'].map((digits) => digits.padEnd(309, '0')),
];
const NOT_DECIMALS = [
  ...list('007 -0 -0.0 1e3 1. .5 +1 1,5 0x10 1_000'),
  ...['- 1', `0.${'3'.repeat(1000)}`, '9'.repeat(1001), '9'.repeat(70_000), `0.${zeros(400)}1`],
];
const INTEGERS = list('0 7 -7 9007199254740991 -9007199254740991 1000000000000000 123456789012345 10 42');
const NOT_INTEGERS = list('9007199254740992 9223372036854775807 9223372036854775808 99999999999999999999 00 7.0 1e2 --7');

/** 1e23 and its like lie on the edge of a double's interval, where Postgres does not print the shortest text. */
const DOUBLES = [
  ...list('0 1.5 -1.5 0.1 0.30000000000000004 1e15 1e16 1.5e16 1e20 -1e20 1e21 1e39 9.5e38 1e300 1e-5 1e-7 5e-324'),
  ...list('1.2345678901234567e-7 1.2345678901234567e-5 1.2345678901e-7 1.2345678901e-6 1.234567890e20 1.2345678901e20'),
  ...list('1.2345678901234567e20 1.2345678901234567e21 1.2345678901234567e22 1.7976931348623157e308 2.2250738585072014e-308'),
  ...list('1e23 -1e23 9e22 4.35e22 36028797018963984 36028797018963976 590310000000000000000 3.8146972656249997e32'),
  ...list('9007199254740991 9007199254740992 9007199254740994 123456789012345 1234567890123456 99999999.99'),
  ...missedByRounding(),
];
const NOT_DOUBLES = [
  ...list('1e400 -1e400 1e+400 1e-400 1e999 1e+999 1e-999 1e9999 1e309 1e+309 1.7976931348623159e+308 2e-324 4.9e-324'),
  ...list('NaN Infinity -Infinity infinity nan 1E20 1e+020 1e20 100000000000000000000 0.10 0e0 -0 1e-7 1e-07 1e+23'),
  ...list('9.999999999999999e+22 10e+22 1.0e+23 0.1000000000000000055 1.e5 e5 1e 1e+ 9.007199254740991e+15'),
];
const WORDS = [
  ...['', ' ', ...list(`a null true false t TRUE yes on {} "7" it's \\ $1 é 😀 \ufffd ٧ ７ ٠٠٠١-٠١-٠١ today now epoch`)],
  ...['7\n', '\n7', '7 ', ' 7', '7\r', '7\u00a0', '\u2028', 'true\n', 'x'.repeat(2_000)],
];

/** Every pair of bounds in every kind of brackets, in the right order or not. */
const rangesOf = (bounds: readonly string[]): string[] => [
  'empty',
  ...['[', '('].flatMap((open) =>
    [']', ')'].flatMap((close) =>
      ['', ...bounds].flatMap((lower) => ['', ...bounds].map((upper) => `${open}${lower},${upper}${close}`)),
    ),
  ),
];
const RANGES: Readonly<Record<RangeType, readonly string[]>> = {
  int8range: rangesOf(list('0 1 -7 9223372036854775806 9223372036854775807 9223372036854775808 -9223372036854775808')),
  numrange: rangesOf([...list('0 1.5 1.50 -0.0 007'), '9'.repeat(1000), '9'.repeat(1001)]),
  daterange: rangesOf(list('0001-01-01 2024-02-29 2024-03-01 2023-02-29 9999-12-31 0000-01-01')),
  tsrange: rangesOf(list('2024-02-29T12:00:00 2024-02-29T12:00:00.5 2024-02-29T12:00:00.50 2023-02-29T00:00:00')),
  tstzrange: rangesOf(list('2024-02-29T12:00:00Z 2024-02-29T12:00:00.5Z 2024-02-29T13:00:00+02:00 2024-02-29T12:00:00')),
};
const NOT_RANGES = [
  ...list('EMPTY [1] [1;5) 1,5 [1,5 {1,5} [,] [,) (,] [1,5,7) [[1,5) [1,5)) [a,b) [1e3,) [+1,) [NaN,) [infinity,) [1.,) [-0,)'),
  ...['"[1,5)"', '["1","5")', '[1, 5)', '[1,5)\n', '\n[1,5)', ' [1,5)', 'empty ', '[1\n,5)', `[${'9'.repeat(70_000)},)`],
  ...['[2024-01-01 00:00:00,)', '["2024-01-01 00:00:00","2024-01-02 00:00:00")', '[2024-01-01T00:00:00Z,infinity)'],
];

const zoned = (text: string): string[] => [
  text,
  `${text}Z`,
  `${text}+00:00`,
  `${text}z`,
  `${text}Z\n`,
  `\n${text}`,
  `\n${text}Z`,
  `${text} BC`,
];

/** Right and wrong ones of every type, alone and with what a pattern could overlook. */
const TEXTS = [
  ...[DATES, NOT_DATES, UUIDS, NOT_UUIDS, ADDRESSES, NOT_ADDRESSES, BASE64, NOT_BASE64, DECIMALS, NOT_DECIMALS].flat(),
  ...[INTEGERS, NOT_INTEGERS, DOUBLES, DOUBLES.map((text) => String(Number(text))), NOT_DOUBLES, WORDS].flat(),
  ...[INSTANTS, NOT_INSTANTS, CLOCKS, NOT_CLOCKS].flat().flatMap(zoned),
  ...[...Object.values(RANGES), NOT_RANGES].flat(),
  ...[DATES, ADDRESSES, BASE64].flat().flatMap((text) => [`${text}\n`, `\n${text}`, ` ${text}`]),
];

const IN_JSON = [
  ...list('null {} [] [1] {"a":1} ["7"] [[]] true false -0 -0.0 1.50 1.0 1e3 1e400 -1e400 1e-400 1e9999 1e-9999 2e-324'),
  ...['9223372036854775808', '9'.repeat(400), ...DECIMALS, ...INTEGERS, ...DOUBLES],
  ...TEXTS.map((text) => JSON.stringify(text)),
];

/** Texts that a column of the kind reads. */
export function edgeValues(kind: Kind): readonly string[] {
  switch (kind.type) {
    case 'text':
      return TEXTS;
    case 'jsonb':
      return IN_JSON;
    case 'uuid':
      return UUIDS;
    case 'date':
      return DATES;
    case 'timestamp':
      return INSTANTS;
    case 'timestamptz':
      return INSTANTS.map((text) => `${text}Z`);
    case 'time':
      return CLOCKS;
    case 'inet':
      return ADDRESSES;
    case 'bytea':
      return BASE64.map(hex);
    case 'numeric':
      return DECIMALS.filter((text) => isInScale(text, kind));
    case 'bigint':
      return INTEGERS;
    case 'double precision':
      return DOUBLES;
    case 'boolean':
      return ['true', 'false'];
    default:
      return RANGES[kind.type].filter((text) => storedText(kind, text, new Map()) !== undefined);
  }
}

export function hex(base64: string): string {
  return `\\x${Buffer.from(base64, 'base64').toString('hex')}`;
}

/** Of the doubles beside an edge, some of the few where rounding the 17 digits that Postgres prints misses the shortest text. */
function missedByRounding(): string[] {
  const edges = [473n, 475n, 601n, 911n].map((odd) => odd * 5n ** 19n * 2n ** 62n);
  return edges.flatMap((edge) => [edge + 2n ** 62n, edge - 2n ** 62n]).map((value) => String(Number(value)));
}

function isInScale(text: string, { precision, scale }: Kind): boolean {
  if (precision === undefined || scale === undefined) return true;
  const [whole = '', fraction = ''] = text.replace('-', '').split('.');
  return fraction.length <= scale && whole.replace(/^0+/, '').length <= precision - scale;
}
