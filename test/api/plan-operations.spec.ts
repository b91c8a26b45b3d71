/** Each kind of change, applied to a table with records: what is true afterwards. */

import { change, contents, document, driftOf, store } from '../harness/definitions.js';
import { faultsOf, refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { type ChangeCase, integer } from './change-case.js';
import { CHANGED_SHAPES } from './changed-shapes.js';
import { CHANGED_VALUES } from './changed-values.js';

let test: TestService;
let tenant: TestTenant;
let admin: Awaited<ReturnType<TestTenant['as']>>;
let entities = 0;

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  admin = await tenant.as();
  await tenant.define('artist', document({ number: { type: 'integer', unique: true } }));
  await store(admin, 'artist', [{ number: 1 }, { number: 2 }]);
});

afterAll(() => test.stop());

describe('a change applies to a table with records:', () => {
  it.each<readonly [string, ChangeCase]>([...CHANGED_SHAPES, ...CHANGED_VALUES])(
    '%s',
    async (_, { before, records, after, allow, hold, filter, taken, wrong }) => {
      const name = `done${++entities}`;
      await tenant.define(name, before);
      const ids = await store(admin, name, records);
      const { plan, definition } = await change(admin, name, after, allow);
      expect([plan.possible, plan.fromVersion, plan.toVersion, definition.version]).toEqual([true, 1, 2, 2]);
      expect(definition.document).toEqual(after);
      expect(await driftOf(admin, name)).toEqual([]);
      expect(await contents(admin, name)).toEqual(hold);
      for (const [index, id] of ids.entries()) {
        // A rewritten record is not a changed one: nobody has written it.
        expect((await admin('get', `/records/${name}/${id}`)).body).toMatchObject({ ...hold[index], id, revision: 1 });
      }
      const [record, problem, ...faults] = wrong;
      const refused = await admin('post', `/records/${name}`).send(record);
      expect([refusal(refused), faultsOf(refused)]).toEqual([problem, faults]);
      const stored = await admin('post', `/records/${name}`).send(taken);
      expect([stored.status, stored.body]).toMatchObject([201, taken]);
      expect((await contents(admin, name, `&${filter[0]}`)).length).toBe(filter[1]);
      const patched = await admin('patch', `/records/${name}/${ids[0]}`).send({});
      expect([patched.status, patched.body]).toMatchObject([200, hold[0] as object]);
      expect(await driftOf(admin, name)).toEqual([]);
    },
  );

  it('a relation that cascades where it restricted, and one that goes', async () => {
    const singer = (words: object = {}) => integer({ relation: { entity: 'singer', field: 'number', ...words } });
    await tenant.define('singer', document({ number: integer({ unique: true }) }));
    const [first, second] = await store(admin, 'singer', [{ number: 1 }, { number: 2 }]);
    await tenant.define('song', document({ by: singer() }));
    await store(admin, 'song', [{ by: 1 }, { by: 2 }]);
    expect(refusal(await admin('delete', `/records/singer/${first}`))).toBe('409 record/still-referenced');
    await change(admin, 'song', document({ by: singer({ onDelete: 'cascade' }) }));
    expect((await admin('delete', `/records/singer/${first}`)).status).toBe(204);
    expect(await contents(admin, 'song')).toEqual([{ by: 2 }]);
    await change(admin, 'song', document({ by: singer({ onDelete: 'setNull' }) }));
    expect((await admin('delete', `/records/singer/${second}`)).status).toBe(204);
    expect(await contents(admin, 'song')).toEqual([{}]);
    await change(admin, 'song', document({ by: integer() }));
    expect((await admin('post', '/records/song').send({ by: 99 })).status).toBe(201);
    expect(await driftOf(admin, 'song')).toEqual([]);
  });
});
