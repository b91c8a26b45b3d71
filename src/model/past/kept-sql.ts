import { qualified, tableRef } from '../ddl/table-ref.js';
import { type Entity, EXTRA_COLUMN, TENANT_COLUMN, type TenantHome } from '../entity.js';
import { quoteIdent, quoteLiteral } from '../sql.js';

/**
 * The part of every statement that changes or deletes records which keeps what they were. It is the same statement as the change,
 * reads its snapshot, in which the rows are still as they were, and sends nothing of them over the wire. $1 is the tenant and $2
 * the actor.
 *
 * A row is kept as the text of each column, by the column's name: digits, instants and bytes exactly as Postgres prints them,
 * whatever their types become, and readable by the document of the version that the row names.
 */

export interface Former {
  /** What follows `from <table> as former`: joins, and which rows. */
  readonly rows: string;
  /** SQL of the id that all rows of one deletion share; null: they are changed. */
  readonly deletion: string | null;
  /** Where one statement keeps rows of several entities. */
  readonly suffix?: string;
}

/** Ends the time of one version and begins that of the next. A transaction that began earlier and waited is no earlier for that. */
export const LATER = 'updated_at = greatest(now(), updated_at)';

/** Common table expressions, each with its comma; empty for an entity that keeps nothing of it. */
export function keptSql(home: TenantHome, entity: Entity, { rows, deletion, suffix = '' }: Former): string {
  const { past } = entity;
  if (!past) return '';
  const tables = [past.history, deletion === null ? undefined : past.deleted].filter((table) => table !== undefined);
  if (tables.length === 0) return '';
  const columns = keptColumns(entity);
  const body = `jsonb_strip_nulls(jsonb_object(
    array[${columns.map(quoteLiteral).join(', ')}],
    array[${columns.map((column) => `former.${quoteIdent(column)}::text`).join(', ')}]
  ))`;
  const former = `former${suffix} as (
  select former.${TENANT_COLUMN}, former.id, former.revision, ${past.version} as version, former.updated_at as began_at,
    greatest(now(), former.updated_at) as ended_at, $2::text as ended_by, ${deletion ?? 'null::uuid'} as deletion, ${body} as body
  from ${tableRef(home, entity)} as former
  ${rows}
),
`;
  const keeping = tables.map(
    (table, index) => `kept${suffix}_${index} as (
  insert into ${qualified(home, table)}
    (${TENANT_COLUMN}, id, revision, version, began_at, ended_at, ended_by, deletion, body)
  select ${TENANT_COLUMN}, id, revision, version, began_at, ended_at, ended_by, deletion, body
  from former${suffix}
),
`,
  );
  return former + keeping.join('');
}

/** What the table of the past has no columns for. */
function keptColumns({ properties }: Entity): string[] {
  return ['created_at', 'created_by', 'updated_by', ...properties.map(({ column }) => column), EXTRA_COLUMN];
}
