/** Nothing but the plan that was looked at is applied: its hash is of this tenant, this state and this document. */

import type { PlanAnswer } from '../../src/entities/change-request.js';
import { type Call, document, planOf, store } from '../harness/definitions.js';
import { refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { everythingOf } from '../harness/tenant-state.js';

let test: TestService;
let tenant: TestTenant;
let admin: Call;

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  admin = await tenant.as();
});

afterAll(() => test.stop());

const NOTE = document({ title: { type: 'string', maxLength: 20 }, stars: { type: 'integer' } });
const REQUIRED = { ...NOTE, required: ['title'] };
const MADE_UP = `sha256:${'0'.repeat(64)}`;

const apply = (call: Call, entity: string, wanted: object, hash: string, allow: readonly string[] = []) =>
  call('post', `/entities/${entity}/apply`).send({ document: wanted, hash, allow });

describe('a hash is refused', () => {
  const stale = async (
    call: Call,
    entity: string,
    wanted: object,
    hash: string,
    allow: readonly string[] = [],
  ): Promise<PlanAnswer> => {
    const before = await everythingOf(test.database, tenant);
    const answer = await apply(call, entity, wanted, hash, allow);
    expect(refusal(answer)).toBe('409 entity/plan-stale');
    expect(await everythingOf(test.database, tenant)).toEqual(before);
    return answer.body.plan;
  };

  it('that is no hash, and a body that lacks it', async () => {
    await tenant.define('hashless', NOTE);
    for (const body of [
      { document: REQUIRED },
      { document: REQUIRED, hash: 'sha256:1' },
      { document: [], hash: MADE_UP },
      { hash: MADE_UP },
    ]) {
      expect(refusal(await admin('post', '/entities/hashless/apply').send(body))).toBe('422 request/invalid');
    }
  });

  it('that was made up, with the plan there is, which can be applied', async () => {
    await tenant.define('madeUp', NOTE);
    const plan = await stale(admin, 'madeUp', REQUIRED, MADE_UP);
    expect((await apply(admin, 'madeUp', REQUIRED, plan.hash)).body).toMatchObject({ version: 2, document: REQUIRED });
    const fresh = await stale(admin, 'notYet', NOTE, MADE_UP);
    expect([fresh.fromVersion, fresh.toVersion, fresh.operations[0]?.kind]).toEqual([0, 1, 'create-entity']);
    expect((await apply(admin, 'notYet', NOTE, fresh.hash)).status).toBe(201);
  });

  it('of another tenant with the same entity in the same version', async () => {
    const other = await test.tenant();
    for (const each of [tenant, other]) await each.define('twin', NOTE);
    const theirs = await planOf(await other.as(), 'twin', REQUIRED);
    const ours = await stale(admin, 'twin', REQUIRED, theirs.hash);
    expect(ours.hash).not.toBe(theirs.hash);
    const created = await planOf(await other.as(), 'unborn', NOTE);
    await stale(admin, 'unborn', NOTE, created.hash);
  });

  it('of an older state: another version, the same version dropped and defined again, a table altered by hand', async () => {
    await tenant.define('older', NOTE);
    const first = await planOf(admin, 'older', REQUIRED);
    await tenant.define('older', { ...NOTE, title: 'Older' });
    const second = await stale(admin, 'older', REQUIRED, first.hash);
    expect(second.fromVersion).toBe(2);
    expect((await admin('delete', '/entities/older?allow=destructive')).status).toBe(204);
    const third = await stale(admin, 'older', REQUIRED, second.hash);
    expect(third.fromVersion).toBe(0);
    for (const wanted of [NOTE, { ...NOTE, title: 'Older' }]) await tenant.define('older', wanted);
    const fourth = await stale(admin, 'older', REQUIRED, second.hash);
    await test.database.admin(`create index by_hand on "${tenant.schemaName}".older (stars)`);
    const fifth = await stale(admin, 'older', REQUIRED, fourth.hash);
    expect((await apply(admin, 'older', REQUIRED, fifth.hash)).status).toBe(200);
  });

  it('of another document, and of one that only reads alike', async () => {
    await tenant.define('changed', NOTE);
    const { hash } = await planOf(admin, 'changed', REQUIRED);
    await stale(admin, 'changed', { ...REQUIRED, title: 'x' }, hash);
    await stale(admin, 'changed', { ...REQUIRED, required: ['title', 'stars'] }, hash);
  });

  it('that was right, once a record stands in the way; applied twice, it is done once', async () => {
    await tenant.define('overtaken', NOTE);
    const { hash } = await planOf(admin, 'overtaken', REQUIRED);
    const [id] = await store(admin, 'overtaken', [{}]);
    const refused = await apply(admin, 'overtaken', REQUIRED, hash);
    expect([refusal(refused), refused.body.failing[0].sample]).toEqual(['409 entity/plan-impossible', [id]]);
    await admin('patch', `/records/overtaken/${id}`).send({ title: 'a' });
    for (const version of [2, 2]) expect((await apply(admin, 'overtaken', REQUIRED, hash)).body.version).toBe(version);
  });
});
