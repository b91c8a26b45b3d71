/**
 * What a reading request asks for, resolved against the entities it names: pure data, no SQL and no text left to parse. The
 * parsers beside it make it, `read-statement.ts` turns it into SQL, `read-writer.ts` turns the rows into JSON.
 */

import type { ColumnType, Encryption, Entity } from '../entity.js';
import type { Slot } from '../sealed/field-cipher.js';
import type { Relationship } from './relationships.js';

export interface ReadQuery extends ReadNode {
  /** The total for `where`, whatever the page, is asked for as well. */
  readonly count: Count | null;
  /** The cursor that the page begins behind, as it was sent; empty: the beginning. null: the client does not page by cursors. */
  readonly after: string | null;
  /** A cursor can say where the page ends: not of groups, and not of rows that are named by Range. */
  readonly isContinuable: boolean;
  /** The instant as of which records are read, as Postgres writes it; null: as they are. */
  readonly asOf: string | null;
  /** With `asOf`: what is read in the place of entities' tables, by their names. $2 is the instant. */
  readonly sources?: ReadonlyMap<string, string>;
}

/** `planned` is the planner's estimate; `estimated` counts up to a limit and estimates beyond it. */
export type Count = 'exact' | 'planned' | 'estimated';

/** One entity of a request: the one in its path, or one embedded in another. */
export interface ReadNode {
  readonly entity: Entity;
  /** Empty only of an embed that narrows its parent and shows nothing. */
  readonly select: readonly SelectTerm[];
  /** All of them must hold. */
  readonly where: readonly Condition[];
  /** Total: `id` is always among them, so equal queries page through equal sequences. Of groups, by what is grouped. */
  readonly order: readonly OrderTerm[];
  readonly limit: number;
  readonly offset: number;
  /** Some term aggregates: the others are what records are grouped by. */
  readonly isGrouped: boolean;
}

/** `all`: the record as it is returned without `select`, undeclared members included. `as` is the member in the response. */
export type SelectTerm =
  | { readonly kind: 'all' }
  | { readonly kind: 'value'; readonly value: Value; readonly as: string }
  | { readonly kind: 'embed'; readonly embed: Embed };

export interface Embed {
  /** The member in the response, and the name by which parameters speak of it. */
  readonly as: string;
  readonly relationship: Relationship;
  readonly node: ReadNode;
  /** Parents without one are left out. */
  readonly isInner: boolean;
  /** Its members become those of the parent. */
  readonly isSpread: boolean;
}

/** A property or system member and where it is stored. */
export interface Field {
  readonly name: string;
  readonly column: string;
  readonly type: ColumnType;
  readonly encrypted?: Encryption;
}

/** What a value is in SQL, and how it becomes JSON; `number` is a numeric that JSON shows as a number, whatever its digits. */
export type ValueType = ColumnType | 'number';

export interface FieldValue {
  readonly kind: 'field';
  readonly field: Field;
  readonly type: ValueType;
}

/** An expression over one record, or over a group of them. */
export type Value =
  | FieldValue
  /** Of an encrypted field: that by which equal values are found. */
  | { readonly kind: 'tag'; readonly of: FieldValue; readonly slot: Slot; readonly epoch: number; readonly type: 'bytea' }
  | { readonly kind: 'path'; readonly of: Value; readonly steps: readonly PathStep[]; readonly type: 'text' | 'jsonb' }
  | { readonly kind: 'cast'; readonly of: Value; readonly to: string; readonly type: ValueType }
  | { readonly kind: 'aggregate'; readonly of: Value | null; readonly name: AggregateName; readonly type: ValueType };

export type AggregateName = 'count' | 'sum' | 'avg' | 'min' | 'max';

/** A member by its name, or an element by its index: from 0, or from the end if negative. */
export type PathStep = string | number;

export type Condition = Group | Comparison | Quantified | Membership | Test | Search | Containment | RangeComparison | Presence;

/** Never empty. */
export interface Group {
  readonly kind: 'and' | 'or';
  readonly not: boolean;
  readonly terms: readonly Condition[];
}

/** `operand` is the text of the value's type, checked; of `like` and `ilike` a pattern in SQL's own syntax. */
interface Comparison {
  readonly kind: 'compare';
  readonly not: boolean;
  readonly value: Value;
  readonly operator: ComparisonOperator;
  readonly operand: string;
}

/** `like(any).{a*,b*}`: compares with each, and asks for one or for all to hold. */
interface Quantified {
  readonly kind: 'quantified';
  readonly not: boolean;
  readonly value: Value;
  readonly operator: ComparisonOperator;
  readonly quantifier: 'any' | 'all';
  readonly operands: readonly string[];
}

export type ComparisonOperator =
  | 'eq'
  | 'neq'
  | 'gt'
  | 'gte'
  | 'lt'
  | 'lte'
  | 'like'
  | 'ilike'
  | 'match'
  | 'imatch'
  | 'isdistinct';

/** Empty `operands` match nothing. */
interface Membership {
  readonly kind: 'in';
  readonly not: boolean;
  readonly value: Value;
  readonly operands: readonly string[];
}

interface Test {
  readonly kind: 'is';
  readonly not: boolean;
  readonly value: Value;
  readonly test: TestName;
}

export type TestName = 'null' | 'not_null' | 'true' | 'false' | 'unknown';

/** Full-text search; without a `language` the database's own configuration. */
interface Search {
  readonly kind: 'search';
  readonly not: boolean;
  readonly value: Value;
  readonly operator: SearchOperator;
  readonly language: string | null;
  readonly text: string;
}

export type SearchOperator = 'fts' | 'plfts' | 'phfts' | 'wfts';

/** Over JSON values; of `ov`, `operand` is a JSON array of which one element has to be in the stored one. */
interface Containment {
  readonly kind: 'contain';
  readonly not: boolean;
  readonly value: Value;
  readonly operator: ContainmentOperator;
  readonly operand: string;
}

export type ContainmentOperator = 'cs' | 'cd' | 'ov';

/** `operand` is a range of the value's type; of `cs` also one value that the range may hold. */
interface RangeComparison {
  readonly kind: 'range';
  readonly not: boolean;
  readonly value: Value;
  readonly operator: RangeOperator;
  readonly operand: string;
  readonly operandType: ColumnType;
}

/** Contains, is contained, overlaps; left, right, not beyond the left, not beyond the right; adjacent. */
export type RangeOperator = ContainmentOperator | 'sl' | 'sr' | 'nxl' | 'nxr' | 'adj';

/** Whether an embed has any record: `orders=not.is.null`. */
interface Presence {
  readonly kind: 'present';
  readonly not: boolean;
  readonly embed: Embed;
}

/** Without `nulls` Postgres' own rule holds: last when ascending, first when descending. */
export interface OrderTerm {
  /** Of the one record that is embedded there; null: of the record itself. */
  readonly embed: Embed | null;
  readonly value: Value;
  readonly descending: boolean;
  readonly nulls?: 'first' | 'last';
}
