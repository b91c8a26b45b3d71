/**
 * What a record list asks for, resolved against its entity: pure data, no SQL and no text left to parse. The parsers
 * beside it make it, `list-statement.ts` turns it into SQL, the row writer reads `select`.
 */

import type { ColumnType } from '../entity.js';

export interface ListQuery {
  /** Never empty. */
  readonly select: readonly SelectTerm[];
  /** All of them must hold. */
  readonly where: readonly Condition[];
  /** Total: `id` is always among them, so equal queries page through equal sequences. */
  readonly order: readonly OrderTerm[];
  readonly limit: number;
  readonly offset: number;
  /** The total for `where`, whatever the page, is asked for as well. */
  readonly count: boolean;
}

/** A property or system member and where it is stored. */
export interface Field {
  readonly name: string;
  readonly column: string;
  readonly type: ColumnType;
}

/** `all`: the record as it is returned without `select`, undeclared members included. `as` is the member in the response. */
export type SelectTerm = { readonly kind: 'all' } | { readonly kind: 'field'; readonly field: Field; readonly as: string };

export type Condition = Group | Comparison | Membership | Test;

/** Never empty. */
export interface Group {
  readonly kind: 'and' | 'or';
  readonly not: boolean;
  readonly terms: readonly Condition[];
}

/** `value` is the text of the field's column type, checked; of `like` and `ilike` a pattern in SQL's own syntax. */
interface Comparison {
  readonly kind: 'compare';
  readonly not: boolean;
  readonly field: Field;
  readonly operator: ComparisonOperator;
  readonly value: string;
}

export type ComparisonOperator = 'eq' | 'neq' | 'gt' | 'gte' | 'lt' | 'lte' | 'like' | 'ilike';

/** Empty `values` match nothing. */
interface Membership {
  readonly kind: 'in';
  readonly not: boolean;
  readonly field: Field;
  readonly values: readonly string[];
}

interface Test {
  readonly kind: 'is';
  readonly not: boolean;
  readonly field: Field;
  readonly test: TestName;
}

export type TestName = 'null' | 'not_null' | 'true' | 'false' | 'unknown';

/** Without `nulls` Postgres' own rule holds: last when ascending, first when descending. */
export interface OrderTerm {
  readonly field: Field;
  readonly descending: boolean;
  readonly nulls?: 'first' | 'last';
}
