import { nullableArrayLiteral } from '../model/query/array-literal.js';
import type { Keyring, WrittenVersions } from '../model/sealed/keyring.js';
import type { Statement } from '../model/sql.js';

/**
 * The statements of a sweep over one table that holds what is encrypted under a tenant's keys: a page in the order of the table's key, of
 * which only what is not as it would be written now, and its values anew where they still are what was read.
 */

/** Of a table: its key, what tells whose the values of a row are, and the values. */
export interface SealedTable {
  /** Of all that a tenant has, the same as long as it is there. */
  readonly name: string;
  /** Qualified and quoted. */
  readonly table: string;
  /** Columns with `tenant_id`, quoted, and their types. */
  readonly key: readonly (readonly [column: string, type: string])[];
  /** What else `renewed` wants to know of a row: an expression. */
  readonly about: string;
  /** Expressions of the cells' bytes, of a row without an alias. */
  readonly cells: readonly string[];
  /** How a row gets cells. @param cell an expression; NULL: it stays */
  assignments(cell: (index: number) => string): string;
  /** How a row loses cells. @param isGone a condition on each */
  erasures(isGone: (index: number) => string): string;
  /** null: the table is the control plane's own; else it is the tenant's, and reached inside it. */
  readonly lent: Lent | null;
  /** Whether a cell is to be written anew, in SQL. */
  stale(cell: string, written: WrittenVersions): string;
  /** null: nobody can open it any more. @param index of the cell. @throws SubjectsNeeded, BrokenCell, UnknownField */
  renewed(ring: Keyring, row: KeyedRow, index: number, cell: string): string | null;
}

/** What the tenant's role may not do with the table by itself: privileges, which it has for one transaction. null: none is missing. */
export interface Lent {
  readonly toRead: string | null;
  readonly toWrite: string | null;
}

/** Texts, as Postgres prints them. */
export interface KeyedRow {
  readonly key: readonly string[];
  readonly about: string | null;
}

export interface RenewedRow {
  readonly key: readonly string[];
  readonly before: readonly (string | null)[];
  /** null: it stays. */
  readonly after: readonly (string | null)[];
}

/** Of a version or a column that was not there when the definitions were read. */
export class UnknownField extends Error {
  constructor() {
    super('the definitions have changed since they were read');
    this.name = 'UnknownField';
  }
}

/** Rows looked at in one statement, and those of them, with so many bytes of values, that are renewed in one transaction. */
const LOOKED_AT = 2_000;
const MOST_ROWS = 500;
const MOST_BYTES = 8_000_000;

/** Rows counted in one statement. */
const COUNTED = 20_000;

/** A page behind `after`. Its last row is the last that was looked at, whether it is stale or not; without rows, there are no more. */
export function staleRowsStatement(
  table: SealedTable,
  tenantId: string,
  after: readonly string[],
  written: WrittenVersions,
): Statement {
  const { cells, about } = table;
  const keys = keyNames(table);
  const flags = cells.map((_, index) => `s${index}`);
  const bytes = cells.map((_, index) => `case when s${index} then octet_length(c${index}) else 0 end`).join(' + ');
  const text = `with page as materialized (
  select ${selected(table)},
    (${about})::text as about,
    ${cells.map((sql, index) => `${sql} as c${index}`).join(', ')}
  from ${table.table}
  where tenant_id = $1::uuid${behind(table, after)}
  order by ${columns(table)}
  limit ${LOOKED_AT}
),
judged as (
  select *, ${cells.map((_, index) => `coalesce(${table.stale(`c${index}`, written)}, false) as s${index}`).join(', ')}
  from page
),
weighed as (
  select *, sum(${bytes}) over (order by ${keys} rows between unbounded preceding and 1 preceding) as bytes_before
  from judged
),
taken as (
  select *
  from weighed
  where coalesce(bytes_before, 0) < ${MOST_BYTES}
)
select ${keyTexts(table)}, about, ${cells.map((_, index) => `case when s${index} then c${index}::text end as x${index}`).join(', ')}
from taken
where ${flags.join(' or ')}
  or (${keys}) = (select ${keys} from taken order by ${descending(table)} limit 1)
order by ${keys}
limit ${MOST_ROWS}`;
  return { text, values: [tenantId, ...after] };
}

/** How many values behind `after` are stale, and the key of the last row counted; NULLs when there are no more. */
export function countStatement(
  table: SealedTable,
  tenantId: string,
  after: readonly string[],
  written: WrittenVersions,
): Statement {
  const stale = table.cells.map((sql) => `coalesce((${table.stale(`(${sql})`, written)})::integer, 0)`);
  const text = `with page as materialized (
  select ${selected(table)}, ${stale.join(' + ')} as stale
  from ${table.table}
  where tenant_id = $1::uuid${behind(table, after)}
  order by ${columns(table)}
  limit ${COUNTED}
)
select (select sum(stale) from page) as stale, ${keyTexts(table)}
from page
order by ${descending(table)}
limit 1`;
  return { text, values: [tenantId, ...after] };
}

/**
 * Answers how many rows got their values. Rows that somebody else is writing are left out: nobody waits for a sweep, and it waits for nobody
 * while it holds rows itself.
 */
export function renewStatement(table: SealedTable, tenantId: string, rows: readonly RenewedRow[]): Statement {
  const { key, cells } = table;
  const values: string[] = [tenantId];
  const inputs: { readonly name: string; readonly type: string }[] = [];
  const give = (name: string, type: string, read: (row: RenewedRow) => string | null): void => {
    inputs.push({ name, type });
    values.push(nullableArrayLiteral(rows, read));
  };
  for (const [index, [, type]] of key.entries()) give(`k${index}`, type, ({ key: of }) => of[index] as string);
  for (const index of cells.keys()) {
    give(`o${index}`, 'bytea', ({ before }) => before[index] ?? null);
    give(`n${index}`, 'bytea', ({ after }) => after[index] ?? null);
  }
  const keys = keyNames(table);
  const isSame = key.map(([column], index) => `held.${column} = renewed.k${index}`);
  const unchanged = cells.map((sql, index) => `${sql} = renewed.o${index}`);
  // NULL where somebody has written another meanwhile.
  const cell = (index: number): string => `case when ${cells[index]} = renewed.o${index} then renewed.n${index} end`;
  const text = `with renewed as materialized (
  select *
  from unnest(${inputs.map(({ type }, index) => `$${index + 2}::${type}[]`).join(', ')})
    as renewed (${inputs.map(({ name }) => name).join(', ')})
),
mine as materialized (
  select ${selected(table)}
  from ${table.table}
  where tenant_id = $1::uuid
    and (${columns(table)}) in (select ${keys} from renewed)
  order by ${columns(table)}
  for no key update skip locked
),
written as (
  update ${table.table} as held
  set ${table.assignments(cell)}
  from renewed
  join mine using (${keys})
  where held.tenant_id = $1::uuid
    and ${isSame.join('\n    and ')}
    and (${unchanged.join(' or ')})
  returning 1
)
select count(*)
from written`;
  return { text, values };
}

function selected({ key }: SealedTable): string {
  return key.map(([column], index) => `${column} as k${index}`).join(', ');
}

function keyNames({ key }: SealedTable): string {
  return key.map((_, index) => `k${index}`).join(', ');
}

/** Under other names, or rows would come in the order of texts. */
function keyTexts({ key }: SealedTable): string {
  return key.map((_, index) => `k${index}::text as t${index}`).join(', ');
}

function descending({ key }: SealedTable): string {
  return key.map((_, index) => `k${index} desc`).join(', ');
}

function columns({ key }: SealedTable): string {
  return key.map(([column]) => column).join(', ');
}

function behind({ key }: SealedTable, after: readonly string[]): string {
  if (after.length === 0) return '';
  return `\n    and (${key.map(([column]) => column).join(', ')}) > (${key.map(([, type], index) => `$${index + 2}::${type}`).join(', ')})`;
}
