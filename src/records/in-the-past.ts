import type { TenantTx } from '../database/tenant-tx.js';
import type { DefinedEntity } from '../entities/defined-entity.js';
import { readVersion, type StoredVersion, stepOf, VERSION_COLUMNS } from '../entities/stored-versions.js';
import type { Sight } from '../model/access/entity-view.js';
import { qualified } from '../model/ddl/table-ref.js';
import type { Entity } from '../model/entity.js';
import { type AsOf, asOf } from '../model/past/as-of.js';
import { seenThen } from '../model/past/seen-then.js';
import type { VersionStep } from '../model/plan/lineage.js';
import { arrayLiteral } from '../model/query/array-literal.js';
import type { ReadQuery } from '../model/query/ast.js';
import { type TableRead, tablesRead } from '../model/query/tables-read.js';
import { Problem } from '../platform/problem.js';

/**
 * Turns a query about an instant to what was there then. Every entity that it reads has to have kept its history since before the
 * instant: an answer that is partly of then and partly of now would be of no time at all.
 */

/** A query about an instant, over the entities as the caller sees what was then. */
export interface PastQuery {
  readonly query: ReadQuery;
  readonly entities: Entities;
}

type Entities = ReadonlyMap<string, DefinedEntity>;

/**
 * The query with its sources. It takes two statements more than one about now.
 * @param again reads the query once more, over entities of which more is kept back: what they say now they may not have said then
 * @throws Problem request/invalid-query for an instant that is not over, past/not-kept, past/out-of-reach, past/type-changed,
 *   record/field-forbidden
 */
export async function inThePast(
  tx: TenantTx,
  entities: Entities,
  query: ReadQuery,
  sight: Sight,
  again: (entities: Entities) => ReadQuery,
): Promise<PastQuery> {
  const { asOf: instant } = query;
  if (instant === null) return { query, entities };
  const tables = tablesOf(query, entities);
  const without = tables.find(({ entity }) => !entity.past?.history);
  if (without) throw notKept(without.entity.name);
  await assertReached(tx, tables, instant);
  const versions = await versionsSince(tx, tables, instant);
  const seen = new Map(
    tables.map(({ defined, entity }) => {
      const { steps, inForce } = versions.get(defined.id) ?? NEVER;
      const all = steps.map((version) => {
        const step = stepOf(entity.name, version);
        return { ...step, entity: defined.keyed(step.entity) };
      });
      return [entity.name, { ...seenThen(entity, all, sight, inForce), steps: all, inForce }] as const;
    }),
  );
  const narrowed = tables.filter(({ entity }) => seen.get(entity.name)?.entity !== entity);
  const narrower = new Map(
    narrowed.map(({ defined, entity }) => [entity.name, defined.seenAs(seen.get(entity.name)?.entity ?? entity)]),
  );
  const past = narrower.size === 0 ? { query, entities } : overNarrower(entities, narrower, again);
  const sources = new Map<string, string>();
  for (const { defined, entity, columns } of tablesOf(past.query, past.entities)) {
    const { steps, inForce, withheld } = seen.get(entity.name) ?? { ...NEVER, steps: [], withheld: [] };
    const [found, changed] = asked(asOf(tx.home, entity, steps, withheld), columns);
    if (!changed && [...columns].some((column) => found.sealedLater.has(column))) await assertSealed(tx, defined);
    if (!changed) sources.set(entity.name, found.sql);
    else if (changed.version > inForce || (await isKeptUnder(tx, entity, steps, instant)))
      throw typeChanged(entity.name, changed);
    else sources.set(entity.name, asOf(tx.home, entity, steps.slice(1), withheld.slice(1)).sql);
  }
  return { ...past, query: { ...past.query, sources } };
}

const NEVER = { steps: [], inForce: 0 };

function tablesOf(query: ReadQuery, entities: Entities): Read[] {
  return [...tablesRead(query).values()].map((table) => ({
    ...table,
    defined: entities.get(table.entity.name) as DefinedEntity,
  }));
}

function overNarrower(entities: Entities, narrower: Entities, again: (entities: Entities) => ReadQuery): PastQuery {
  const all = new Map([...entities].map(([name, defined]) => [name, narrower.get(name) ?? defined]));
  return { query: again(all), entities: all };
}

/** With the change of type that is in the way of these columns, if one is: the latest. */
function asked(past: AsOf, columns: ReadonlySet<string>): [AsOf, Changed | undefined] {
  const changes = [...past.unreadable].filter(([column]) => columns.has(column)).map(([, changed]) => changed);
  return [past, changes.sort((a, b) => b.version - a.version)[0]];
}

/** Whether a version of then was kept by an instance that had not yet heard of the document in force: it is of the first step. */
async function isKeptUnder(tx: TenantTx, { past }: Entity, [first]: readonly VersionStep[], instant: string): Promise<boolean> {
  const rows = await tx.query({
    text: `select
from ${qualified(tx.home, past?.history as string)}
where tenant_id = $1
  and began_at <= $2::timestamptz
  and ended_at > $2::timestamptz
  and version <= $3::integer
limit 1`,
    values: [tx.home.tenantId, instant, String(first?.version ?? 0)],
  });
  return rows.length > 0;
}

/** As long as some of what is kept is in plain text still, no query can read all of it. What is encrypted once stays so. */
async function assertSealed(tx: TenantTx, { id, name, version }: DefinedEntity): Promise<void> {
  const changes = await tx.query({
    text: `select
from business_store_service.schema_changes
where tenant_id = $1
  and entity_id = $2
  and status = 'running'
  and from_version < $3::integer`,
    values: [tx.home.tenantId, id, String(version)],
  });
  if (changes.length === 0) return;
  const detail = `Former versions of ${JSON.stringify(name)} are being encrypted. Ask again when the change is done; GET …/changes tells how far it is.`;
  throw new Problem('entity/change-in-progress', detail);
}

interface Changed {
  readonly property: string;
  readonly version: number;
}

/** Versions of a document, and which of them was in force at the instant. */
interface Known {
  readonly steps: readonly StoredVersion[];
  readonly inForce: number;
}

type Read = TableRead & { readonly defined: DefinedEntity };

async function assertReached(tx: TenantTx, read: readonly Read[], instant: string): Promise<void> {
  const rows = await tx.query({
    text: `select entity_id, to_json(start at time zone 'UTC')#>>'{}', start > $3::timestamptz, $3::timestamptz > clock_timestamp()
from (
  select entity_id, greatest(since, now() - make_interval(days => keep_days)) as start
  from business_store_service.past_tables
  where tenant_id = $1
    and entity_id = any($2::uuid[])
    and kind = 'history'
    and since is not null
) as kept
order by start desc`,
    values: [tx.home.tenantId, arrayLiteral(read.map(({ defined }) => defined.id)), instant],
  });
  if (rows.some(([, , , isToCome]) => isToCome === 't')) {
    throw new Problem('request/invalid-query', 'Query parameter "asOf": the instant is still to come.', { parameter: 'asOf' });
  }
  for (const { defined } of read) {
    const row = rows.find(([id]) => id === defined.id);
    if (!row) throw notKept(defined.name);
    const [, start, isLater] = row;
    if (isLater !== 't') continue;
    const detail = `The history of ${JSON.stringify(defined.name)} begins at ${start}Z. Ask for a later instant.`;
    throw new Problem('past/out-of-reach', detail, { entity: defined.name, since: `${start}Z` });
  }
}

/** From the one in force at the instant, and one before, since an instance may have heard of it a moment later. */
async function versionsSince(tx: TenantTx, read: readonly Read[], instant: string): Promise<ReadonlyMap<string, Known>> {
  const rows = await tx.query({
    text: `select entity_id, stored.created_at <= $4::timestamptz, ${VERSION_COLUMNS}
from business_store_service.entity_versions as stored
join unnest($2::uuid[], $3::integer[]) as current (id, number)
  on stored.entity_id = current.id
  and stored.version <= current.number
where tenant_id = $1
  and stored.version >= (
    select coalesce(max(earlier.version), 1) - 1
    from business_store_service.entity_versions as earlier
    where earlier.tenant_id = $1
      and earlier.entity_id = current.id
      and earlier.created_at <= $4::timestamptz
  )
order by stored.version`,
    values: [
      tx.home.tenantId,
      arrayLiteral(read.map(({ defined }) => defined.id)),
      arrayLiteral(read.map(({ defined }) => String(defined.version))),
      instant,
    ],
  });
  const found = new Map<string, Known>();
  for (const [id, hasBegun, ...row] of rows) {
    const version = readVersion(row);
    const { steps, inForce } = found.get(id as string) ?? { steps: [], inForce: version.version };
    found.set(id as string, { steps: [...steps, version], inForce: hasBegun === 't' ? version.version : inForce });
  }
  return found;
}

function notKept(entity: string): Problem {
  return new Problem(
    'past/not-kept',
    `${JSON.stringify(entity)} keeps no history: with "history": "full" in its document it does from then on.`,
    { entity },
  );
}

function typeChanged(entity: string, { property, version }: Changed): Problem {
  const name = JSON.stringify(property);
  return new Problem(
    'past/type-changed',
    `Version ${version} of ${JSON.stringify(entity)} gave ${name} another type, which not every value of then has. Leave ${name} out ` +
      `with select, ask for a later instant, or read the history of single records, which shows what they held.`,
    { entity, property, version },
  );
}
