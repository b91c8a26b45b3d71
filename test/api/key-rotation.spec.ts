/** The keys of a tenant are rotated while everybody works on: whatever is stored comes under the new one, and reads as it did. */

import type { KeyJob } from '../../src/encryption/key-job.js';
import { type Cells, cellsOf } from '../harness/cell-census.js';
import { eventually } from '../harness/eventually.js';
import { finishedKeyJob, PERSON, personOf } from '../harness/key-jobs.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

jest.setTimeout(300_000);

let test: TestService;
let tenant: TestTenant;
let call: Awaited<ReturnType<TestTenant['as']>>;

const EQUALITY = { searchable: 'equality' };
const PEOPLE = 700;
beforeAll(async () => {
  test = await startTestService();
});

beforeEach(async () => {
  tenant = await test.tenant();
  call = await tenant.as();
  await tenant.define('person', PERSON);
  await call('post', '/records/person')
    .send(Array.from({ length: PEOPLE }, (_, number) => personOf(number)))
    .expect(201);
});

afterAll(() => test?.stop());

const census = (): Promise<Cells[]> => cellsOf(test.database, tenant.schemaName);

async function rotate(purpose: string): Promise<KeyJob> {
  const { body, status } = await call('post', '/keys/rotate').send({ purpose });
  expect([status, body.status]).toEqual([202, 'running']);
  return finishedKeyJob(call, body.id);
}

async function everything(): Promise<unknown[]> {
  const people = (await call('get', '/records/person?order=number&limit=1000').expect(200)).body;
  const deleted = (await call('get', '/deleted/person?limit=100').expect(200)).body;
  const history = (await call('get', `/records/person/${people[0].id}/history`).expect(200)).body;
  return [people, deleted, history];
}

describe('a rotation of the data key', () => {
  it('brings records, their past, deleted ones, hidden properties, dropped entities and kept answers under the new key', async () => {
    const people = (await call('get', '/records/person?order=number&limit=3&select=id,number').expect(200)).body;
    for (const told of ['worse', 'better'])
      await call('patch', `/records/person/${people[0].id}`).send({ diagnosis: told }).expect(200);
    await call('delete', `/records/person/${people[2].id}`).expect(204);
    const keyed = () => call('patch', `/records/person/${people[1].id}`).set('idempotency-key', 'one').send({ salary: '7.00' });
    const answered = await keyed().expect(200);
    await tenant.define('hidden', {
      type: 'object',
      properties: { a: { type: 'string', encrypted: true }, b: { type: 'string' } },
    });
    await call('post', '/records/hidden')
      .send([{ a: 'x', b: 'y' }])
      .expect(201);
    const dropped = { type: 'object', properties: { b: { type: 'string' } } };
    const { hash } = (await call('post', '/entities/hidden/plan').send(dropped).expect(200)).body;
    await call('post', '/entities/hidden/apply')
      .send({ document: dropped, hash, allow: ['destructive'] })
      .expect(200);
    await tenant.define('gone', { type: 'object', properties: { a: { type: 'string', encrypted: true } } });
    await call('post', '/records/gone')
      .send([{ a: 'x' }])
      .expect(201);
    await call('delete', '/entities/gone?allow=destructive').expect(204);
    const before = await everything();

    const { cells } = await rotate('encrypt');
    expect(cells.done).toBe(cells.total);
    expect(cells.total).toBeGreaterThan(PEOPLE * 2.5);
    const after = await census();
    expect(after.filter(({ version }) => version !== 2)).toEqual([]);
    expect([...new Set(after.map(({ table }) => table.replace(/~[0-9a-z-]{20,}$/, '')))].sort()).toMatchObject(
      expect.arrayContaining(['hidden', 'idempotency_keys', 'person', '~deleted', '~history']),
    );
    expect(await everything()).toEqual(before);
    expect((await keyed().expect(200)).body).toEqual(answered.body);
    await call('post', `/deleted/person/${people[2].id}/restore`)
      .send({})
      .expect((r) => expect(r.status).toBeLessThan(300));
    await call('get', `/records/person?ssn=eq.${personOf(2).ssn}`).expect(({ body }) => expect(body).toHaveLength(1));
    const keys = (await call('get', '/keys').expect(200)).body;
    expect(keys.dataKeys.filter(({ purpose }: { purpose: string }) => purpose === 'encrypt')).toMatchObject([
      { version: 1, retiredAt: expect.any(String) },
      { version: 2, retiredAt: null },
    ]);
  });
});

describe('a rotation', () => {
  const SUBJECT = {
    type: 'object',
    history: 'full',
    subject: 'customer',
    properties: { customer: { type: 'string' }, note: { type: 'string', encrypted: { searchable: 'equality' } } },
    required: ['customer'],
  };
  const notes = async () => (await call('get', '/records/visit?order=customer,id&select=customer,note').expect(200)).body;

  it.each(['encrypt', 'index'])(
    'of the %s key renews values about somebody, and is not held up by those whose keys are gone',
    async (purpose) => {
      await tenant.define('visit', SUBJECT);
      const visits = ['ann', 'bob', 'ann', 'bob'].map((customer, n) => ({ customer, note: `${customer} ${n}` }));
      await call('post', '/records/visit').send(visits).expect(201);
      await call('post', '/keys/subjects/shred')
        .send({ subject: 'bob', confirm: 'bob' })
        .expect(({ status }) => expect(status).toBe(200));
      const before = await notes();
      expect(before).toEqual([
        ...['ann 0', 'ann 2'].map((note) => ({ customer: 'ann', note })),
        ...[1, 2].map(() => ({ customer: 'bob' })),
      ]);
      await rotate(purpose);
      expect(await notes()).toEqual(before);
      expect((await call('get', '/records/visit?note=eq.ann%202&select=note').expect(200)).body).toEqual([{ note: 'ann 2' }]);
      await call('post', '/records/visit').send({ customer: 'ann', note: 'anew' }).expect(201);
    },
  );

  it('says that a value is not what was stored, does everything else, and ends when it is mended', async () => {
    const [{ id }] = (await call('get', '/records/person?number=eq.7&select=id').expect(200)).body;
    await test.database.admin(
      `update "${tenant.schemaName}".person
       set "diagnosis~sealed" = set_byte("diagnosis~sealed", 25, get_byte("diagnosis~sealed", 25) # 1)
       where id = $1`,
      [id],
    );
    const { body } = await call('post', '/keys/rotate').send({ purpose: 'encrypt' }).expect(202);
    const job = async () => (await call('get', `/keys/jobs/${body.id}`).expect(200)).body;
    await eventually(async () => (await job()).error);
    expect(await job()).toMatchObject({
      ...{ status: 'running', stage: 'sweep' },
      error: { type: 'urn:bss:problem:key/integrity', sample: [expect.stringContaining(id)] },
    });
    const old = (await census()).filter(({ version }) => version === 1);
    expect(old).toEqual([{ table: 'person', version: 1, tags: '--', count: 1 }]);
    // As an operator does who has no copy of it.
    await test.database.admin(`update "${tenant.schemaName}".person set "diagnosis~sealed" = null where id = $1`, [id]);
    await test.database.admin('update business_store_service.key_jobs set held_until = now() where tenant_id = $1', [tenant.id]);
    await eventually(async () => (await job()).status === 'done');
    expect((await census()).filter(({ version }) => version !== 2)).toEqual([]);
  });

  it('goes together with a change of what is encrypted', async () => {
    const { properties } = PERSON;
    const document = { ...PERSON, properties: { ...properties, diagnosis: { ...properties.diagnosis, encrypted: EQUALITY } } };
    const { hash } = (await call('post', '/entities/person/plan').send(document).expect(200)).body;
    const [, { body }] = await Promise.all([
      call('post', '/entities/person/apply')
        .send({ document, hash, allow: ['blocking'] })
        .expect(200),
      call('post', '/keys/rotate').send({ purpose: 'encrypt' }).expect(202),
    ]);
    await finishedKeyJob(call, body.id);
    await rotate('index');
    const cells = await census();
    expect(cells.filter(({ version, tags }) => version !== 2 || tags === '01')).toEqual([]);
    const { body: found } = await call('get', '/records/person?diagnosis=eq.cold%2070&select=number').expect(200);
    expect(found).toEqual([{ number: 70 }]);
  });
});

describe('a rotation of the index key', () => {
  it('leaves every value with one tag, in the other slot, by which it is found; and once more', async () => {
    for (const [rotation, tags] of [
      [1, '10'],
      [2, '01'],
    ] as const) {
      await rotate('index');
      const searched = (await census()).filter((cells) => cells.tags !== '--');
      expect([rotation, new Set(searched.map((cells) => cells.tags))]).toEqual([rotation, new Set([tags])]);
      for (const number of [0, 350, PEOPLE - 1]) {
        const { body } = await call('get', `/records/person?ssn=eq.${personOf(number).ssn}&select=number`).expect(200);
        expect(body).toEqual([{ number }]);
      }
      const { body } = await call('get', '/records/person?salary=in.(0.5,699.500)&select=number&order=number').expect(200);
      expect(body).toEqual([{ number: 0 }, { number: 699 }]);
      await call('post', '/records/person')
        .send({ ...personOf(PEOPLE), ssn: personOf(5).ssn })
        .expect(409);
    }
  });
});

it('goes on where an encrypted property was dropped and its values were purged', async () => {
  const tenant = await test.tenant();
  const text = { type: 'string', encrypted: true };
  await tenant.define('note', { type: 'object', properties: { a: text, b: text } });
  const call = await tenant.as();
  await call('post', '/records/note').send([{ a: 'one', b: 'two' }]);
  const dropped = { type: 'object', properties: { b: text } };
  const { hash } = (await call('post', '/entities/note/plan').send(dropped)).body;
  const applied = await call('post', '/entities/note/apply').send({ document: dropped, hash, allow: ['destructive'] });
  expect(applied.status).toBeLessThan(300);
  expect((await call('post', '/entities/note/retained/a/purge').send()).status).toBe(204);
  const job = await call('post', '/keys/rotate').send({ purpose: 'encrypt' });
  await eventually(async () => (await call('get', `/keys/jobs/${job.body.id}`)).body.status === 'done');
  expect((await call('get', '/records/note?select=b')).body).toEqual([{ b: 'two' }]);
  expect((await call('post', '/keys/shred').send({ dryRun: true })).status).toBe(200);
});
