import type { JsonObject, JsonValue } from '../platform/json-value.js';

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
  /** While a change of type is prepared: the columns that every write keeps in step. */
  readonly shadows?: readonly Shadow[];
  /** Where every write keeps what was there before, if the document asks for it. */
  readonly past?: Past;
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
  readonly type: ColumnType;
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
}

/** From `unique: true` (one property) or `uniqueKeys` (several). */
export interface UniqueKey {
  /** Physical constraint name. */
  readonly name: string;
  readonly properties: readonly string[];
}

/** A second column of a property, in the type it is about to have. */
export interface Shadow {
  readonly property: string;
  readonly column: string;
  readonly type: ColumnType;
  readonly precision?: number;
  readonly scale?: number;
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
