/**
 * The process that changes an entity in one transaction dies at a statement, at every one of them: what is left is the old
 * version or the new one, never anything between, and whoever comes next can make the change.
 */

import { buried, expectDefinedOnce, expectOldOrNew, standing } from '../harness/change-standing.js';
import { type KillScene, openKillScene } from '../harness/kill-scene.js';
import { ACTOR, startVictim } from '../harness/victim.js';

const STRING = { type: 'string' };
const BEFORE = {
  ...{ type: 'object', additionalProperties: false },
  properties: { title: STRING, size: STRING, gone: STRING },
};
const AFTER = {
  ...{ type: 'object', additionalProperties: false },
  properties: {
    name: { ...STRING, renamedFrom: 'title', unique: true },
    size: { type: 'integer' },
    more: { ...STRING, index: true },
  },
};
const ALLOWED = ['destructive', 'drop:gone'];

let scene: KillScene;

// Each has a tenant to itself: every death leaves an entity behind, and the service reads them all after each change.
beforeEach(async () => {
  scene = await openKillScene();
});

afterEach(() => scene.close());

/** The last of the plan's questions about the table; what follows concerns the change. */
const isPlanned = (sql: string): boolean => sql.includes('pg_total_relation_size');

/** As it was before; the change as a request. */
async function define(name: string): Promise<object> {
  await scene.tenant.define(name, BEFORE);
  await scene.fill(name, (i) => ({ title: `t${i}`, size: `${i}`, gone: 'g' }), 3);
  return { document: AFTER, hash: await scene.planHash(name, AFTER), allow: ALLOWED };
}

/** Afterwards everything works, and the change can be made, if it is not. */
async function expectRecovery(name: string, request: object): Promise<void> {
  const { call } = scene;
  const stood = await standing(scene, name);
  await expectOldOrNew(scene, name, stood);
  const record = stood.version === 1 ? { title: 'new', size: '100' } : { name: 'new', size: 100 };
  const stored = await call('post', `/records/${name}`).send(record);
  expect([stored.status, stored.body]).toMatchObject([201, record]);
  expect((await call('get', `/records/${name}/${stored.body.id}`)).body).toMatchObject(record);
  if (stood.version === 1) await call('post', `/entities/${name}/apply`).send(request).expect(200);
  await expectDefinedOnce(scene, name, 2);
  const { body } = await call('get', `/records/${name}?select=name,size&order=size&limit=3`);
  expect(body).toEqual([0, 1, 2].map((i) => ({ name: `t${i}`, size: i })));
}

describe('a change in one transaction', () => {
  it('leaves the old version or the new one when the process is killed with -9 before any of its statements', async () => {
    const killed: number[] = [];
    /** Every second statement, until the process outlives the change. */
    const run = async (first: number): Promise<void> => {
      const killer = await scene.newKiller();
      for (let n = first; ; n += 2) {
        const name = `killed_${n}`;
        const request = await define(name);
        killer.arm({ at: Number.POSITIVE_INFINITY, moment: 'before' });
        const child = await scene.startChild(killer);
        killer.arm({ at: n, moment: 'before', behind: isPlanned, onCut: () => child.signal('SIGKILL') });
        const answer = await scene.send(child, `/entities/${name}/apply`, request).catch(() => null);
        if (!killer.hasCut) {
          expect(answer?.status).toBe(200);
          child.signal('SIGKILL');
          return;
        }
        await child.ended;
        await buried(scene, killer);
        await expectRecovery(name, request);
        killed.push(n);
      }
    };
    await Promise.all([run(1), run(2)]);
    expect(killed.length).toBeGreaterThan(30);
  });

  it('and when it dies while a statement is on its way: it is carried out, and nobody hears of it', async () => {
    const killer = await scene.newKiller();
    const versions: number[] = [];
    for (let n = 1; ; n++) {
      const name = `cut_${n}`;
      const request = await define(name);
      killer.arm({ at: Number.POSITIVE_INFINITY, moment: 'before' });
      const victim = await startVictim(scene, killer);
      killer.arm({ at: n, moment: 'after', behind: isPlanned });
      const outcome = await victim.changes.apply(ACTOR, victim.tenant, name, request as never).catch(() => null);
      await victim.stop();
      if (!killer.hasCut) {
        expect(outcome?.definition.version).toBe(2);
        break;
      }
      await buried(scene, killer);
      versions.push((await standing(scene, name)).version);
      await expectRecovery(name, request);
    }
    // Only with the commit is it the new one.
    expect(versions).toEqual([...versions.slice(1).map(() => 1), 2]);
  });
});
