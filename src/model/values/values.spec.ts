import type { JsonValue } from '../../platform/json-value.js';
import type { ColumnType } from '../entity.js';
import { columnText, jsonText } from './values.js';

describe('columnText', () => {
  it.each<[ColumnType, JsonValue, string]>([
    ['text', 'a "b" \\ \n', 'a "b" \\ \n'],
    ['uuid', '018F0000-0000-7000-8000-000000000000', '018F0000-0000-7000-8000-000000000000'],
    ['numeric', '-12.50', '-12.50'],
    ['bigint', 1e5, '100000'],
    ['bigint', -9007199254740991, '-9007199254740991'],
    ['double precision', 1e21, '1e+21'],
    ['double precision', 0.1, '0.1'],
    ['boolean', false, 'false'],
    ['date', '2026-11-21', '2026-11-21'],
    ['timestamp', '2026-11-21T09:30:00.5', '2026-11-21T09:30:00.5'],
    ['timestamptz', '2026-11-21t09:30:00.123456z', '2026-11-21T09:30:00.123456Z'],
    ['timestamptz', '2026-03-01T00:30:00.120+01:00', '2026-02-28T23:30:00.120Z'],
    ['timestamptz', '2026-12-31T23:59:59-23:59', '2027-01-01T23:58:59Z'],
    ['time', '09:30:00Z', '09:30:00Z'],
    ['time', '00:30:00.5+02:00', '22:30:00.5Z'],
    ['time', '23:30:00-02:00', '01:30:00Z'],
    ['inet', '2001:DB8::1', '2001:DB8::1'],
    ['bytea', 'AP+A', '\\x00ff80'],
    ['bytea', '', '\\x'],
    ['int8range', '(1,5]', '[2,6)'],
    ['numrange', '[007.50,8)', '[7.50,8)'],
    ['daterange', '[2024-02-29,2024-02-29]', '[2024-02-29,2024-03-01)'],
    ['tsrange', '[,2026-11-21t09:30:00.50]', '(,2026-11-21T09:30:00.5]'],
    ['tstzrange', '[2026-11-21T09:30:00+23:59,)', '[2026-11-20T09:31:00Z,)'],
    ['jsonb', 'a', '"a"'],
    ['jsonb', { a: [1.5, null, 'é'] }, '{"a":[1.5,null,"é"]}'],
  ])('%s %j', (type, value, text) => {
    expect(columnText({ type }, value)).toBe(text);
  });
});

describe('jsonText', () => {
  it.each<[ColumnType, string, JsonValue]>([
    ['text', 'a "b" \\ \n\u2028', 'a "b" \\ \n\u2028'],
    ['text', '', ''],
    ['uuid', '018f0000-0000-7000-8000-000000000000', '018f0000-0000-7000-8000-000000000000'],
    ['numeric', '-12.50', '-12.50'],
    ['bigint', '-9007199254740991', -9007199254740991],
    ['double precision', '1e+20', 1e20],
    ['double precision', '1e-07', 1e-7],
    ['boolean', 't', true],
    ['boolean', 'f', false],
    ['date', '0001-01-01', '0001-01-01'],
    ['timestamp', '2026-11-21 09:30:00.5', '2026-11-21T09:30:00.5'],
    ['timestamptz', '2026-11-21 06:47:53.123456+00', '2026-11-21T06:47:53.123456Z'],
    ['timestamptz', '0001-01-01 00:00:00+00', '0001-01-01T00:00:00Z'],
    ['time', '22:30:00.5', '22:30:00.5Z'],
    ['inet', '10.0.0.1', '10.0.0.1'],
    ['inet', '10.0.0.1/32', '10.0.0.1'],
    ['inet', '::ffff:1.2.3.4/128', '::ffff:1.2.3.4'],
    ['bytea', '\\x00ff80', 'AP+A'],
    ['bytea', '\\x', ''],
    ['int8range', '[1,6)', '[1,6)'],
    ['numrange', '(,2.50]', '(,2.50]'],
    ['daterange', 'empty', 'empty'],
    ['tsrange', '["2026-11-21 09:30:00.5",)', '[2026-11-21T09:30:00.5,)'],
    [
      'tstzrange',
      '["0001-01-01 00:00:00+00","2026-11-21 06:47:53.123456+00"]',
      '[0001-01-01T00:00:00Z,2026-11-21T06:47:53.123456Z]',
    ],
    ['tstzrange', '(,)', '(,)'],
    ['jsonb', '{"a": [1.5, null, "é"]}', { a: [1.5, null, 'é'] }],
  ])('%s %s', (type, text, value) => {
    expect(JSON.parse(jsonText(type, text))).toEqual(value);
  });

  it('prints a double as JSON clients do, where Postgres prints another text of it', () => {
    expect(jsonText('double precision', '-5.4550277028441604e+19')).toBe('-54550277028441600000');
    expect(jsonText('double precision', '0.30000000000000004')).toBe('0.30000000000000004');
  });
});
