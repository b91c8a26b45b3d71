import type { JsonValue } from '../../platform/json-value.js';
import { type Entity, KEEPS_NOTHING, type Property } from '../entity.js';
import { compileValidator } from './validator.js';

function faultOf(column: Partial<Property>, schema: Record<string, JsonValue>, value: JsonValue): string | undefined {
  const property: Property = {
    ...{ name: 'a/b', column: 'a', type: 'text', required: false, nullable: true, checks: [] },
    ...{ immutable: false, readOnly: false, writeOnly: false },
    ...column,
  };
  const entity: Entity = {
    ...{
      name: 'thing',
      table: 'thing',
      keepsExtras: true,
      uniqueKeys: [],
      indexes: [],
      concurrency: 'optional',
      keeps: KEEPS_NOTHING,
    },
    properties: [property],
    document: { type: 'object', properties: { 'a/b': schema } },
  };
  const faults = compileValidator(entity).validate({ 'a/b': value });
  expect(faults.length).toBeLessThan(2);
  if (faults[0]) expect(faults[0].pointer).toBe('/a~1b');
  return faults[0] && `${faults[0].rule}: ${faults[0].message}`;
}

const YEAR = 'fidelity: the year must lie between 0001 and 9999, also when the time is given in UTC';
const FRACTION = 'fidelity: a time is stored to the microsecond: at most 6 digits after the point';
const LEAP = 'fidelity: a leap second cannot be stored; send the next second';

const NO_DATE = 'fidelity: is stored as [from,to), and no date follows 9999-12-31: leave that end open';
const NO_INTEGER = 'fidelity: is stored as [from,to), and no integer follows 9223372036854775807: leave that end open';

describe('a value that its column would bend is refused', () => {
  it.each<[Property['type'], string, string, string]>([
    ['timestamptz', 'date-time', '2026-11-21T09:30:00.1234567Z', FRACTION],
    ['timestamptz', 'date-time', '2016-12-31T23:59:60Z', LEAP],
    ['timestamptz', 'date-time', '2016-12-31T18:59:60.5-05:00', LEAP],
    ['timestamptz', 'date-time', '0000-06-01T00:00:00Z', YEAR],
    ['timestamptz', 'date-time', '0001-01-01t00:00:00+05:00', YEAR],
    ['timestamptz', 'date-time', '9999-12-31T23:59:59.999999-00:01', YEAR],
    ['timestamp', 'date-time-local', '2026-11-21T09:30:00.0000001', FRACTION],
    ['timestamp', 'date-time-local', '0000-11-21T09:30:00', YEAR],
    ['date', 'date', '0000-01-01', YEAR],
    ['time', 'time', '23:59:60Z', LEAP],
    ['daterange', 'daterange', '[0000-12-31,)', YEAR],
    ['daterange', 'daterange', '(0000-12-31,0000-12-31)', YEAR],
    ['daterange', 'daterange', '[2026-11-21,9999-12-31]', NO_DATE],
    ['daterange', 'daterange', '(9999-12-31,)', NO_DATE],
    ['int8range', 'int8range', '[1,9223372036854775807]', NO_INTEGER],
    ['int8range', 'int8range', '(9223372036854775807,)', NO_INTEGER],
    ['tsrange', 'tsrange', '(,2026-11-21T09:30:00.0000001)', FRACTION],
    ['tstzrange', 'tstzrange', '[2026-11-21T09:30:00Z,2026-11-21T09:30:00.1234567Z)', FRACTION],
    ['tstzrange', 'tstzrange', '[0001-01-01T00:00:00+05:00,)', YEAR],
    ['tstzrange', 'tstzrange', '(,9999-12-31T23:59:59.999999-00:01)', YEAR],
    ['numrange', 'numrange', `[0,${'1'.repeat(1001)})`, 'fidelity: a decimal can have 1000 digits'],
    ['time', 'time', '09:30:00.1234567+02:00', FRACTION],
  ])('%s %s %s', (type, format, value, fault) => {
    expect(faultOf({ type }, { type: 'string', format }, value)).toBe(fault);
  });

  it.each<[Partial<Property>, string, string]>([
    [{ precision: 5, scale: 2 }, '1.234', 'fidelity: this decimal can have 2 digits after the point'],
    [{ precision: 5, scale: 2 }, '-1234.5', 'fidelity: this decimal can have 3 digits before the point'],
    [{ precision: 5 }, '123.456', 'fidelity: this decimal can have 5 digits altogether'],
    [{ scale: 1 }, '123.45', 'fidelity: this decimal can have 1 digits after the point'],
    [{}, `${'1'.repeat(500)}.${'1'.repeat(501)}`, 'fidelity: a decimal can have 1000 digits'],
  ])('numeric %j', (column, value, fault) => {
    expect(faultOf({ type: 'numeric', ...column }, { type: 'string', format: 'decimal' }, value)).toBe(fault);
  });

  it('integers that JSON parsers round', () => {
    const beyond = 'fidelity: an integer must lie within ±(2^53−1), or JSON parsers would round it';
    expect(faultOf({ type: 'bigint' }, { type: 'integer' }, 2 ** 53)).toBe(beyond);
    expect(faultOf({ type: 'bigint' }, { type: 'integer' }, -1e300)).toBe(beyond);
    expect(faultOf({ type: 'bigint' }, { type: 'integer' }, 2 ** 53 - 1)).toBeUndefined();
    expect(faultOf({ type: 'double precision' }, { type: 'number' }, 1e300)).toBeUndefined();
  });

  it('base64 that decodes to the same bytes as another, though only contentEncoding says that it is base64', () => {
    const schema = { type: 'string', contentEncoding: 'base64' };
    expect(faultOf({ type: 'bytea' }, schema, 'QR==')).toBe('fidelity: must be padded base64 (RFC 4648 §4) without line breaks');
    expect(faultOf({ type: 'bytea' }, schema, 'QQ==')).toBeUndefined();
  });

  it('but once: what breaks the format is not named again', () => {
    expect(faultOf({ type: 'timestamptz' }, { type: 'string', format: 'date-time' }, '0000-99-01T00:00:00Z')).toMatch(/^format/);
  });
});

describe('a value that its column keeps is accepted', () => {
  it.each<[Partial<Property>, string, JsonValue]>([
    [{ type: 'timestamptz' }, 'date-time', '0001-01-01T05:00:00+05:00'],
    [{ type: 'timestamptz' }, 'date-time', '9999-12-31T23:59:59.999999+23:59'],
    [{ type: 'timestamptz' }, 'date-time', null],
    [{ type: 'time' }, 'time', '09:30:00.123456-00:00'],
    [{ type: 'numeric', precision: 5, scale: 2 }, 'decimal', '-000123.40'],
    [{ type: 'numeric', precision: 2, scale: 2 }, 'decimal', '0.99'],
    [{ type: 'jsonb' }, 'date-time', '2016-12-31T23:59:60.123456789Z'],
    [{ type: 'int8range' }, 'int8range', '[9223372036854775806,9223372036854775807)'],
    [{ type: 'int8range' }, 'int8range', '[-9223372036854775808,9223372036854775806]'],
    [{ type: 'daterange' }, 'daterange', '[0001-01-01,9999-12-30]'],
    [{ type: 'daterange' }, 'daterange', '[9999-12-31,9999-12-31)'],
    [{ type: 'numrange' }, 'numrange', `[${'1'.repeat(1000)},)`],
    [{ type: 'tstzrange' }, 'tstzrange', '(,9999-12-31T23:59:59.999999+23:59]'],
    [{ type: 'tstzrange' }, 'tstzrange', 'empty'],
    [{ type: 'jsonb' }, 'int8range', '[1,9223372036854775807]'],
  ])('%j %s %s', (column, format, value) => {
    expect(faultOf(column, { type: ['string', 'null'], format }, value)).toBeUndefined();
  });
});

describe('a value that is encrypted is held to its own type, not to that of its column', () => {
  const sealed = (of: Property['type']): Partial<Property> => ({ type: 'bytea', encrypted: { of, searchable: false } });

  it('and refused where a column of that type would bend it', () => {
    expect(faultOf(sealed('timestamptz'), { type: 'string', format: 'date-time' }, '2016-12-31T23:59:60Z')).toBe(LEAP);
    expect(faultOf(sealed('bigint'), { type: 'integer' }, 2 ** 53)).toContain('2^53');
  });

  it('and accepted although it is no base64', () => {
    expect(faultOf(sealed('text'), { type: 'string' }, 'Zürich')).toBeUndefined();
    expect(faultOf(sealed('bytea'), { type: 'string', format: 'byte' }, 'Zürich')).toBeDefined();
  });
});
