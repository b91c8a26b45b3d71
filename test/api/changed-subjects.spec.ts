/** Whom records are about is changed: only while nothing is encrypted under the keys of whom they were about. */

import { withClient } from '../harness/database.js';
import { type Call, change, contents, document, planOf, store } from '../harness/definitions.js';
import { eventually } from '../harness/eventually.js';
import { refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

jest.setTimeout(60_000);

const STRING = { type: 'string' };
const ENCRYPTED = { type: 'string', encrypted: true };
const ALL = ['destructive', 'blocking'];
const KEPT = { softDelete: true, history: 'full' };
const HELD = 'a record holds a "findings", which is under a key of whom it was about when it was written';

let test: TestService;
let tenant: TestTenant;
let call: Call;

beforeAll(async () => {
  test = await startTestService();
});

beforeEach(async () => {
  tenant = await test.tenant();
  call = await tenant.as();
});

afterAll(() => test?.stop());

const visit = (words: object, properties: object = { findings: ENCRYPTED }) =>
  document({ patient: STRING, doctor: STRING, ...properties }, { required: ['patient', 'doctor'], ...words });

async function failingOf(wanted: object) {
  const plan = await planOf(call, 'visit', wanted);
  return plan.operations.flatMap(({ kind, failing }) =>
    failing.map(({ rows, sample, message }) => ({ kind, rows, sample, message })),
  );
}

const apply = async (wanted: object) => {
  const { hash } = await planOf(call, 'visit', wanted);
  return call('post', '/entities/visit/apply').set('prefer', 'wait=60').send({ document: wanted, hash, allow: ALL });
};

it.each<[string, object, object]>([
  ['named', {}, { subject: 'patient' }],
  ['another', { subject: 'patient' }, { subject: 'doctor' }],
  ['none any more', { subject: 'patient' }, {}],
])('is refused where the subject becomes %s and a record holds an encrypted value', async (_, was, is) => {
  await tenant.define('visit', visit(was));
  const [id] = await store(call, 'visit', [
    { patient: 'eve', doctor: 'ann', findings: 'secret' },
    { patient: 'bob', doctor: 'ann' },
  ]);
  expect(await failingOf(visit(is))).toEqual([{ kind: 'change-subject', rows: 1, sample: [id], message: HELD }]);
  expect(refusal(await apply(visit(is)))).toBe('409 entity/plan-impossible');
  expect(refusal(await call('put', '/entities/visit').send(visit(is)))).toBe('409 entity/needs-plan');
});

it('is refused where only a former version or a deleted record holds one, and done once these are purged', async () => {
  await tenant.define('visit', visit(KEPT));
  const [former, deleted] = await store(call, 'visit', [
    { patient: 'eve', doctor: 'ann', findings: 'secret' },
    { patient: 'bob', doctor: 'ann', findings: 'other' },
  ]);
  await call('patch', `/records/visit/${former}`)
    .set('content-type', 'application/merge-patch+json')
    .send({ findings: null })
    .expect(200);
  await call('delete', `/records/visit/${deleted}`).expect(204);
  const wanted = visit({ ...KEPT, subject: 'patient' });
  const found = await failingOf(wanted);
  expect(found.map(({ kind, message }) => `${kind}: ${message}`)).toEqual(
    found.map(
      () =>
        'change-subject: a former version or a deleted record is kept, and what it holds is under keys of whom it was about then',
    ),
  );
  expect(found.flatMap(({ sample }) => sample)).toEqual(expect.arrayContaining([former, deleted]));
  await call('delete', `/records/visit/${former}/history`).expect(204);
  await call('delete', `/deleted/visit/${deleted}`).expect(204);
  expect(await failingOf(wanted)).toEqual([]);
  await change(call, 'visit', wanted, ALL);
  await call('patch', `/records/visit/${former}`).send({ findings: 'anew' }).expect(200);
  await call('post', '/keys/subjects/shred').send({ subject: 'eve', confirm: 'eve' }).expect(200);
  expect((await call('get', `/records/visit/${former}`).expect(200)).text).not.toContain('anew');
});

it('is refused where a record comes to hold one between the last look and the lock', async () => {
  await tenant.define('visit', visit({}));
  const [id] = await store(call, 'visit', [{ patient: 'eve', doctor: 'ann', findings: 'secret' }]);
  const table = `"${tenant.schemaName}".visit`;
  const { rows } = await test.database.admin(`select "findings~sealed" as cell from ${table}`);
  await call('put', `/records/visit/${id}`).send({ patient: 'eve', doctor: 'ann' }).expect(200);
  const wanted = visit({ subject: 'patient' });
  const { hash, possible } = await planOf(call, 'visit', wanted);
  expect(possible).toBe(true);
  const answer = await withClient(test.database.adminUrl, async (client) => {
    await client.query('begin');
    await client.query(`update ${table} set "findings~sealed" = $1 where id = $2`, [rows[0].cell, id]);
    const body = { document: wanted, hash, allow: ALL };
    const applying = Promise.resolve(call('post', '/entities/visit/apply').set('prefer', 'wait=60').send(body));
    await eventually(async () => {
      const waiting = `select from pg_locks where relation = '${table}'::regclass and not granted`;
      return (await test.database.admin(waiting)).rows.length > 0;
    });
    await client.query('commit');
    return applying;
  });
  expect([refusal(answer), answer.body.sample]).toEqual(['409 entity/plan-impossible', [id]]);
});

it('is done as the plan says: decrypted, changed, and encrypted again, each is reached by whoever is forgotten', async () => {
  await tenant.define('visit', visit({ subject: 'patient' }));
  await store(call, 'visit', [{ patient: 'eve', doctor: 'ann', findings: 'secret' }]);
  await change(call, 'visit', visit({}, { findings: STRING }), ALL);
  await change(call, 'visit', visit({ subject: 'doctor' }), ALL);
  expect(await contents(call, 'visit')).toEqual([{ patient: 'eve', doctor: 'ann', findings: 'secret' }]);
  await call('post', '/keys/subjects/shred').send({ subject: 'ann', confirm: 'ann' }).expect(200);
  expect(await contents(call, 'visit')).toEqual([{ patient: 'eve', doctor: 'ann' }]);
});

it('is refused where a property that was dropped may be restored under it', async () => {
  await tenant.define('visit', visit({}, { findings: ENCRYPTED, more: STRING }));
  await store(call, 'visit', [{ patient: 'eve', doctor: 'ann', findings: 'secret', more: 'x' }]);
  await change(call, 'visit', visit({}, { more: STRING }), ALL);
  const wanted = visit({ subject: 'patient' }, { more: ENCRYPTED });
  expect((await failingOf(wanted)).map(({ kind, rows, message }) => [kind, rows, message])).toEqual([
    ['change-subject', 1, expect.stringContaining('what may be restored of an encrypted property that was dropped')],
  ]);
});

it('is no change where the property is only called otherwise', async () => {
  await tenant.define('visit', visit({ subject: 'patient' }));
  await store(call, 'visit', [{ patient: 'eve', doctor: 'ann', findings: 'secret' }]);
  const renamed = document(
    { person: { ...STRING, renamedFrom: 'patient' }, doctor: STRING, findings: ENCRYPTED },
    { required: ['person', 'doctor'], subject: 'person' },
  );
  await change(call, 'visit', renamed, ALL);
  await call('post', '/keys/subjects/shred').send({ subject: 'eve', confirm: 'eve' }).expect(200);
  expect(await contents(call, 'visit')).toEqual([{ person: 'eve', doctor: 'ann' }]);
});
