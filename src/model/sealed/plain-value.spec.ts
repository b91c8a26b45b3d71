import type { JsonValue } from '../../platform/json-value.js';
import type { ColumnType } from '../entity.js';
import { addressText } from './address-text.js';
import { comparedValue } from './compared-value.js';
import { equalText, shownJson } from './plain-value.js';

/** That these are the forms of Postgres is shown by `test/fuzz/encrypted-twins.spec.ts`. */

const shown: [ColumnType, JsonValue, string][] = [
  ['text', 'a"\u2028', JSON.stringify('a"\u2028')],
  ['uuid', '0197C3F0-7D5A-7E52-8F4A-3A2B1C0D9E8F', '"0197c3f0-7d5a-7e52-8f4a-3a2b1c0d9e8f"'],
  ['timestamptz', '2024-05-31t20:30:00.120+02:00', '"2024-05-31T18:30:00.12Z"'],
  ['timestamp', '2024-05-31t18:30:00.500', '"2024-05-31T18:30:00.5"'],
  ['time', '00:30:00.0+01:00', '"23:30:00Z"'],
  ['inet', '2001:DB8:0:0:0:0:0:1', '"2001:db8::1"'],
  ['bytea', 'AA==', '"AA=="'],
  ['numeric', '-001.50', '"-1.50"'],
  ['numeric', '-0.0', '"0.0"'],
  ['boolean', false, 'false'],
  ['bigint', 7, '7'],
  ['double precision', 1e21, '1e+21'],
  ['jsonb', { b: 1, a: [null, 'x'] }, '{"b":1,"a":[null,"x"]}'],
  ['int8range', '(1,5]', '"[2,6)"'],
];

describe('the plain text of a cell', () => {
  it.each(shown)('of %s %j is what the column would answer', (of, value, expected) => {
    expect(shownJson(of, {}, value)).toBe(expected);
  });

  it('has the digits of its column after the point', () => {
    expect(shownJson('numeric', { precision: 12, scale: 4 }, '1.5')).toBe('"1.5000"');
    expect(shownJson('numeric', { precision: 12, scale: 0 }, '7')).toBe('"7"');
    expect(shownJson('numeric', { precision: 12 }, '1.50')).toBe('"1.50"');
  });
});

describe('equal values', () => {
  const equal: [ColumnType, JsonValue[]][] = [
    ['numeric', ['1.5', '1.50', '01.5', '001.500']],
    ['numeric', ['0', '-0', '0.00', '-0.0', '00']],
    ['numeric', ['100', '0100', '100.0']],
    ['uuid', ['0197c3f0-7d5a-7e52-8f4a-3a2b1c0d9e8f', '0197C3F0-7D5A-7E52-8F4A-3A2B1C0D9E8F']],
    ['timestamptz', ['2024-05-31T18:30:00Z', '2024-05-31T20:30:00.000+02:00', '2024-05-31t18:30:00z']],
    ['inet', ['::1', '0:0:0:0:0:0:0:1', '0000::0001']],
    ['inet', ['::ffff:1.2.3.4', '::FFFF:102:304']],
    ['double precision', [0, '0', '-0']],
    ['bigint', [7, '7']],
  ];
  it.each(equal)('of %s have one text: %j', (of, values) => {
    expect(new Set(values.map((value) => equalText(of, value))).size).toBe(1);
  });

  const apart: [ColumnType, JsonValue[]][] = [
    ['text', ['a', 'A', 'a ', ' a', '', 'é', 'e\u0301']],
    ['numeric', ['1', '10', '-1', '0.1', '0.01', '1.05', '1.5']],
    ['inet', ['::1.2.3.4', '::ffff:1.2.3.4', '1.2.3.4']],
    ['time', ['18:30:00Z', '18:30:00.1Z', '20:30:00Z']],
    ['double precision', [0.1, 0.2, 0.30000000000000004, 0.3]],
  ];
  it.each(apart)('of %s are those only: %j', (of, values) => {
    expect(new Set(values.map((value) => equalText(of, value))).size).toBe(values.length);
  });
});

describe('what a filter says', () => {
  const said: [ColumnType, string, JsonValue][] = [
    ['bigint', '+007', 7],
    ['bigint', '-0', 0],
    ['numeric', '+1.5', '1.50'],
    ['numeric', '.5', '0.5'],
    ['bytea', '\\x00', 'AA=='],
    ['timestamptz', '2024-05-31T18:30Z', '2024-05-31T18:30:00Z'],
    ['timestamptz', '2024-05-31T00:00Z', '2024-05-31T00:00:00Z'],
    ['timestamp', '2024-05-31T18:30', '2024-05-31T18:30:00'],
    ['time', '18:30', '18:30:00Z'],
  ];
  it.each(said)('of %s, %s, is what a record says as %j', (of, text, value) => {
    expect(equalText(of, comparedValue(of, text) as string)).toBe(equalText(of, value));
  });

  it('with an exponent has no exact meaning', () => {
    expect(comparedValue('numeric', '1e3')).toBeNull();
  });
});

it.each([
  ['0:0:1:2:3:0:0:4', '::1:2:3:0:0:4'],
  ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
  ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
  ['::1.2.3.4', '::1.2.3.4'],
  ['::102:304', '::1.2.3.4'],
  ['::ffff:0:0', '::ffff:0.0.0.0'],
  ['::5', '::5'],
  ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ['::', '::'],
  ['10.0.0.1', '10.0.0.1'],
])('the address %s is printed %s', (address, printed) => {
  expect(addressText(address)).toBe(printed);
});
