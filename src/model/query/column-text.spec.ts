import type { ColumnType } from '../entity.js';
import { columnText, EXPECTED } from './column-text.js';

const REFUSED: Record<Exclude<ColumnType, 'text'>, readonly string[]> = {
  jsonb: ['', 'a', '{a,b}', "{'a':1}", '[1,]', '['.repeat(101) + ']'.repeat(101)],
  uuid: [
    '',
    'null',
    '0190a1b2c3d47e5f8a9b0c1d2e3f4a5b',
    '{0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b}',
    '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5',
  ],
  date: [
    '',
    'today',
    'infinity',
    '2024-02-30',
    '2023-02-29',
    '1900-02-29',
    '2024-13-01',
    '0000-01-01',
    '2024-1-1',
    '20240101',
    '2024-01-01T00:00:00Z',
  ],
  timestamptz: [
    '',
    'now',
    '2024-05-31T24:00:00Z',
    '2024-05-31T12:00:60Z',
    '2024-02-30T12:00:00Z',
    '2024-05-31T12:00:00.1234567Z',
    '2024-05-31T12:00:00+16:00',
    '2024-05-31T12:00:00 02:00',
    '2024-05-31T12Z',
  ],
  timestamp: ['2024-05-31T12:00:00Z', '2024-05-31T12:00:00+02:00', '2024-05-31T12:00:00.1234567', 'now'],
  time: ['', '24:00:00', '12:60', '12:00:60', '12:00:00+02:00', 'allballs', '12:00:00.1234567'],
  inet: ['', 'localhost', '1.2.3', '1.2.3.4/8', '256.1.1.1', 'fe80::1%eth0', '01.2.3.4'],
  bytea: ['a', 'ab', 'abc', 'ab=c', 'ab-_', '\\x00', 'YQ= ='],
  numeric: ['', 'NaN', 'Infinity', '1,5', '0x10', '1_000', '1e1000', '.', '1'.repeat(1_001), 'null'],
  bigint: ['', '1.0', '1e3', '0x10', '1_000', '9223372036854775808', '-9223372036854775809', '9'.repeat(1_000), 'NaN', '--1'],
  'double precision': ['', 'NaN', 'Infinity', '-Infinity', '1e309', '1e-400', '-1e400', '0x1p3', 'one', '.', 'e5'],
  boolean: ['', 't', '1', 'yes', 'on', 'null'],
  int8range: ['', 'null', '5', '[5,4)', '[1,5', '[1.0,2)', '[0x1,2)', '[1,9223372036854775807]', '[-9223372036854775809,)'],
  numrange: ['', '[2,1.99)', '[NaN,)', '[,Infinity)', '[1e3,)', '[1,2,3)', '{1,2}'],
  daterange: ['', '[today,)', '[2024-02-30,)', '[2024-01-02,2024-01-01]', '[0000-01-01,)', '[2024-01-01T00:00:00,)'],
  tsrange: ['', '[now,)', '[2024-05-31T12:00:00Z,)', '[2024-05-31T13:00,2024-05-31T12:59:59.999999)'],
  tstzrange: ['', '[2024-05-31T12:00:60Z,)', '[2024-05-31T12:00Z,2024-05-31T12:59+01:00)', '[2024-05-31T12:00+16:00,)'],
};

const ACCEPTED: readonly (readonly [ColumnType, string, string])[] = [
  ['text', ' as it is ', ' as it is '],
  ['uuid', '0190A1B2-c3d4-7e5f-8a9b-0c1d2e3f4a5b', '0190A1B2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'],
  ['date', '2024-02-29', '2024-02-29'],
  ['date', '2000-02-29', '2000-02-29'],
  ['timestamptz', '2024-05-31t12:30:15.123456+02:00', '2024-05-31T12:30:15.123456+02:00'],
  ['timestamptz', '2024-05-31 12:30', '2024-05-31T12:30Z'],
  ['timestamptz', '2024-05-31', '2024-05-31T00:00Z'],
  ['timestamp', '2024-05-31 12:30:15', '2024-05-31T12:30:15'],
  ['time', '12:30:15.5Z', '12:30:15.5'],
  ['inet', '::ffff:1.2.3.4', '::ffff:1.2.3.4'],
  ['bytea', 'aGk=', '\\x6869'],
  ['bytea', '', '\\x'],
  ['numeric', '0.1234567890123456789012345678901234567890', '0.1234567890123456789012345678901234567890'],
  ['numeric', ' -1.50 ', '-1.50'],
  ['bigint', '9223372036854775807', '9223372036854775807'],
  ['bigint', '-9223372036854775808', '-9223372036854775808'],
  ['bigint', ' 007', '007'],
  ['double precision', '1e308', '1e+308'],
  ['double precision', '5e-324', '5e-324'],
  ['double precision', '0e-999', '0'],
  ['double precision', '0.1', '0.1'],
  ['boolean', 'TRUE', 'true'],
  ['int8range', ' (007,+9] ', '[8,10)'],
  ['numrange', '["1.50",)', '[1.50,)'],
  ['daterange', '[2024-02-28,2024-02-29]', '[2024-02-28,2024-03-01)'],
  ['tsrange', '(2024-05-31 12:00, 2024-05-31T12:00:00.10]', '(2024-05-31T12:00:00,2024-05-31T12:00:00.1]'],
  ['tstzrange', '[2024-05-31,2024-05-31 02:00+02:00)', 'empty'],
];

describe('columnText', () => {
  test.each(Object.entries(REFUSED).flatMap(([type, values]) => values.map((value) => [type as ColumnType, value] as const)))(
    'refuses as %s: %j',
    (type, value) => {
      expect(columnText(type, value)).toBeNull();
    },
  );

  test.each(ACCEPTED)('reads as %s: %j', (type, value, text) => {
    expect(columnText(type, value)).toBe(text);
  });

  test('can say what each type expects', () => {
    expect(Object.keys(EXPECTED).sort()).toEqual(['text', ...Object.keys(REFUSED)].sort());
  });
});
