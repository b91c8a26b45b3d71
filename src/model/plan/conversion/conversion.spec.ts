import type { ColumnType } from '../../entity.js';
import { RANGE_TYPES } from '../../values/range.js';
import { conversionBetween } from './conversion.js';
import type { ColumnKind } from './rule.js';

const TYPES: readonly ColumnType[] = [
  ...(['text', 'uuid', 'date', 'timestamptz', 'timestamp', 'time', 'inet', 'bytea'] as const),
  ...(['numeric', 'bigint', 'double precision', 'boolean', 'jsonb'] as const),
  ...RANGE_TYPES,
];

const fixed = (precision: number, scale: number): ColumnKind => ({ type: 'numeric', precision, scale });

function sql(before: ColumnKind, after: ColumnKind, old = '"c"') {
  const conversion = conversionBetween(before, after);
  if (!conversion) return undefined;
  return { using: conversion.using(old), fits: conversion.fits?.(old), rewrites: conversion.rewrites };
}

describe('conversionBetween', () => {
  it('refuses what has no common meaning: only text and jsonb take everything', () => {
    const targets = (before: ColumnType) =>
      TYPES.filter((after) => after !== before && conversionBetween({ type: before }, { type: after }));
    const scalars = TYPES.filter((type) => type !== 'text' && type !== 'jsonb');
    expect(Object.fromEntries(TYPES.map((type) => [type, targets(type)]))).toEqual({
      text: TYPES.filter((type) => type !== 'text'),
      uuid: ['text', 'jsonb'],
      date: ['text', 'timestamptz', 'timestamp', 'jsonb'],
      timestamptz: ['text', 'date', 'timestamp', 'jsonb'],
      timestamp: ['text', 'date', 'timestamptz', 'jsonb'],
      time: ['text', 'jsonb'],
      inet: ['text', 'jsonb'],
      bytea: ['text', 'jsonb'],
      numeric: ['text', 'bigint', 'double precision', 'jsonb'],
      bigint: ['text', 'numeric', 'double precision', 'jsonb'],
      'double precision': ['text', 'numeric', 'bigint', 'jsonb'],
      boolean: ['text', 'jsonb'],
      jsonb: ['text', ...scalars],
      ...Object.fromEntries(RANGE_TYPES.map((type) => [type, ['text', 'jsonb']])),
    });
  });

  it('says what stands in the way, in one sentence without a full stop', () => {
    const rules = TYPES.flatMap((before) => TYPES.map((after) => conversionBetween({ type: before }, { type: after })?.rule));
    for (const rule of rules) expect(rule ?? 'none').toMatch(/^[^.].*[^.;]$/);
    expect(conversionBetween({ type: 'text' }, fixed(10, 2))?.rule).toBe(
      'a text stays the same JSON string; it has to be a decimal without leading zeros, ' +
        'with exactly 2 digits after the point and at most 8 before it',
    );
    expect(conversionBetween({ type: 'bigint' }, { type: 'text' })?.rule).toBe(
      'each JSON number becomes a JSON string of the same text',
    );
    expect(conversionBetween({ type: 'jsonb' }, { type: 'boolean' })?.rule).toBe(
      'only a JSON boolean converts, and stays the same',
    );
  });

  it('asks a pattern before anything that could fail, in a CASE', () => {
    expect(sql({ type: 'text' }, { type: 'bigint' })).toEqual({
      using: '"c"::bigint',
      fits: `case when "c" ~ '^(0|-?[1-9][0-9]{0,15})$' then abs("c"::bigint) <= 9007199254740991 else "c" is null end`,
      rewrites: true,
    });
    expect(sql({ type: 'jsonb' }, { type: 'uuid' }, '$5::jsonb')).toEqual({
      using: `($5::jsonb #>> '{}')::uuid`,
      fits:
        `case when jsonb_typeof($5::jsonb) = 'string' ` +
        `then ($5::jsonb #>> '{}') ~ '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' else $5::jsonb is null end`,
      rewrites: true,
    });
  });

  it('moves no bound of a range: a cast of one that has to move could be an error', () => {
    const fits = sql({ type: 'text' }, { type: 'int8range' })?.fits;
    expect(fits).toContain('when "c" ~ \'^([[](0|-?[1-9][0-9]{0,18})|[(]),(0|-?[1-9][0-9]{0,18})?[)]$\' then');
    expect(sql({ type: 'tstzrange' }, { type: 'text' })).toEqual({
      using: `replace(translate("c"::text, ' "', 'T'), '+00', 'Z')`,
      rewrites: true,
    });
  });

  it('reads and writes times in UTC', () => {
    expect(sql({ type: 'timestamptz' }, { type: 'date' })).toEqual({
      using: `("c" at time zone 'UTC')::date`,
      fits: `date_trunc('day', ("c" at time zone 'UTC')) = ("c" at time zone 'UTC')`,
      rewrites: true,
    });
    expect(sql({ type: 'timestamptz' }, { type: 'text' })).toEqual({
      using: `(replace(("c" at time zone 'UTC')::text, ' ', 'T') || 'Z')`,
      rewrites: true,
    });
    expect(sql({ type: 'timestamp' }, { type: 'timestamptz' })).toEqual({ using: '"c"::timestamptz', rewrites: false });
  });

  it('loses no digit between numerics, and rewrites nothing that only becomes wider', () => {
    expect(sql(fixed(10, 2), fixed(10, 1))).toEqual({ using: '"c"::numeric(10,1)', fits: 'trunc("c", 1) = "c"', rewrites: true });
    expect(sql(fixed(10, 2), fixed(8, 2))).toEqual({ using: '"c"::numeric(8,2)', fits: 'abs("c") < 1e6', rewrites: true });
    expect(sql(fixed(10, 2), fixed(12, 2))).toEqual({ using: '"c"::numeric(12,2)', rewrites: false });
    expect(sql(fixed(10, 2), { type: 'numeric' })).toEqual({ using: '"c"::numeric', rewrites: false });
    expect(sql({ type: 'numeric' }, fixed(10, 2))).toEqual({
      using: '"c"::numeric(10,2)',
      fits: 'scale("c") = 2 and abs("c") < 1e8',
      rewrites: true,
    });
  });

  it('holds a numeric without a scale to the digits of the number', () => {
    const plain: ColumnKind = { type: 'numeric' };
    expect(sql(plain, { type: 'bigint' })?.fits).toBe('scale("c") = 0 and abs("c") <= 9007199254740991');
    expect(sql(plain, { type: 'double precision' })?.fits).toMatch(
      / then \(.*\)::numeric::text = "c"::text else "c" is null end$/,
    );
    expect(sql({ type: 'bigint' }, plain)).toEqual({ using: '"c"::numeric', rewrites: true });
    expect(sql({ type: 'double precision' }, plain)?.fits).toBeUndefined();
    expect(conversionBetween(plain, { type: 'bigint' })?.rule).toBe(
      'the JSON string of a decimal becomes a JSON number with the same digits; ' +
        'it has to be an integer within ±(2^53−1), without zeros after a point',
    );
  });

  it('asks of a numeric with a scale and a number only that they are the same number: the column prints the zeros', () => {
    expect(sql(fixed(10, 2), { type: 'bigint' })).toEqual({
      using: '"c"::bigint',
      fits: 'trunc("c") = "c" and abs("c") <= 9007199254740991',
      rewrites: true,
    });
    expect(sql({ type: 'bigint' }, fixed(10, 2))).toEqual({
      using: '"c"::numeric(10,2)',
      fits: 'abs("c") < 1e8',
      rewrites: true,
    });
    expect(sql(fixed(10, 2), { type: 'double precision' })?.fits).toMatch(/ then \(.*\)::numeric = "c" else "c" is null end$/);
    const fits = sql({ type: 'double precision' }, fixed(10, 2))?.fits;
    expect(fits).toMatch(/^scale\(\(case .* end\)::numeric\) <= 2 and abs\(\(case .* end\)::numeric\) < 1e8$/);
  });

  it('says of a numeric with a scale that zeros do not count', () => {
    expect(conversionBetween({ type: 'double precision' }, fixed(10, 2))?.rule).toBe(
      'a number becomes the JSON string of the same number, with 2 digits after the point; ' +
        'it has to have at most 2 digits after the point and at most 8 before it',
    );
    expect(conversionBetween({ type: 'bigint' }, fixed(10, 2))?.rule).toBe(
      'an integer becomes the JSON string of the same number, with 2 digits after the point; it has to have at most 8 digits',
    );
    expect(conversionBetween(fixed(10, 2), { type: 'double precision' })?.rule).toBe(
      'the JSON string of a decimal becomes the same JSON number, without zeros at the end of a fraction; ' +
        'a double has to hold all other digits',
    );
    expect(conversionBetween(fixed(10, 2), { type: 'bigint' })?.rule).toBe(
      'the JSON string of a decimal becomes the same JSON number, without zeros at the end of a fraction; ' +
        'it has to be an integer within ±(2^53−1)',
    );
  });

  it('changes nothing where the column stays the same: one of precision and scale alone makes no other type', () => {
    const unchanged = { using: '"c"', rewrites: false };
    expect(sql({ type: 'text' }, { type: 'text' })).toEqual(unchanged);
    expect(sql({ type: 'numeric', precision: 5 }, { type: 'numeric', scale: 2 })).toEqual(unchanged);
    expect(sql(fixed(10, 2), fixed(10, 2))).toEqual(unchanged);
  });
});
