import fc, { type Arbitrary } from 'fast-check';
import type { JsonObject, JsonValue } from '../../src/platform/json-value.js';

/** Of every type that equal values can be looked for in: few values, each in all the spellings that a record or a filter may have it in. */

export interface Spelled {
  readonly schema: JsonObject;
  /** Valid in a record. */
  readonly value: Arbitrary<JsonValue>;
  /** What a filter may hold, mostly valid. */
  readonly operand: Arbitrary<string>;
}

const one = <T>(...values: readonly T[]): Arbitrary<T> => fc.constantFrom(...values);

/** @param only for a filter: what no record may say so */
function spelled(schema: JsonObject, values: readonly JsonValue[], only: readonly string[] = []): Spelled {
  return { schema, value: one(...values), operand: one(...values.map(String), ...only) };
}

const ID = '0197c3f0-7d5a-7e52-8f4a-3a2b1c0d9e8f';
const OTHER_ID = 'ABCDEF00-7d5a-7e52-8f4a-3a2b1c0d9e8f';

export const SPELLED: readonly Spelled[] = [
  spelled(
    { type: 'string' },
    ['', ' ', 'a', 'A', 'a ', ' a', 'é', 'e\u0301', 'null', '"', '\\', 'a,b', '(a)', '{}', '%', '😀', '\u2028', '0'],
    ['b'],
  ),
  spelled({ type: 'string', maxLength: 40, format: 'email' }, ['a@b.example', 'A@b.example', 'a@B.example'], ['a']),
  spelled(
    { type: 'string', format: 'uuid' },
    [ID, ID.toUpperCase(), OTHER_ID, OTHER_ID.toLowerCase()],
    [` ${ID} `, 'x', `{${ID}}`],
  ),
  spelled({ type: 'string', format: 'date' }, ['2024-02-29', '0001-01-01', '9999-12-31'], [' 2024-02-29', '2024-2-29', 'null']),
  spelled(
    { type: 'string', format: 'date-time' },
    [
      ...['2024-05-31T18:30:00Z', '2024-05-31T18:30:00.000Z', '2024-05-31t20:30:00+02:00', '2024-05-31T00:00:00z'],
      ...['2024-05-31T18:30:00.120Z', '2024-05-31T18:30:00.12-00:00', '2024-05-31T18:30:00.000001Z', '2024-06-01T18:29:00+23:59'],
    ],
    ['2024-05-31', '2024-05-31T18:30Z', '2024-05-31 18:30:00+00:00', '2024-05-31T20:30+02:00', '2024-05-31T18:30:00', 'now'],
  ),
  spelled(
    { type: 'string', format: 'date-time-local' },
    ['2024-05-31T18:30:00', '2024-05-31t18:30:00', '2024-05-31T18:30:00.500', '2024-05-31T18:30:00.5', '2024-05-31T00:00:00.0'],
    ['2024-05-31', '2024-05-31T18:30', '2024-05-31 18:30:00', '2024-05-31T18:30:00Z'],
  ),
  spelled(
    { type: 'string', format: 'time' },
    ['18:30:00Z', '20:30:00+02:00', '18:30:00.0z', '18:30:00.250Z', '00:30:00+01:00', '23:30:00Z'],
    ['18:30', '18:30:00', '18:30Z', '18:30:00.25', '24:00:00'],
  ),
  spelled(
    { type: 'string', format: 'ipv4' },
    ['10.0.0.1', '0.0.0.0', '255.255.255.255'],
    ['10.0.0.1/32', '010.0.0.1', '::1', '::ffff:10.0.0.1'],
  ),
  spelled(
    { type: 'string', format: 'ipv6' },
    [
      ...[
        '::1',
        '0:0:0:0:0:0:0:1',
        '2001:DB8::1',
        '2001:db8:0:0:0:0:0:1',
        '::ffff:1.2.3.4',
        '::FFFF:102:304',
        '::1.2.3.4',
        '::102:304',
      ],
      ...[
        '2001:db8:0:1:1:1:1:1',
        '2001:0:0:1:0:0:0:1',
        '2001:db8:0:0:1:0:0:1',
        '64:ff9b::1.2.3.4',
        '::',
        '1::',
        '::ffff:0:1.2.3.4',
      ],
      ...[
        'fe80:0000:0000:0000:0000:0000:0000:0001',
        '1:2:3:4:5:6:7::',
        '::2:3:4:5:6:7:8',
        '0:0:1:2:3:0:0:4',
        '1:0:0:2:0:0:0:3',
        '::5',
        '::0.0.0.5',
        '::ffff',
        '::ffff:0:0',
        '::1:0:0',
        '::1:0',
      ],
    ],
    ['10.0.0.1', '::1/128', '::1%eth0'],
  ),
  spelled({ type: 'string', format: 'byte' }, ['', 'AA==', 'AAA=', '+/+/', 'YWJj'], ['AA', 'AB==', '-_-_', 'AAA=AAA=']),
  spelled(
    { type: 'string', format: 'decimal' },
    ['1.5', '1.50', '01.5', '-1.5', '0', '-0', '0.00', '-0.0', '100', '100.0', '0.10', `${'9'.repeat(60)}.1`],
    ['+1.5', '.5', '5.', '00', ' 1.5 ', 'NaN'],
  ),
  spelled(
    { type: 'string', format: 'decimal', precision: 12, scale: 4 },
    ['1.5', '1.5000', '-0', '0.0000', '12345678', '12345678.0'],
    ['1.50000', '+1.5', '123456789012345'],
  ),
  spelled(
    { type: 'integer' },
    [0, 1, -1, 7, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
    [
      '+7',
      '007',
      '-0',
      '-07',
      ' 7',
      '7.0',
      '9223372036854775807',
      '-9223372036854775808',
      '9007199254740993',
      '9223372036854775808',
    ],
  ),
  spelled(
    { type: 'number' },
    [0, 1, 0.1, -0.1, 1e21, 1e20, 1e-7, 5e-324, 1.7976931348623157e308, 0.30000000000000004, 123456789012345680000],
    ['-0', '+1', '1.0', '1e0', '.1', '1e400', '0.1000000000000000055', '1E21', '001', '0e5', '9007199254740993'],
  ),
];
