/** The process that encrypts a large table dies between two batches, or in one: whoever comes next goes on where it was cut off. */

import { buried, expectDefinedOnce, expectOldOrNew, standing } from '../harness/change-standing.js';
import { eventually } from '../harness/eventually.js';
import { type KillScene, openKillScene } from '../harness/kill-scene.js';
import { ACTOR, startVictim } from '../harness/victim.js';

/** More than SMALL_TABLE_ROWS. */
const MANY = 10_500;

const SSN = { type: 'string', unique: true };
const BEFORE = { type: 'object', additionalProperties: false, properties: { ssn: SSN, n: { type: 'integer' } } };
const AFTER = { ...BEFORE, properties: { ...BEFORE.properties, ssn: { ...SSN, encrypted: { searchable: 'equality' } } } };

const noop = (): void => {};

let scene: KillScene;

beforeAll(async () => {
  scene = await openKillScene();
});

afterAll(() => scene?.close());

describe('an encryption', () => {
  it.each(['before', 'after'] as const)(
    'goes on behind the last batch when the process dies %s the statement that stores one',
    async (moment) => {
      const name = `person_${moment}`;
      await scene.tenant.define(name, BEFORE);
      await scene.fill(name, (n) => ({ ssn: `ssn-${n}`, n }), MANY);
      const killer = await scene.newKiller();
      const victim = await startVictim(scene, killer);
      let batches = 0;
      killer.arm({
        moment,
        at: (sql) => sql.includes('as input ("~id", "~revision"') && ++batches === 4,
      });
      void victim.changes
        .apply(ACTOR, victim.tenant, name, { document: AFTER as never, allow: ['blocking'] }, { waitMs: 0 })
        .catch(noop);
      await eventually(() => killer.hasCut);
      await victim.stop();
      await buried(scene, killer);
      const stood = await standing(scene, name);
      expect(stood).toEqual({ version: 1, status: 'running' });
      await expectOldOrNew(scene, name, stood);
      const table = `"${scene.tenant.schemaName}"."${name}"`;
      const done = await scene.admin(`select id, "ssn~sealed~new" as cell from ${table} where "ssn~sealed~new" is not null`);
      expect(done.rowCount).toBeGreaterThanOrEqual(1_500);
      expect(done.rowCount).toBeLessThanOrEqual(2_500);
      const late = await scene.call('post', `/records/${name}`).send({ ssn: 'late', n: -1 }).expect(201);
      // Nobody waits for the lease of the dead to lapse.
      await scene.admin('update business_store_service.schema_changes set lease_until = now() where tenant_id = $1', [
        scene.tenant.id,
      ]);
      await eventually(async () => (await standing(scene, name)).status === 'done');
      await expectDefinedOnce(scene, name, 2);
      const { rows } = await scene.admin(`select id, "ssn~sealed" as cell from ${table}`);
      const cells = new Map(rows.map(({ id, cell }) => [id, cell]));
      expect(cells.size).toBe(MANY + 1);
      expect(done.rows.filter(({ id, cell }) => !cell.equals(cells.get(id)))).toEqual([]);
      for (const n of [0, 1_499, 1_500, MANY - 1]) {
        const found = await scene.call('get', `/records/${name}?ssn=eq.ssn-${n}&select=n,ssn`);
        expect(found.body).toEqual([{ n, ssn: `ssn-${n}` }]);
      }
      expect((await scene.call('get', `/records/${name}/${late.body.id}`)).body).toMatchObject({ ssn: 'late', n: -1 });
      const wrong = await scene.call('get', `/records/${name}?select=count()&ssn=is.null`);
      expect(wrong.body).toEqual([{ count: 0 }]);
      await expectOldOrNew(scene, name, await standing(scene, name));
    },
  );
});
