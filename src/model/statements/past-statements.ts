import { qualified } from '../ddl/table-ref.js';
import type { TenantHome } from '../entity.js';
import { KEPT_ROW } from '../past/kept-row.js';
import { arrayLiteral } from '../query/array-literal.js';
import type { Statement } from '../sql.js';
import { AUDIT_PARAMETERS, auditParameters, auditSql } from './audit-sql.js';
import type { WriteContext } from './write-context.js';

/** Reads what is kept of the past, as far as its retention has not ended yet, takes it back, and ends it. */

/** One table of the past. */
export interface PastTable {
  readonly table: string;
  /** How long its rows are kept; null: as long as nobody purges them. */
  readonly days: number | null;
}

/** Behind which row a page begins. */
export interface PastPosition {
  readonly endedAt: string;
  readonly id: string;
  readonly revision: string;
}

export interface PastPage {
  readonly limit: number;
  readonly after: PastPosition | null;
}

/** Latest first, of one record or of all. Rows are `readKept`'s. */
export function keptRowsStatement(home: TenantHome, past: PastTable, id: string | null, { limit, after }: PastPage): Statement {
  const values: (string | null)[] = [home.tenantId];
  const text = `select ${KEPT_ROW}
from ${qualified(home, past.table)}
where tenant_id = $1
${reach(past, values)}${id === null ? '' : `  and id = $${values.push(id)}::uuid\n`}${after === null ? '' : behind(after, values)}order by ended_at desc, id desc, revision desc
limit $${values.push(String(limit))}::bigint`;
  return { text, values };
}

function behind({ endedAt, id, revision }: PastPosition, values: (string | null)[]): string {
  const [at, of, number] = [values.push(endedAt), values.push(id), values.push(revision)];
  return `  and (ended_at, id, revision) < ($${at}::timestamptz, $${of}::uuid, $${number}::bigint)\n`;
}

/** Takes the last deletion of a record out of what is kept: of two who restore it, one gets it. */
export function takeDeletedStatement(home: TenantHome, past: PastTable, id: string): Statement {
  const values: (string | null)[] = [home.tenantId, id];
  const table = qualified(home, past.table);
  const text = `delete from ${table}
where tenant_id = $1
  and id = $2::uuid
  and ended_at = (
    select max(latest.ended_at)
    from ${table} as latest
    where latest.tenant_id = $1
      and latest.id = $2::uuid
${reach(past, values, '    ')}  )
returning ${KEPT_ROW}`;
  return { text, values };
}

/** What went with the same deletion. */
export function deletedTogetherStatement(home: TenantHome, past: PastTable, deletion: string, limit: number): Statement {
  const values: (string | null)[] = [home.tenantId, deletion];
  const text = `select ${KEPT_ROW}
from ${qualified(home, past.table)}
where tenant_id = $1
  and deletion = $2::uuid
${reach(past, values)}order by id
limit $${values.push(String(limit))}::bigint`;
  return { text, values };
}

/** Takes these of it out of what is kept; rows that somebody was faster with are missing among those that come back. */
export function takeTogetherStatement(
  home: TenantHome,
  { table }: PastTable,
  deletion: string,
  ids: readonly string[],
): Statement {
  return {
    text: `delete from ${qualified(home, table)}
where tenant_id = $1
  and deletion = $2::uuid
  and id = any($3::uuid[])
returning id`,
    values: [home.tenantId, deletion, arrayLiteral(ids)],
  };
}

/**
 * Holds a deletion until the end of the transaction: whoever restores another part of it meanwhile waits, and then sees what came
 * back. No lock of Postgres can be had for it by a role that may change no row of the past, so the same key is added to each
 * table that both would look into, where it is unique; `releaseDeletionStatement` takes it away again.
 */
export function holdDeletionStatement(home: TenantHome, tables: readonly string[], deletion: string): Statement {
  const held = [...tables].sort().map(
    (table, index) => `held_${index} as (
  insert into ${qualified(home, table)} (tenant_id, id, revision, version, began_at, ended_at, ended_by, body)
  values ($1, $2::uuid, 0, 0, 'infinity', 'infinity', '', '{}')
)`,
  );
  return { text: `with ${held.join(',\n')}\nselect`, values: [home.tenantId, deletion] };
}

export function releaseDeletionStatement(home: TenantHome, tables: readonly string[], deletion: string): Statement {
  const released = [...tables].sort().map(
    (table, index) => `released_${index} as (
  delete from ${qualified(home, table)}
  where tenant_id = $1
    and id = $2::uuid
    and ended_at = 'infinity'
)`,
  );
  return { text: `with ${released.join(',\n')}\nselect`, values: [home.tenantId, deletion] };
}

/** Ends what is kept of the former versions of a record, whether it lives or not. Returns the id as often as there were any. */
export function forgetHistoryStatement(
  home: TenantHome,
  entity: string,
  table: string,
  id: string,
  eventId: string,
  context: WriteContext,
): Statement {
  const text = `with forgotten as (
  delete from ${qualified(home, table)}
  where tenant_id = $1::uuid
    and id = $${AUDIT_PARAMETERS + 1}::uuid
  returning id
),
one as (
  select distinct id
  from forgotten
),
${toldOnce('record.history-purged')}
select id
from forgotten`;
  return { text, values: aboutOne(home, entity, id, eventId, context) };
}

/**
 * Ends what is kept of a deleted record: the record, and its former versions up to the deletion. Returns the ids of as many
 * deletions as there were; with none, nothing is done and nothing told.
 */
export function purgeStatement(
  home: TenantHome,
  entity: string,
  tables: { readonly deleted: string; readonly history: string | undefined },
  id: string,
  eventId: string,
  context: WriteContext,
): Statement {
  const record = `$${AUDIT_PARAMETERS + 1}::uuid`;
  const forgotten =
    tables.history === undefined
      ? ''
      : `forgotten as (
  delete from ${qualified(home, tables.history)}
  where tenant_id = $1::uuid
    and id = ${record}
    and ended_at <= (select max(ended_at) from purged)
),
`;
  const text = `with purged as (
  delete from ${qualified(home, tables.deleted)}
  where tenant_id = $1::uuid
    and id = ${record}
  returning id, ended_at
),
one as (
  select distinct id
  from purged
),
${forgotten}${toldOnce('record.purged')}
select id
from purged`;
  return { text, values: aboutOne(home, entity, id, eventId, context) };
}

/** One event for the record in `one`, if it is there. */
function toldOnce(action: string): string {
  return auditSql(action, {
    events: `select $event, $5::uuid, id, '{}'\n  from one`,
    marker: 'select $marker\n  from one',
  });
}

function aboutOne(home: TenantHome, entity: string, id: string, eventId: string, context: WriteContext): string[] {
  return [...auditParameters(home.tenantId, entity, context, { first: eventId, last: eventId, count: 1 }), id];
}

function reach({ days }: PastTable, values: (string | null)[], indent = ''): string {
  if (days === null) return '';
  return `${indent}  and ended_at > now() - make_interval(days => $${values.push(String(days))}::integer)\n`;
}
