import { eventually } from './eventually.js';
import type { KillScene } from './kill-scene.js';
import type { StatementKiller } from './statement-killer.js';

/** What a death has left behind, as the database and the service that lives on see it. */

export interface Standing {
  readonly version: number;
  /** Of the latest change that was prepared; null when none was. */
  readonly status: string | null;
}

export async function standing({ admin, tenant }: KillScene, entity: string): Promise<Standing> {
  const { rows } = await admin(
    `select s.version, (
       select status
       from business_store_service.schema_changes c
       where (c.tenant_id, c.entity_id) = (s.tenant_id, s.entity_id)
       order by change_id desc
       limit 1
     ) as status
     from business_store_service.tenant_schemas s
     where s.tenant_id = $1
       and s.name = $2`,
    [tenant.id, entity],
  );
  return rows[0];
}

/** How many connections of a killer are known to be gone: their ports may be somebody else's by now. */
const gone = new WeakMap<StatementKiller, number>();

/** Postgres has noticed that those who came by way of the killer are gone. */
export async function buried({ admin }: KillScene, killer: StatementKiller): Promise<void> {
  const known = gone.get(killer) ?? 0;
  await eventually(async () => {
    const ports = killer.ports.slice(known);
    const { rows } = await admin('select from pg_stat_activity where client_port = any($1)', [ports]);
    gone.set(killer, known + ports.length);
    return rows.length === 0;
  });
}

/** Registry and catalog agree; what a change has prepared is there only while it is under way. */
export async function expectOldOrNew({ call }: KillScene, entity: string, { version, status }: Standing): Promise<void> {
  // An instance hears of a new version a moment after its commit.
  await eventually(async () => (await call('get', `/entities/${entity}`).expect(200)).body.version === version);
  const { items, preparing } = (await call('get', `/entities/${entity}/drift`).expect(200)).body;
  const leftBehind = status === 'running' ? [] : preparing;
  expect({ version, status, items, leftBehind }).toEqual({ version, status, items: [], leftBehind: [] });
}

/** Told once, and noted once, like each version before it. */
export async function expectDefinedOnce({ admin, tenant }: KillScene, entity: string, version: number): Promise<void> {
  const { rows } = await admin(
    `select count(*)::int as n
     from audit.events
     where tenant_id = $1
       and entity = $2
       and action = 'entity.defined'
       and (body::json->'after'->>'version')::int = $3`,
    [tenant.id, entity, version],
  );
  expect(rows).toEqual([{ n: 1 }]);
  const versions = await admin(
    `select v.version
     from business_store_service.entity_versions v
     join business_store_service.tenant_schemas s using (tenant_id, entity_id)
     where tenant_id = $1
       and s.name = $2
     order by 1`,
    [tenant.id, entity],
  );
  expect(versions.rows.map((row) => row.version)).toEqual(Array.from({ length: version }, (_, i) => i + 1));
}
