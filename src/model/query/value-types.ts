/** What may be done with a value of which type: casts, aggregates and operators. The tables behind the parsers' refusals. */

import type { AggregateName, ValueType } from './ast.js';

/** The name in a query → the type in SQL, and how the result reads in JSON. Types that only this list has are not stored. */
const CASTS: ReadonlyMap<string, readonly [sql: string, type: ValueType]> = new Map([
  ['text', ['text', 'text']],
  ['varchar', ['text', 'text']],
  ['smallint', ['smallint', 'bigint']],
  ['int2', ['smallint', 'bigint']],
  ['integer', ['integer', 'bigint']],
  ['int', ['integer', 'bigint']],
  ['int4', ['integer', 'bigint']],
  ['bigint', ['bigint', 'bigint']],
  ['int8', ['bigint', 'bigint']],
  ['numeric', ['numeric', 'numeric']],
  ['decimal', ['numeric', 'numeric']],
  ['real', ['real', 'double precision']],
  ['float4', ['real', 'double precision']],
  ['float8', ['double precision', 'double precision']],
  ['double precision', ['double precision', 'double precision']],
  ['boolean', ['boolean', 'boolean']],
  ['bool', ['boolean', 'boolean']],
  ['date', ['date', 'date']],
  ['time', ['time', 'time']],
  ['timestamp', ['timestamp', 'timestamp']],
  ['timestamptz', ['timestamptz', 'timestamptz']],
  ['uuid', ['uuid', 'uuid']],
  ['json', ['jsonb', 'jsonb']],
  ['jsonb', ['jsonb', 'jsonb']],
]);

export const CAST_NAMES = [...CASTS.keys()].join(', ');

export function castOf(name: string): { readonly to: string; readonly type: ValueType } | undefined {
  const found = CASTS.get(name);
  return found && { to: found[0], type: found[1] };
}

const AGGREGATES: readonly string[] = ['count', 'sum', 'avg', 'min', 'max'] satisfies AggregateName[];

export function isAggregate(word: string): word is AggregateName {
  return AGGREGATES.includes(word);
}

/** The type of an aggregate over values of a type; undefined where there is none. */
export function aggregateType(name: AggregateName, of: ValueType): ValueType | undefined {
  switch (name) {
    case 'count':
      return 'bigint';
    case 'sum':
    case 'avg':
      return TOTALS.get(of);
    default:
      return ORDERED.has(of) ? of : undefined;
  }
}

/** Postgres adds integers up as numeric, so that no sum overflows. */
const TOTALS: ReadonlyMap<ValueType, ValueType> = new Map([
  ['bigint', 'number'],
  ['number', 'number'],
  ['numeric', 'numeric'],
  ['double precision', 'double precision'],
]);

/** Types that min and max take on every supported Postgres. */
const ORDERED: ReadonlySet<ValueType> = new Set([
  ...(['text', 'date', 'timestamptz', 'timestamp', 'time', 'inet'] as const),
  ...(['numeric', 'number', 'bigint', 'double precision'] as const),
]);
