/**
 * The process that prepares a change of a large table dies at a statement, at every one of every step: the table stands and works
 * as its version says, and whoever comes next goes on where it was cut off.
 */

import type { StoredChange } from '../../src/entities/change-store.js';
import { buried, expectDefinedOnce, expectOldOrNew, type Standing, standing } from '../harness/change-standing.js';
import { eventually } from '../harness/eventually.js';
import { type KillScene, openKillScene } from '../harness/kill-scene.js';
import type { Aim } from '../harness/statement-killer.js';
import { ACTOR, startVictim } from '../harness/victim.js';

/** More than SMALL_TABLE_ROWS. */
const MANY = 10_500;

const STRING = { type: 'string' };
const INTEGER = { type: 'integer' };
const BEFORE = {
  ...{ type: 'object', additionalProperties: false, required: ['number'] },
  properties: { number: { ...INTEGER, unique: true }, state: STRING, box: INTEGER, code: STRING },
};
const AFTER = {
  ...{ type: 'object', additionalProperties: false, required: ['number', 'state'] },
  properties: {
    number: { ...STRING, unique: true },
    state: { ...STRING, default: 'new' },
    box: { ...INTEGER, relation: { entity: 'box', field: 'code' } },
    code: { ...STRING, pattern: '^c' },
  },
};

const noop = (): void => {};

let scene: KillScene;

beforeAll(async () => {
  scene = await openKillScene();
  await scene.tenant.define('box', {
    ...{ type: 'object', additionalProperties: false },
    properties: { code: { ...INTEGER, unique: true } },
  });
  await scene.fill('box', (code) => ({ code }), 10);
});

afterAll(() => scene.close());

const record = (n: number, version: number) => ({
  ...{ number: version === 2 ? `${n}` : n, box: n % 10, code: `c${n}` },
  ...(n % 3 ? { state: 'old' } : {}),
});

/** What was stored on the way, by number. */
const onTheWay: number[] = [];

async function expectWorks(name: string, { version }: Standing): Promise<void> {
  const n = 100_000 + onTheWay.length;
  const content = { ...record(n, version), state: 'old' };
  const answer = await scene.call('post', `/records/${name}`).send(content);
  expect([answer.status, answer.body]).toMatchObject([201, content]);
  expect((await scene.call('get', `/records/${name}/${answer.body.id}`)).body).toMatchObject(content);
  onTheWay.push(n);
}

/** Under the new document nothing is lost and everything has become what it should. */
async function expectAllRight(name: string): Promise<void> {
  const { rows } = await scene.admin(
    `select number, box, code, state
     from "${scene.tenant.schemaName}"."${name}"
     order by number::bigint`,
  );
  const all = [...Array.from({ length: MANY }, (_, n) => n), ...onTheWay];
  expect(rows.length).toBe(all.length);
  const wrong = rows.filter((row, i) => {
    const n = all[i] as number;
    return `${row.number} ${row.box} ${row.code}` !== `${n} ${n % 10} c${n}` || typeof row.number !== 'string';
  });
  expect(wrong.slice(0, 3)).toEqual([]);
  expect(rows.filter(({ state }) => state !== 'old' && state !== 'new')).toEqual([]);
}

/** Begins the change and lets nobody work on it. */
async function begin(name: string, document: object): Promise<StoredChange> {
  const killer = await scene.newKiller();
  const victim = await startVictim(scene, killer);
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
  await buried(scene, killer);
  return waiting(name);
}

/** The latest change, as whoever takes it reads it. */
async function waiting(name: string): Promise<StoredChange> {
  const { rows } = await scene.admin(
    `select *
     from business_store_service.schema_changes
     where tenant_id = $1
       and entity = $2
     order by change_id desc
     limit 1`,
    [scene.tenant.id, name],
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
  await scene.admin(
    `update business_store_service.schema_changes
     set lease_holder = $2, lease_until = now() + interval '1 hour'
     where change_id = $1`,
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
  const killer = await scene.newKiller();
  const deaths = new Map<string, number>();
  let change = await begin(name, document);
  let batches = 0;
  for (let n = 1; ; n += every) {
    killer.arm({ at: Number.POSITIVE_INFINITY, moment });
    const victim = await startVictim(scene, killer);
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
    await buried(scene, killer);
    const stood = await standing(scene, name);
    await expectOldOrNew(scene, name, stood);
    if (stood.status === 'done') return deaths;
    expect(stood.status).toBe('running');
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

const stagesOf = (deaths: ReadonlyMap<string, number>): string[] => [...deaths.keys()].map((key) => key.split(' ')[1] as string);

describe('a change that is prepared', () => {
  it('stands and goes on wherever the process dies: before each statement on the way there, behind every third on the way back', async () => {
    await scene.tenant.define('large', BEFORE);
    await scene.fill('large', (n) => record(n, 1), MANY);
    const there = await dieAtEveryStatement('large', AFTER, 'before');
    await expectAllRight('large');
    await expectDefinedOnce(scene, 'large', 2);
    expect(stagesOf(there)).toEqual([
      ...['prepare-columns', 'backfill', 'prepare-indexes', 'prepare-indexes', 'prepare-relations'],
      ...['validate', 'validate', 'validate', 'validate', 'validate', 'validate', 'lock'],
    ]);
    for (const deaths of there.values()) expect(deaths).toBeGreaterThan(5);
    const back = await dieAtEveryStatement('large', BEFORE, 'after', 3);
    await expectDefinedOnce(scene, 'large', 3);
    expect(stagesOf(back)).toEqual(['prepare-columns', 'backfill', 'prepare-indexes', 'validate', 'validate', 'lock']);
  });
});
