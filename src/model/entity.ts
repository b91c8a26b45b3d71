import type { JsonObject, JsonValue } from '../platform/json-value.js';
import type { Redacted, Redaction } from './access/redaction.js';
import type { FieldCipher } from './sealed/field-cipher.js';

/**
 * What the store knows about an entity once its document has been read: pure data, derived from the document and the
 * physical names chosen for it. DDL, statements, validation and OpenAPI are all functions of this.
 */
export interface Entity {
  /** Logical name, as in the URL. */
  readonly name: string;
  /** Physical table name, at most 45 bytes. */
  readonly table: string;
  /** In document order. */
  readonly properties: readonly Property[];
  /** `additionalProperties` absent or true: undeclared members are kept in the `_extra` column. */
  readonly keepsExtras: boolean;
  readonly uniqueKeys: readonly UniqueKey[];
  readonly indexes: readonly Index[];
  /** `required`: writes must send If-Match. */
  readonly concurrency: 'optional' | 'required';
  readonly keeps: Keeps;
  /** The required property that says whom a record is about: its encrypted values are under the keys of that subject. */
  readonly subject?: string;
  /** While a change of type is prepared: the columns that every write keeps in step. */
  readonly shadows?: readonly Shadow[];
  /** Where every write keeps what was there before, if the document asks for it. */
  readonly past?: Past;
  /** From `rowRules`, in order of the roles' names; absent: whoever may read or write records may do so with all of them. */
  readonly rowRules?: readonly RoleRules[];
  /** Of an entity as some callers see it, see `access/row-rule-sight.ts`: the rows that are theirs. Absent: all. */
  readonly rows?: Rows;
  /** The document with `x-` synonyms made bare, as it is validated against. */
  readonly document: JsonObject;
}

export type ColumnType =
  | 'text'
  | 'uuid'
  | 'date'
  | 'timestamptz'
  | 'timestamp'
  | 'time'
  | 'inet'
  | 'bytea'
  | 'numeric'
  | 'bigint'
  | 'double precision'
  | 'boolean'
  | 'jsonb'
  | RangeType;

/** Of Postgres, and the formats of the dialect with the same names. */
export type RangeType = 'int8range' | 'numrange' | 'daterange' | 'tsrange' | 'tstzrange';

export interface Property {
  /** Logical name: the JSON member. */
  readonly name: string;
  /** Physical column name, at most 45 bytes. */
  readonly column: string;
  /** Of the column: of what is encrypted always bytea. */
  readonly type: ColumnType;
  /** From `encrypted`: the column holds cells, see `sealed/cell.ts`. */
  readonly encrypted?: Encryption;
  /** `format: decimal` only: numeric(precision, scale). */
  readonly precision?: number;
  readonly scale?: number;
  readonly required: boolean;
  /** `null` is a valid value. A NULL column then means null when required; when optional, `_extra` says which it was. */
  readonly nullable: boolean;
  /** Applied by the store on insert when the member is absent. */
  readonly default?: JsonValue;
  /** The part of the schema that SQL can say exactly as ajv does. */
  readonly checks: readonly Check[];
  readonly relation?: Relation;
  readonly immutable: boolean;
  readonly readOnly: boolean;
  readonly writeOnly: boolean;
  readonly generated?: 'uuid' | 'now' | 'actor';
  readonly renamedFrom?: string;
  /** The old name of a renamed property, under which writers may still send it until then (RFC 3339). */
  readonly alias?: { readonly name: string; readonly until: string };
  readonly access?: FieldAccess;
  /** From `pii`: its values are about a person, of this kind where one is named. */
  readonly personal?: string | true;
  /** From `redact`, or that it is personal: what those who read as auditors only get of its values. */
  readonly redact?: Redaction;
  /** Of an entity as some callers see it, see `access/entity-view.ts`: its values are kept from them. */
  readonly hidden?: true;
  /** Of such an entity: this is what they get of its values, and they may not ask by them. */
  readonly redacted?: Redacted;
  /** Of such an entity: it is not theirs to set or change. */
  readonly fixed?: true;
}

/** How the values of a property are encrypted. */
export interface Encryption {
  /** What they are, which the column does not show. */
  readonly of: ColumnType;
  /** `"equality"`: cells carry tags, by which equal values are found. */
  readonly searchable: boolean;
  /** Of an entity in force: the property's name for ever, whatever it is called. */
  readonly field?: string;
  /** Of an entity whose records are about to be read or written. */
  readonly cipher?: FieldCipher;
}

/** What its values are, which of what is encrypted the column does not show. */
export function valueTypeOf({ type, encrypted }: Pick<Property, 'type' | 'encrypted'>): ColumnType {
  return encrypted?.of ?? type;
}

/** From `access`: names of roles; absent: whoever may read or write records of the entity. */
export interface FieldAccess {
  readonly read?: readonly string[];
  readonly write?: readonly string[];
}

/** Whether it is ever a member of an answer, if only redacted. */
export function isReturned({ writeOnly, hidden }: Property): boolean {
  return !writeOnly && !hidden;
}

/** Whether its values are answered with as they are, and may be asked for in any other way. */
export function isReadable(property: Property): boolean {
  return isReturned(property) && property.redacted === undefined;
}

/** Whether a view of the entity keeps its values back, which others get. */
export function isKeptBack({ hidden, redacted }: Property): boolean {
  return hidden === true || redacted !== undefined;
}

/** What a role may do with which rows; absent: as the role's kind has it, see `access/row-rule-sight.ts`. */
export interface RoleRules {
  readonly role: string;
  readonly read?: RowRule;
  readonly write?: RowRule;
}

/** Whether it holds for a row: for all, for none, or where its columns say so. As in SQL, what is unknown does not hold. */
export type RowRule = boolean | RowTerm;

export type RowTerm =
  | { readonly kind: 'and' | 'or'; readonly terms: readonly RowTerm[] }
  | { readonly kind: 'not'; readonly term: RowTerm }
  | { readonly kind: 'compare'; readonly column: RowColumn; readonly operator: RowOperator; readonly operand: RowOperand }
  | { readonly kind: 'in'; readonly column: RowColumn; readonly operand: RowOperand }
  | { readonly kind: 'is'; readonly column: RowColumn; readonly test: 'null' | 'not_null' };

export type RowOperator = 'eq' | 'neq' | 'gt' | 'gte' | 'lt' | 'lte';

/** A property or a system member, by its logical name, and where it is stored. */
export interface RowColumn {
  readonly name: string;
  readonly column: string;
  readonly type: ColumnType;
}

/** Texts of the column's type; null where nothing is known, so that the comparison does not hold. */
export type RowOperand =
  | { readonly value: string | null }
  | { readonly values: readonly string[] | null }
  | { readonly claim: string };

/** Without claims: what they say stands in their place. `write` holds nowhere that `read` does not. */
export interface Rows {
  readonly read: RowRule;
  readonly write: RowRule;
}

/** `values` of `oneOf` are texts of the column's type (enum, const). */
export type Check =
  | { readonly kind: 'minLength' | 'maxLength'; readonly length: number }
  | { readonly kind: 'minimum' | 'maximum' | 'exclusiveMinimum' | 'exclusiveMaximum'; readonly bound: number }
  | { readonly kind: 'oneOf'; readonly values: readonly string[] };

export interface Relation {
  /** Logical name of the target entity, in the same tenant. */
  readonly entity: string;
  /** `id`, or the target's property that is unique on its own. */
  readonly field: string;
  readonly onDelete: 'restrict' | 'setNull' | 'cascade';
  readonly inverse?: string;
  /** Of an entity as some callers see it: of the target, only these rows are there for them. */
  readonly seen?: SeenTarget;
}

export interface SeenTarget {
  readonly table: string;
  /** Physical column of `field`. */
  readonly column: string;
  readonly rows: RowRule;
}

/** From `unique: true` (one property) or `uniqueKeys` (several). */
export interface UniqueKey {
  /** Physical constraint name. */
  readonly name: string;
  readonly properties: readonly string[];
}

/** A second column of a property, as it is about to be. */
export interface Shadow {
  readonly property: string;
  readonly column: string;
  readonly type: ColumnType;
  readonly precision?: number;
  readonly scale?: number;
  /** It is about to hold encrypted values. */
  readonly encrypted?: Encryption;
  /** Only the service can fill it: the column that says of which revision of its record it is. */
  readonly revision?: string;
  /** The property that says whom a record is about, as it is called now. */
  readonly subject?: string;
}

/** From `softDelete`, `history` and `retention`: what is kept of records that are deleted or changed, and for how many days. */
export interface Keeps {
  readonly deleted: boolean;
  readonly history: boolean;
  /** null: until they are purged. */
  readonly deletedDays: number | null;
  readonly historyDays: number | null;
}

export const KEEPS_NOTHING: Keeps = { deleted: false, history: false, deletedDays: null, historyDays: null };

/** Physical names of the tables that take what a write replaces or deletes; absent: it is gone. */
export interface Past {
  readonly history?: string;
  readonly deleted?: string;
  /** Of the document, by which a kept row is read. */
  readonly version: number;
}

export type IndexMethod = 'btree' | 'gin' | 'trgm' | 'brin';

/** From `index` on a property or `indexes` on the entity. */
export interface Index {
  /** Physical index name. */
  readonly name: string;
  readonly method: IndexMethod;
  readonly fields: readonly { readonly property: string; readonly descending: boolean }[];
}

/** The members every record has, in the order they are returned, with their columns' types. */
export const SYSTEM_MEMBERS = {
  id: 'uuid',
  created_at: 'timestamptz',
  updated_at: 'timestamptz',
  created_by: 'text',
  updated_by: 'text',
  revision: 'bigint',
} as const satisfies Record<string, ColumnType>;

export type SystemMember = keyof typeof SYSTEM_MEMBERS;

export function isSystemMember(name: string): name is SystemMember {
  return Object.hasOwn(SYSTEM_MEMBERS, name);
}

/** In every row and never in a response. */
export const TENANT_COLUMN = 'tenant_id';

/** jsonb: undeclared members, and the explicit nulls of properties. SQL NULL when there are none. */
export const EXTRA_COLUMN = '_extra';

/** Where a tenant lives: opaque physical names, since catalogs are readable by everyone. */
export interface TenantHome {
  readonly tenantId: string;
  /** `t_<key>` */
  readonly schema: string;
  /** `tn_<key>`: runs requests. */
  readonly role: string;
  /** `own_<key>`: owns the schema and runs its DDL. */
  readonly ownerRole: string;
}
