/**
 * The process that changes an entity dies at a statement, at every one of them: what is left is the old version or the new one,
 * never anything between, and whoever comes next brings the change to its end.
 */

import { setTimeout as pause } from 'node:timers/promises';
import type { Actor } from '../../src/database/context-token.js';
import { ControlPlane } from '../../src/database/control-plane.js';
import { RuntimePool } from '../../src/database/runtime-pool.js';
import { WakeUp } from '../../src/database/wake-up.js';
import { ChangeRunner } from '../../src/entities/change-runner.js';
import type { StoredChange } from '../../src/entities/change-store.js';
import { ChangesService } from '../../src/entities/changes.service.js';
import { EntityVersionRow, TenantSchemaRow } from '../../src/entities/entity.rows.js';
import { Planner } from '../../src/entities/planner.js';
import { PackLibrary } from '../../src/library/pack-library.js';
import { TenantRow } from '../../src/tenants/tenant.row.js';
import { type Tenant, TenantDirectory } from '../../src/tenants/tenant-directory.js';
import { type ChildService, startChildService } from '../harness/child-service.js';
import { withClient } from '../harness/database.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { type Aim, type StatementKiller, startStatementKiller } from '../harness/statement-killer.js';
import { createSurroundings, type Surroundings } from '../harness/surroundings.js';

// Processes of their own take their time on a busy machine.
jest.setTimeout(900_000);

/** More than SMALL_TABLE_ROWS. */
const MANY = 10_500;

let around: Surroundings;
/** Lives on, and never by way of the killer. */
let other: TestService;
let tenant: TestTenant;
let token: string;
let call: Awaited<ReturnType<TestTenant['as']>>;
const children: ChildService[] = [];
const killers: StatementKiller[] = [];

beforeAll(async () => {
  around = await createSurroundings();
  other = await startTestService({}, around);
  tenant = await other.tenant();
  token = await other.token(['admin'], tenant.id);
  call = await tenant.as();
  await tenant.define('box', entity({ code: { type: 'integer', unique: true } }));
  await call('post', '/records/box').send(Array.from({ length: 10 }, (_, code) => ({ code })));
});

afterAll(async () => {
  for (const child of children) child.signal('SIGKILL');
  await Promise.all(children.map(({ ended }) => ended));
  await Promise.all(killers.map((killer) => killer.close()));
  await other.stop();
});

function entity(properties: object, required: readonly string[] = []) {
  return { type: 'object', additionalProperties: false, required, properties };
}

const STRING = { type: 'string' };
const INTEGER = { type: 'integer' };

async function fill(name: string, make: (n: number) => object, count: number): Promise<void> {
  for (let n = 0; n < count; n += 6_000) {
    const records = Array.from({ length: Math.min(6_000, count - n) }, (_, i) => make(n + i));
    await call('post', `/records/${name}`).set('prefer', 'return=minimal').send(records).expect(201);
  }
}

interface Standing {
  readonly version: number;
  /** Of the latest change that was prepared. */
  readonly status: string | null;
  readonly stepsDone: number;
  readonly lastId: string | null;
}

async function standing(name: string): Promise<Standing> {
  const { rows } = await around.database.admin(
    `select s.version, c.status, coalesce(c.steps_done, 0) as "stepsDone", c.progress->>'lastId' as "lastId"
     from business_store_service.tenant_schemas s
     left join lateral (
       select * from business_store_service.schema_changes c
       where (c.tenant_id, c.entity_id) = (s.tenant_id, s.entity_id)
       order by c.change_id desc limit 1
     ) c on true
     where s.tenant_id = $1 and s.name = $2`,
    [tenant.id, name],
  );
  return rows[0];
}

/** Postgres has noticed that those who came by way of the killer are gone. */
async function buried(killer: StatementKiller): Promise<void> {
  for (;;) {
    const { rows } = await around.database.admin('select from pg_stat_activity where client_port = any($1)', [killer.ports]);
    if (rows.length === 0) return;
    await pause(5);
  }
}

/** Registry and catalog agree; what is not finished is allowed only while a change is under way. */
async function expectOldOrNew(name: string, { version, status }: Standing): Promise<void> {
  const drift = (await call('get', `/entities/${name}/drift`).expect(200)).body.items;
  const unexplained = drift.filter(({ kind }: { kind: string }) => !(status === 'running' && kind === 'unfinished'));
  expect({ version, status, unexplained }).toEqual({ version, status, unexplained: [] });
}

async function expectDefinedOnce(name: string, version: number): Promise<void> {
  const { rows } = await around.database.admin(
    `select count(*)::int as n from audit.events
     where tenant_id = $1 and entity = $2 and action = 'entity.defined' and (body::json->'after'->>'version')::int = $3`,
    [tenant.id, name, version],
  );
  expect(rows).toEqual([{ n: 1 }]);
  const versions = await around.database.admin(
    `select v.version from business_store_service.entity_versions v
     join business_store_service.tenant_schemas s using (tenant_id, entity_id)
     where tenant_id = $1 and s.name = $2 order by 1`,
    [tenant.id, name],
  );
  expect(versions.rows.map((row) => row.version)).toEqual(Array.from({ length: version }, (_, i) => i + 1));
}

const planOf = async (name: string, document: object) =>
  (await call('post', `/entities/${name}/plan`).send(document).expect(200)).body;

const noop = (): void => {};
const ACTOR: Actor = { subject: 'admin@test', roles: ['admin'], requestId: 'killed' };

async function newKiller(): Promise<StatementKiller> {
  const killer = await startStatementKiller(around.database.runtimeUrl);
  killers.push(killer);
  return killer;
}

/** A process of its own, which SIGKILL ends. */
async function startChild(killer: StatementKiller): Promise<ChildService> {
  const child = await startChildService({
    ...around.environment,
    DATABASE_URL: killer.through(around.database.runtimeUrl),
    DATABASE_CONTROL_URL: killer.through(around.database.controlUrl),
  });
  children.push(child);
  return child;
}

async function send(child: ChildService, path: string, body: unknown): Promise<Response> {
  return fetch(`${child.url}/api/v1/tenants/${tenant.id}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

/**
 * The part of an instance that changes entities, in this process. Cut off from the database for good it is as dead to it as a
 * killed one, and a tenth of the time is enough for the next.
 */
interface Victim {
  readonly changes: ChangesService;
  readonly runner: ChangeRunner;
  readonly tenant: Tenant;
  stop(): Promise<void>;
}

async function startVictim(killer: StatementKiller): Promise<Victim> {
  const controlUrl = killer.through(around.database.controlUrl);
  const controlPlane = new ControlPlane({
    ...{ url: controlUrl, contextKeys: [around.database.contextKey] },
    entities: [TenantRow, TenantSchemaRow, EntityVersionRow],
  });
  await controlPlane.dataSource.initialize();
  const pool = new RuntimePool({
    ...{ url: killer.through(around.database.runtimeUrl), size: 2, statementTimeoutMs: 15_000 },
    ...{ contextKey: around.database.contextKey, onError: noop },
  });
  const directory = new TenantDirectory(controlPlane, new WakeUp(controlUrl, noop), noop);
  const planner = new Planner(pool, PackLibrary.read(undefined));
  const runner = new ChangeRunner(controlPlane, pool, directory, planner, noop);
  const found = await other.service.directory.find(tenant.id);
  return {
    changes: new ChangesService(controlPlane, directory, planner, runner),
    ...{ runner, tenant: found as Tenant },
    stop: async () => {
      await runner.stop();
      await Promise.all([controlPlane.close(), pool.end()]);
    },
  };
}

describe('a change in one transaction', () => {
  const BEFORE = entity({ title: STRING, size: STRING, gone: STRING });
  const AFTER = entity({
    name: { ...STRING, renamedFrom: 'title', unique: true },
    size: INTEGER,
    more: { ...STRING, index: true },
  });
  const ALLOWED = ['destructive', 'drop:gone'];
  /** The last of the plan's questions about the table; what follows concerns the change. */
  const isPlanned = (sql: string): boolean => sql.includes('pg_total_relation_size');

  async function define(name: string): Promise<object> {
    await tenant.define(name, BEFORE);
    await fill(name, (i) => ({ title: `t${i}`, size: `${i}`, gone: 'g' }), 3);
    const { hash } = await planOf(name, AFTER);
    return { document: AFTER, hash, allow: ALLOWED };
  }

  /** Afterwards everything works, and the change can be made, if it is not. */
  async function expectRecovery(name: string, request: object): Promise<void> {
    const stood = await standing(name);
    await expectOldOrNew(name, stood);
    const record = stood.version === 1 ? { title: 'new', size: '100' } : { name: 'new', size: 100 };
    const stored = await call('post', `/records/${name}`).send(record);
    expect([stored.status, stored.body]).toMatchObject([201, record]);
    expect((await call('get', `/records/${name}/${stored.body.id}`)).body).toMatchObject(record);
    if (stood.version === 1) await call('post', `/entities/${name}/apply`).send(request).expect(200);
    await expectDefinedOnce(name, 2);
    const { body } = await call('get', `/records/${name}?select=name,size&order=size&limit=3`);
    expect(body).toEqual([0, 1, 2].map((i) => ({ name: `t${i}`, size: i })));
  }

  it('leaves the old version or the new one when the process is killed with -9 before any of its statements', async () => {
    const killed: number[] = [];
    /** Every second statement, until the process outlives the change. */
    const run = async (first: number): Promise<void> => {
      const killer = await newKiller();
      for (let n = first; ; n += 2) {
        const name = `killed_${n}`;
        const request = await define(name);
        killer.arm({ at: Number.POSITIVE_INFINITY, moment: 'before' });
        const child = await startChild(killer);
        killer.arm({ at: n, moment: 'before', behind: isPlanned, onCut: () => child.signal('SIGKILL') });
        const answer = await send(child, `/entities/${name}/apply`, request).catch(() => null);
        if (!killer.hasCut) {
          expect(answer?.status).toBe(200);
          child.signal('SIGKILL');
          return;
        }
        await child.ended;
        await buried(killer);
        await expectRecovery(name, request);
        killed.push(n);
      }
    };
    await Promise.all([run(1), run(2)]);
    expect(killed.length).toBeGreaterThan(30);
  });

  it('and when it dies while a statement is on its way: it is carried out, and nobody hears of it', async () => {
    const killer = await newKiller();
    const versions: number[] = [];
    for (let n = 1; ; n++) {
      const name = `cut_${n}`;
      const request = await define(name);
      killer.arm({ at: Number.POSITIVE_INFINITY, moment: 'before' });
      const victim = await startVictim(killer);
      killer.arm({ at: n, moment: 'after', behind: isPlanned });
      const applied = victim.changes.apply(ACTOR, victim.tenant, name, request as never).catch(() => null);
      const outcome = await applied;
      await victim.stop();
      if (!killer.hasCut) {
        expect(outcome?.definition.version).toBe(2);
        break;
      }
      await buried(killer);
      versions.push((await standing(name)).version);
      await expectRecovery(name, request);
    }
    // Only with the commit is it the new one.
    expect(versions).toEqual([...versions.slice(1).map(() => 1), 2]);
  });
});

describe('a change that is prepared', () => {
  const BEFORE = entity({ number: { ...INTEGER, unique: true }, state: STRING, box: INTEGER, code: STRING }, ['number']);
  const AFTER = entity(
    {
      number: { ...STRING, unique: true },
      state: { ...STRING, default: 'new' },
      box: { ...INTEGER, relation: { entity: 'box', field: 'code' } },
      code: { ...STRING, pattern: '^c' },
    },
    ['number', 'state'],
  );
  const record = (n: number, version: number) => ({
    ...{ number: version === 2 ? `${n}` : n, box: n % 10, code: `c${n}` },
    ...(n % 3 ? { state: 'old' } : {}),
  });
  let stored = 0;

  /** What was stored on the way, by its number. */
  const onTheWay = new Map<number, string>();

  async function expectWorks(name: string, { version }: Standing): Promise<void> {
    const n = 100_000 + stored++;
    const content = { ...record(n, version), state: 'old' };
    const answer = await call('post', `/records/${name}`).send(content);
    expect([answer.status, answer.body]).toMatchObject([201, content]);
    expect((await call('get', `/records/${name}/${answer.body.id}`)).body).toMatchObject(content);
    onTheWay.set(n, answer.body.id);
  }

  async function expectAllRight(name: string, version: number): Promise<void> {
    const { rows } = await around.database.admin(
      `select number, box, code, state from "${tenant.schemaName}"."${name}" order by number::bigint`,
    );
    const all = [...Array.from({ length: MANY }, (_, n) => n), ...[...onTheWay.keys()].sort((a, b) => a - b)];
    expect(rows.length).toBe(all.length);
    const wrong = rows.filter((row, i) => {
      const n = all[i] as number;
      return `${row.number} ${row.box} ${row.code}` !== `${n} ${n % 10} c${n}` || typeof row.number !== 'string';
    });
    expect(wrong.slice(0, 3)).toEqual([]);
    if (version === 2) expect(rows.filter(({ state }) => state !== 'old' && state !== 'new')).toEqual([]);
  }

  /** Begins the change and lets nobody work on it. */
  async function begin(name: string, document: object): Promise<StoredChange> {
    const killer = await newKiller();
    const victim = await startVictim(killer);
    // It is noted, and not one step more.
    let noted = false;
    killer.arm({
      ...{ moment: 'after' as const, behind: (sql) => sql.includes('insert into business_store_service.schema_changes') },
      at: (sql) => {
        noted ||= sql === 'commit';
        return noted;
      },
    });
    const request = { document: document as never, allow: ['destructive', 'blocking'] };
    await victim.changes.apply(ACTOR, victim.tenant, name, request, { waitMs: 0 }).catch(noop);
    await victim.stop();
    await buried(killer);
    return waiting(name);
  }

  async function waiting(name: string): Promise<StoredChange> {
    const { rows } = await around.database.admin(
      `select * from business_store_service.schema_changes where tenant_id = $1 and entity = $2 order by change_id desc limit 1`,
      [tenant.id, name],
    );
    const [row] = rows;
    return {
      ...{ tenantId: row.tenant_id, changeId: row.change_id, entityId: row.entity_id, entity: row.entity },
      ...{ fromVersion: row.from_version, document: row.document, plan: row.plan, stepsDone: row.steps_done },
      ...{ progress: row.progress ?? {}, createdBy: row.created_by, requestId: row.request_id },
    };
  }

  /** Whose it is by now: nobody else takes it meanwhile. */
  async function hand(change: StoredChange, holder: string): Promise<void> {
    await around.database.admin(
      `update business_store_service.schema_changes
       set lease_holder = $2, lease_until = now() + interval '1 hour' where change_id = $1`,
      [change.changeId, holder],
    );
  }

  /** Dies at every statement of every step, or every so many, of the one again and again until it is done; then of the next. */
  async function dieAtEveryStatement(
    name: string,
    document: object,
    moment: Aim['moment'],
    every = 1,
  ): Promise<Map<string, number>> {
    const killer = await newKiller();
    const deaths = new Map<string, number>();
    let change = await begin(name, document);
    let batches = 0;
    for (let n = 1; ; n += every) {
      killer.arm({ at: Number.POSITIVE_INFINITY, moment });
      const victim = await startVictim(killer);
      await hand(change, victim.runner.lease);
      // Before a step it looks whether the change is still wanted, which the first round has died at.
      const behind =
        change.stepsDone === 0
          ? {}
          : { behind: (sql: string) => sql.includes('bss_entries') || sql.includes('document, transition') };
      // A backfill or a reading repeats itself: after two batches it may go on to its end.
      const isTedious = batches > 2 && change.progress.lastId !== undefined;
      killer.arm({ at: isTedious ? (sql) => !isOfBatch(sql) : n, moment, ...behind });
      let isOver = false;
      void victim.runner
        .run(victim.tenant, change)
        .catch(noop)
        .then(() => {
          isOver = true;
        });
      await eventually(() => killer.hasCut || isOver);
      await victim.stop();
      await buried(killer);
      const stood = await standing(name);
      await expectOldOrNew(name, stood);
      if (stood.status === 'done') return deaths;
      await expectWorks(name, stood);
      const next = await waiting(name);
      const key = `${change.stepsDone} ${change.plan.statements[change.stepsDone]?.stage}`;
      deaths.set(key, (deaths.get(key) ?? 0) + 1);
      if (next.stepsDone !== change.stepsDone) batches = 0;
      if (next.stepsDone !== change.stepsDone || next.progress.lastId !== change.progress.lastId) {
        n = 1 - every;
        batches++;
      }
      change = next;
    }
  }

  /** One of those that every batch repeats. */
  function isOfBatch(sql: string): boolean {
    const repeated =
      /^(START TRANSACTION|commit|select pg_backend_pid|select bss\.enter|update business_store_service\.schema_changes)/;
    return repeated.test(sql) || /limit \$3::bigint|order by id desc|pg_current_snapshot/.test(sql);
  }

  it('stands and goes on wherever the process dies: before each statement on the way there, behind every third on the way back', async () => {
    await tenant.define('large', BEFORE);
    await fill('large', (n) => record(n, 1), MANY);
    const there = await dieAtEveryStatement('large', AFTER, 'before');
    await expectAllRight('large', 2);
    await expectDefinedOnce('large', 2);
    expect(stagesOf(there)).toEqual([
      ...['prepare-columns', 'backfill', 'prepare-indexes', 'prepare-indexes', 'prepare-relations'],
      ...['validate', 'validate', 'validate', 'validate', 'validate', 'validate', 'lock'],
    ]);
    for (const deaths of there.values()) expect(deaths).toBeGreaterThan(5);
    const back = await dieAtEveryStatement('large', BEFORE, 'after', 3);
    await expectDefinedOnce('large', 3);
    expect(stagesOf(back)).toEqual(['prepare-columns', 'backfill', 'prepare-indexes', 'validate', 'validate', 'lock']);
  });

  const stagesOf = (deaths: ReadonlyMap<string, number>): string[] =>
    [...deaths.keys()].map((key) => key.split(' ')[1] as string);
});

describe('a process that ends while it prepares a change', () => {
  const BEFORE = entity({ number: INTEGER, state: STRING });
  const INDEXED = entity({ number: { ...INTEGER, unique: true }, state: STRING });
  const RETYPED = entity({ number: STRING, state: STRING });
  const REQUIRED = entity({ number: INTEGER, state: { ...STRING, default: 'new' } }, ['state']);

  async function define(name: string): Promise<void> {
    await tenant.define(name, BEFORE);
    await fill(name, (number) => ({ number }), MANY);
  }

  /** Begun by a process of its own, which is not waited for. */
  async function begin(
    name: string,
    document: object,
    aim?: Aim['at'],
  ): Promise<{ child: ChildService; killer: StatementKiller }> {
    const killer = await newKiller();
    const child = await startChild(killer);
    const { hash } = await planOf(name, document);
    if (aim) killer.arm({ at: aim, moment: 'before', onCut: () => child.signal('SIGKILL') });
    send(child, `/entities/${name}/apply`, { document, hash, allow: ['blocking'] }).catch(noop);
    return { child, killer };
  }

  const lapse = (name: string) =>
    around.database.admin(
      `update business_store_service.schema_changes set lease_until = now() - interval '1 s'
       where tenant_id = $1 and entity = $2 and status = 'running'`,
      [tenant.id, name],
    );

  interface Built {
    readonly oid: number;
    readonly valid: boolean;
    /** Of whoever builds it. */
    readonly pid: number | null;
  }

  const indexOf = async (name: string): Promise<Built | undefined> => {
    const { rows } = await around.database.admin(
      `select i.indexrelid::int as oid, i.indisvalid as valid, (
         select pid from pg_stat_progress_create_index where relid = i.indrelid and phase like 'waiting for old%'
       ) as pid
       from pg_index i join pg_class c on c.oid = i.indexrelid
       where c.relname in ($1, $2) and c.relnamespace = $3::regnamespace`,
      [`${name}.number.key~new`, `${name}.number.key`, tenant.schemaName],
    );
    return rows[0];
  };

  const isBuilding = async (name: string): Promise<boolean> => typeof (await indexOf(name))?.pid === 'number';

  /** Somebody's long report: an index that is built beside it is not done before its end. */
  async function holdSnapshot(): Promise<() => Promise<void>> {
    let release = noop;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let done: Promise<void> | undefined;
    await new Promise<void>((begun, failed) => {
      done = withClient(around.database.adminUrl, async (client) => {
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
    await eventually(async () => (await standing(name)).status !== 'running');
    const stood = await standing(name);
    expect([name, stood]).toMatchObject([name, { version: 2, status: 'done' }]);
    await expectOldOrNew(name, stood);
    await expectDefinedOnce(name, 2);
    const { rows } = await around.database.admin(
      `select count(*)::int as n, count(distinct number)::int as numbers from "${tenant.schemaName}"."${name}"`,
    );
    expect(rows).toEqual([{ n: MANY, numbers: MANY }]);
  }

  it('is followed by another one, when its lease is over: nothing is done twice, and an index cut off is built again', async () => {
    const second = await other.another();
    const names = ['retyped', 'required', 'orphaned', 'broken'];
    await Promise.all(names.map(define));
    const filled = await begin('retyped', RETYPED, (sql) => sql.includes('with batch'));
    const switched = await begin('required', REQUIRED, (sql) => sql.endsWith('set not null'));
    await Promise.all([filled.child.ended, switched.child.ended]);
    const release = await holdSnapshot();
    const [orphaned, broken] = await Promise.all([begin('orphaned', INDEXED), begin('broken', INDEXED)]);
    await eventually(async () => (await isBuilding('orphaned')) && (await isBuilding('broken')));
    for (const { child } of [orphaned, broken]) child.signal('SIGKILL');
    await Promise.all([orphaned.child.ended, broken.child.ended]);

    // Its server builds on, and does not know that nobody waits for it.
    const orphan = (await indexOf('orphaned')) as Built;
    expect(orphan).toMatchObject({ valid: false, pid: expect.any(Number) });
    await around.database.admin('select pg_terminate_backend($1)', [(await indexOf('broken'))?.pid]);
    await eventually(async () => (await indexOf('broken'))?.pid === null);
    const invalid = (await indexOf('broken')) as Built;
    expect(invalid.valid).toBe(false);
    for (const name of names) {
      const stood = await standing(name);
      expect([name, stood]).toMatchObject([name, { version: 1, status: 'running' }]);
      await expectOldOrNew(name, stood);
      await call('get', `/records/${name}?limit=1`).expect(200);
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
    const { child } = await begin('stopped', INDEXED);
    await eventually(() => isBuilding('stopped'));
    child.signal('SIGTERM');
    expect(await child.ended).toMatchObject({ code: 0, signal: null });
    const { rows } = await around.database.admin(
      `select lease_until <= now() as free from business_store_service.schema_changes where entity = 'stopped'`,
    );
    expect([rows, (await standing('stopped')).status]).toEqual([[{ free: true }], 'running']);
    await release();
    await expectDone('stopped');
  });

  it('and one that has lost its lease, and lives, stops; whoever waits for the change hears of its end', async () => {
    await define('lost');
    const release = await holdSnapshot();
    const killer = await newKiller();
    const victim = await startVictim(killer);
    const request = { document: INDEXED as never, allow: ['blocking'] };
    const waiting = victim.changes.apply(ACTOR, victim.tenant, 'lost', request, { waitMs: 60_000 });
    await eventually(() => isBuilding('lost'));
    await lapse('lost');
    await eventually(async () => {
      const { rows } = await around.database.admin(
        `select from business_store_service.schema_changes where entity = 'lost' and lease_holder <> $1`,
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

async function eventually(condition: () => unknown): Promise<void> {
  for (const deadline = Date.now() + 60_000; !(await condition()); await pause(5)) {
    if (Date.now() > deadline) throw new Error('it did not come true within 60 s');
  }
}
