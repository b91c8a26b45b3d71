import { tenantPin } from '../ddl/add-check.js';
import { addConstraint } from '../ddl/add-constraint.js';
import { rowSecurity } from '../ddl/row-security.js';
import { qualified } from '../ddl/table-ref.js';
import { type Entity, type Past, TENANT_COLUMN, type TenantHome } from '../entity.js';
import { derivedName } from '../names.js';
import { quoteIdent, quoteLiteral } from '../sql.js';

/**
 * Where an entity's past is kept: one table for the former versions of its records and one for those that were deleted, each
 * partitioned by when a row came to be past, so that retention drops partitions and deletes no rows. They are named by the id of
 * the entity: a rename, a drop and a restoration of it leave them alone.
 *
 * The last partition is open: it takes whatever is later than the bound it begins with. Nobody who is late with the next
 * partition makes a write fail.
 */

export type PastKind = 'history' | 'deleted';

/** What a partition holds: rows that became past from `from` on and before `to`; null: from ever, and as long as it is open. */
export interface PastBounds {
  readonly from: Date | null;
  readonly to: Date | null;
}

/** What an entity of this id keeps, and where; undefined when its document asks for nothing. */
export function pastOf({ keeps: { history, deleted } }: Entity, entityId: string, version: number): Past | undefined {
  if (!history && !deleted) return undefined;
  return {
    ...(history ? { history: pastTable('history', entityId) } : {}),
    ...(deleted ? { deleted: pastTable('deleted', entityId) } : {}),
    version,
  };
}

/** The physical name; no logical name and no hidden one begins so. */
export function pastTable(kind: PastKind, entityId: string): string {
  const digits = BigInt(`0x${entityId.replaceAll('-', '')}`)
    .toString(36)
    .padStart(25, '0');
  return `~${kind}~${digits}`;
}

/** Named by where it begins, which no other partition does. */
export function partitionName(table: string, { from }: PastBounds): string {
  return `${table}~${from === null ? '0' : dayOf(from).replaceAll('-', '')}`;
}

/**
 * The statements that create the table, as the owner role: row security and the pin to the tenant as on every table, and last the
 * grant. What is past is never changed: rows come, and go when their record is restored or purged.
 */
export function createPastTable(home: TenantHome, table: string): readonly string[] {
  const ref = qualified(home, table);
  const name = (suffix: string): string => quoteIdent(derivedName([table], suffix));
  return [
    `create table ${ref} (
  ${TENANT_COLUMN} uuid not null,
  id uuid not null,
  revision bigint not null,
  version integer not null,
  began_at timestamptz not null,
  ended_at timestamptz not null,
  ended_by text not null,
  deletion uuid,
  body jsonb not null
) partition by range (ended_at)`,
    `alter table ${ref} add constraint ${name('pkey')} primary key (id, ended_at, revision)`,
    addConstraint(home, { table }, tenantPin(home, { table })),
    `create index ${name('ended')} on ${ref} (ended_at, id)`,
    `create index ${name('deletion')} on ${ref} (deletion) where deletion is not null`,
    ...rowSecurity(home, ref),
    `grant select, insert, delete on table ${ref} to ${quoteIdent(home.role)}`,
  ];
}

/** A partition is reached through its table alone: nobody is granted anything on it, and its own row security lets nobody pass. */
export function createPartition(home: TenantHome, table: string, bounds: PastBounds): readonly string[] {
  const ref = qualified(home, partitionName(table, bounds));
  return [
    `create table ${ref} partition of ${qualified(home, table)} ${boundsSql(bounds)}`,
    `alter table ${ref} enable row level security`,
    `alter table ${ref} force row level security`,
  ];
}

/** Gives the open partition an end, and makes the next one that is open. */
export function closePartition(home: TenantHome, table: string, from: Date | null, to: Date): readonly string[] {
  const ref = qualified(home, table);
  const partition = qualified(home, partitionName(table, { from, to }));
  return [
    `alter table ${ref} detach partition ${partition}`,
    `alter table ${ref} attach partition ${partition} ${boundsSql({ from, to })}`,
    ...createPartition(home, table, { from: to, to: null }),
  ];
}

function boundsSql({ from, to }: PastBounds): string {
  return `for values from (${from === null ? 'minvalue' : instant(from)}) to (${to === null ? 'maxvalue' : instant(to)})`;
}

function instant(day: Date): string {
  return quoteLiteral(`${dayOf(day)} 00:00:00+00`);
}

/** Bounds are midnights in UTC. */
function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
