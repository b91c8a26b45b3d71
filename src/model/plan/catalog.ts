/** What Postgres has for a table, whatever its document says, and the fingerprint by which a change of it is noticed. */

import { createHash } from 'node:crypto';

export interface TableCatalog {
  readonly table: string;
  readonly columns: readonly ColumnCatalog[];
  /** In order of name, as are indexes and policies. Without NOT NULL, which columns tell. */
  readonly constraints: readonly ConstraintCatalog[];
  /** Those that belong to no constraint. */
  readonly indexes: readonly IndexCatalog[];
  readonly rowSecurity: boolean;
  /** Row security holds for the owner too. */
  readonly forced: boolean;
  readonly policies: readonly PolicyCatalog[];
}

export interface ColumnCatalog {
  readonly name: string;
  /** With a modifier, as in `numeric(10,2)`; a collation, default or identity follows, which no column of the store has. */
  readonly type: string;
  /** And known to hold for every row. */
  readonly notNull: boolean;
}

export interface ConstraintCatalog {
  readonly name: string;
  readonly kind: 'primary key' | 'unique' | 'check' | 'foreign key' | 'exclusion' | 'trigger';
  /** Every row was checked, and the index behind it is in use. */
  readonly valid: boolean;
  /** As Postgres prints it; a foreign key's as `foreignKeyDefinition` does, followed by what is not usual. */
  readonly definition: string;
  readonly columns: readonly string[];
  /** Of a foreign key. */
  readonly references?: { readonly table: string; readonly columns: readonly string[] };
}

export interface IndexCatalog {
  readonly name: string;
  readonly valid: boolean;
  /** What follows USING as Postgres prints it; after `unique ` when it is. */
  readonly definition: string;
  /** Without expressions. */
  readonly columns: readonly string[];
}

export interface PolicyCatalog {
  readonly name: string;
  /** What follows the table in `create policy`. */
  readonly definition: string;
}

/** SHA-256 in hex: equal as long as nothing changes but the order of columns. */
export function fingerprint(catalog: TableCatalog): string {
  const { table, columns, constraints, indexes, rowSecurity, forced, policies } = catalog;
  const canonical = [
    ...[table, rowSecurity, forced],
    sortedByName(columns).map(({ name, type, notNull }) => [name, type, notNull]),
    constraints.map(({ name, kind, valid, definition }) => [name, kind, valid, definition]),
    indexes.map(({ name, valid, definition }) => [name, valid, definition]),
    policies.map(({ name, definition }) => [name, definition]),
  ];
  return createHash('sha256').update(JSON.stringify(canonical)).digest('hex');
}

/** By code units, whatever the database's collation. */
export function sortedByName<T extends { readonly name: string }>(items: readonly T[]): T[] {
  return [...items].sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
}
