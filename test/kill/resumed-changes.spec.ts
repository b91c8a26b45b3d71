/**
 * The process that prepares a change ends, by force, in good order or for its lease alone: others bring the change to its end, and
 * do nothing twice.
 */

import { expectDefinedOnce, expectOldOrNew, standing } from '../harness/change-standing.js';
import type { ChildService } from '../harness/child-service.js';
import { withClient } from '../harness/database.js';
import { eventually } from '../harness/eventually.js';
import { type KillScene, openKillScene } from '../harness/kill-scene.js';
import type { Aim } from '../harness/statement-killer.js';
import { ACTOR, startVictim } from '../harness/victim.js';

/** More than SMALL_TABLE_ROWS. */
const MANY = 10_500;

const STRING = { type: 'string' };
const INTEGER = { type: 'integer' };
const entity = (number: object, state: object, required: readonly string[] = []) => {
  return { type: 'object', additionalProperties: false, required, properties: { number, state } };
};
const BEFORE = entity(INTEGER, STRING);
const INDEXED = entity({ ...INTEGER, unique: true }, STRING);
const RETYPED = entity(STRING, STRING);
const REQUIRED = entity(INTEGER, { ...STRING, default: 'new' }, ['state']);

const noop = (): void => {};

let scene: KillScene;

beforeAll(async () => {
  scene = await openKillScene();
});

afterAll(() => scene.close());

async function define(name: string): Promise<void> {
  await scene.tenant.define(name, BEFORE);
  await scene.fill(name, (number) => ({ number }), MANY);
}

/** Begun by a process of its own, which is not waited for; with an aim, it is killed there. */
async function begin(name: string, document: object, aim?: Aim['at']): Promise<ChildService> {
  const killer = await scene.newKiller();
  const child = await scene.startChild(killer);
  const hash = await scene.planHash(name, document);
  if (aim) killer.arm({ at: aim, moment: 'before', onCut: () => child.signal('SIGKILL') });
  scene.send(child, `/entities/${name}/apply`, { document, hash, allow: ['blocking'] }).catch(noop);
  return child;
}

/** As time does when nobody renews it. */
const lapse = (name: string) =>
  scene.admin(
    `update business_store_service.schema_changes
     set lease_until = now() - interval '1 s'
     where tenant_id = $1
       and entity = $2
       and status = 'running'`,
    [scene.tenant.id, name],
  );

interface Built {
  readonly oid: number;
  readonly valid: boolean;
  /** Of whoever builds it. */
  readonly pid: number | null;
}

async function indexOf(name: string): Promise<Built | undefined> {
  const { rows } = await scene.admin(
    `select i.indexrelid::int as oid, i.indisvalid as valid, (
       select pid
       from pg_stat_progress_create_index
       where relid = i.indrelid
         and phase like 'waiting for old%'
     ) as pid
     from pg_index i
     join pg_class c on c.oid = i.indexrelid
     where c.relname in ($1, $2)
       and c.relnamespace = $3::regnamespace`,
    [`${name}.number.key~new`, `${name}.number.key`, scene.tenant.schemaName],
  );
  return rows[0];
}

const isBuilding = async (name: string): Promise<boolean> => typeof (await indexOf(name))?.pid === 'number';

/** Somebody's long report: an index that is built beside it is not done before its end. */
async function holdSnapshot(): Promise<() => Promise<void>> {
  let release = noop;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let done: Promise<void> | undefined;
  await new Promise<void>((begun, failed) => {
    done = withClient(scene.around.database.adminUrl, async (client) => {
      await client.query('begin isolation level repeatable read');
      await client.query('select from pg_class limit 1');
      begun();
      await held;
    });
    done.catch(failed);
  });
  return async () => {
    release();
    await done;
  };
}

async function expectDone(name: string): Promise<void> {
  await eventually(async () => (await standing(scene, name)).status !== 'running');
  const stood = await standing(scene, name);
  expect([name, stood]).toMatchObject([name, { version: 2, status: 'done' }]);
  await expectOldOrNew(scene, name, stood);
  await expectDefinedOnce(scene, name, 2);
  const { rows } = await scene.admin(
    `select count(*)::int as n, count(distinct number)::int as numbers
     from "${scene.tenant.schemaName}"."${name}"`,
  );
  expect(rows).toEqual([{ n: MANY, numbers: MANY }]);
}

describe('a process that ends while it prepares a change', () => {
  it('is followed by another one, when its lease is over: nothing is done twice, and an index cut off is built again', async () => {
    const second = await scene.other.another();
    const names = ['retyped', 'required', 'orphaned', 'broken'];
    await Promise.all(names.map(define));
    const filled = await begin('retyped', RETYPED, (sql) => sql.includes('with batch'));
    const switched = await begin('required', REQUIRED, (sql) => sql.endsWith('set not null'));
    await Promise.all([filled.ended, switched.ended]);
    const release = await holdSnapshot();
    const [orphaned, broken] = await Promise.all([begin('orphaned', INDEXED), begin('broken', INDEXED)]);
    await eventually(async () => (await isBuilding('orphaned')) && (await isBuilding('broken')));
    for (const child of [orphaned, broken]) child.signal('SIGKILL');
    await Promise.all([orphaned.ended, broken.ended]);

    // Its server builds on, and does not know that nobody waits for it.
    const orphan = (await indexOf('orphaned')) as Built;
    expect(orphan).toMatchObject({ valid: false, pid: expect.any(Number) });
    await scene.admin('select pg_terminate_backend($1)', [(await indexOf('broken'))?.pid]);
    await eventually(async () => (await indexOf('broken'))?.pid === null);
    const invalid = (await indexOf('broken')) as Built;
    expect(invalid.valid).toBe(false);
    for (const name of names) {
      const stood = await standing(scene, name);
      expect([name, stood]).toMatchObject([name, { version: 1, status: 'running' }]);
      await expectOldOrNew(scene, name, stood);
      await scene.call('get', `/records/${name}?limit=1`).expect(200);
    }

    await Promise.all(names.map(lapse));
    await release();
    for (const name of names) await expectDone(name);
    expect(await indexOf('orphaned')).toEqual({ oid: orphan.oid, valid: true, pid: null });
    const repaired = (await indexOf('broken')) as Built;
    expect([repaired.valid, repaired.oid === invalid.oid]).toEqual([true, false]);
    await second.stop();
  });

  it('does so in good order on SIGTERM, whatever it waits for, and leaves the change to others at once', async () => {
    await define('stopped');
    const release = await holdSnapshot();
    const child = await begin('stopped', INDEXED);
    await eventually(() => isBuilding('stopped'));
    child.signal('SIGTERM');
    expect(await child.ended).toMatchObject({ code: 0, signal: null });
    const { rows } = await scene.admin(
      `select lease_until <= now() as free
       from business_store_service.schema_changes
       where entity = 'stopped'`,
    );
    expect([rows, (await standing(scene, 'stopped')).status]).toEqual([[{ free: true }], 'running']);
    await release();
    await expectDone('stopped');
  });

  it('and one that has lost its lease, and lives, stops; whoever waits for the change hears of its end', async () => {
    await define('lost');
    const release = await holdSnapshot();
    const victim = await startVictim(scene, await scene.newKiller());
    const request = { document: INDEXED as never, allow: ['blocking'] };
    const waiting = victim.changes.apply(ACTOR, victim.tenant, 'lost', request, { waitMs: 60_000 });
    await eventually(() => isBuilding('lost'));
    await lapse('lost');
    await eventually(async () => {
      const { rows } = await scene.admin(
        `select
         from business_store_service.schema_changes
         where entity = 'lost'
           and lease_holder <> $1`,
        [victim.runner.lease],
      );
      return rows.length > 0;
    });
    const built = (await indexOf('lost')) as Built;
    await release();
    expect(await waiting).toMatchObject({ created: false, definition: { version: 2 } });
    await expectDone('lost');
    // Whoever came later has waited for the index that was being built.
    expect(await indexOf('lost')).toMatchObject({ oid: built.oid, valid: true });
    await victim.stop();
  });
});
