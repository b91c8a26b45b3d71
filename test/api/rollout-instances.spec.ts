/** A rollout outlives the process that began it, and several instances share it without doing a tenant twice. */

import { setTimeout as pause } from 'node:timers/promises';
import type { RolloutView } from '../../src/packs/rollout-view.js';
import { type ChildService, startChildService } from '../harness/child-service.js';
import { withClient } from '../harness/database.js';
import { closed, type OwnPacks, ownPacks } from '../harness/packs.js';
import { apiOf } from '../harness/service.js';
import { createSurroundings, type Surroundings } from '../harness/surroundings.js';

// Processes of their own take their time on a busy machine.
jest.setTimeout(120_000);

const THING = { code: { type: 'string', unique: true } };
const TENANTS = 30;

let packs: OwnPacks;
let around: Surroundings;
let token: string;
const children: ChildService[] = [];

beforeEach(async () => {
  packs = ownPacks();
  packs.write('probe', '1.0.0', { Thing: closed(THING), Note: closed({ text: { type: 'string' } }) });
  packs.write('probe', '1.1.0', {
    Thing: closed({ ...THING, color: { type: 'string' } }),
    Note: closed({ text: { type: 'string' }, title: { type: 'string', index: true } }),
  });
  around = await createSurroundings();
  token = await around.token(['system_admin']);
});

afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => child.stop()));
  await around?.stop();
  packs?.remove();
});

async function start(): Promise<{ child: ChildService; call: ReturnType<typeof caller> }> {
  const child = await startChildService({ ...around.environment, PACKS_DIR: packs.folder });
  children.push(child);
  return { child, call: caller(child) };
}

function caller(child: ChildService) {
  const { request } = apiOf(child.url, around.token);
  return (method: 'get' | 'post', path: string) => request(token, method, `/api/v1${path}`);
}

type Call = ReturnType<typeof caller>;

async function makeTenants(call: Call): Promise<void> {
  for (let i = 0; i < TENANTS; i++) {
    await call('post', '/tenants')
      .send({ slug: `t-${i}`, packs: ['probe@1.0.0'] })
      .expect(201);
  }
}

async function begin(call: Call, order: object = {}): Promise<string> {
  const { body } = await call('post', '/rollouts')
    .send({ pack: 'probe', rings: [{ all: true }], ...order })
    .expect(201);
  return body.id;
}

async function until(call: Call, id: string, isSo: (rollout: RolloutView) => boolean): Promise<RolloutView> {
  for (const deadline = Date.now() + 60_000; ; ) {
    const { body } = await call('get', `/rollouts/${id}`).expect(200);
    if (isSo(body)) return body;
    if (Date.now() > deadline) throw new Error(`it never came to that: ${JSON.stringify(body)}`);
    await pause(10);
  }
}

/** Versions of every tenant's entities, how often its upgrade was noted, and in which version it has the pack. */
async function found(): Promise<string[]> {
  const { rows } = await around.database.admin(
    `select p.version,
       (select string_agg(s.name || ' ' || s.version, ', ' order by s.name)
        from business_store_service.tenant_schemas as s
        where s.tenant_id = p.tenant_id) as entities,
       (select count(*) from audit.events as e
        where e.tenant_id = p.tenant_id and e.action = 'pack.upgraded') as upgrades
     from business_store_service.tenant_packs as p`,
  );
  return rows.map(({ version, entities, upgrades }) => `${version}: ${entities}; upgraded ${upgrades}`);
}

const FINISHED = Array(TENANTS).fill('1.1.0: Note 2, Thing 2; upgraded 1');

describe('a rollout whose process is killed', () => {
  it('is gone on with by another one, from where it was', async () => {
    const first = await start();
    await makeTenants(first.call);
    const id = await begin(first.call);
    await until(first.call, id, ({ counts }) => counts.done >= 5);
    first.child.signal('SIGKILL');
    await first.child.ended;

    const second = await start();
    const taken = await until(second.call, id, ({ counts }) => counts.pending === 0);
    // What was in the dead one's hands stays there until its lease lapses.
    expect(taken.counts.running).toBeGreaterThan(0);
    expect(taken.status).toBe('running');
    await pause(500);
    const { rows } = await around.database.admin(
      `update business_store_service.rollout_tenants
       set lease_until = now()
       where status = 'running'
       returning attempts`,
    );
    expect(rows.length).toBeGreaterThan(0);
    const done = await until(second.call, id, ({ status }) => status === 'done');
    expect(done.counts).toMatchObject({ done: TENANTS, failed: 0 });
    expect(await found()).toEqual(FINISHED);
  });

  it('that stops in good order hands over even what it could not finish, without anybody waiting for a lease', async () => {
    const first = await start();
    await makeTenants(first.call);
    const { rows } = await around.database.admin('select schema_name from business_store_service.tenants order by id limit 1');
    const id = await withClient(around.database.adminUrl, async (client) => {
      // Nobody can change this table, so that the first tenant stays in hand.
      await client.query('begin');
      await client.query(`lock table "${rows[0].schema_name}"."Thing" in access share mode`);
      const begun = await begin(first.call);
      await until(first.call, begun, ({ counts }) => counts.done >= 5);
      expect((await first.child.stop()).code).toBe(0);
      await client.query('rollback');
      return begun;
    });
    const left = await around.database.admin(
      `select lease_until < now() as lapsed
       from business_store_service.rollout_tenants
       where status = 'running'`,
    );
    expect(left.rows).toEqual([{ lapsed: true }]);
    const second = await start();
    expect((await until(second.call, id, ({ status }) => status === 'done')).counts).toMatchObject({ done: TENANTS });
    expect(await found()).toEqual(FINISHED);
  });
});

describe('two instances', () => {
  it('share a rollout, never more tenants at once than it allows, and none twice', async () => {
    const [first, second] = [await start(), await start()];
    await makeTenants(first.call);
    const id = await begin(first.call, { concurrency: 5 });
    const holders = new Set<string>();
    let most = 0;
    for (let isDone = false; !isDone; ) {
      const { rows } = await around.database.admin(
        `select lease_holder
         from business_store_service.rollout_tenants
         where status = 'running'`,
      );
      most = Math.max(most, rows.length);
      for (const { lease_holder } of rows) holders.add(lease_holder);
      isDone = (await second.call('get', `/rollouts/${id}`)).body.status === 'done';
    }
    expect(most).toBeLessThanOrEqual(5);
    expect(holders.size).toBeGreaterThan(0);
    expect(await found()).toEqual(FINISHED);
    const { rows } = await around.database.admin('select distinct attempts from business_store_service.rollout_tenants');
    expect(rows).toEqual([{ attempts: 1 }]);
  });
});
