/** Data keys are wrapped by other keys, at other providers, while everything reads on; and an outage is waited for, never given in to. */

import { eventually } from '../harness/eventually.js';
import { finishedKeyJob, PERSON, personOf } from '../harness/key-jobs.js';
import { type KeyService, startKeyService } from '../harness/key-service.js';
import { refusal } from '../harness/problem.js';
import { apiOf, startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { createSurroundings, type Surroundings } from '../harness/surroundings.js';

jest.setTimeout(180_000);

let keys: KeyService;
let around: Surroundings;
let test: TestService;
let tenant: TestTenant;
let call: Awaited<ReturnType<TestTenant['as']>>;

beforeAll(async () => {
  keys = await startKeyService();
  around = await createSurroundings();
  // Both are configured: tenants begin at the key service, and the keyring is where they can go.
  test = await startTestService({ ...keys.settings }, around);
});

afterAll(async () => {
  await test?.stop();
  await keys?.stop();
});

beforeEach(async () => {
  keys.behave('well');
  tenant = await test.tenant();
  call = await tenant.as();
  await tenant.define('person', PERSON);
  await call('post', '/records/person')
    .send([personOf(1), personOf(2)])
    .expect(201);
});

interface Wrapped {
  readonly purpose: string;
  readonly provider: string;
  readonly wrapped: Buffer;
  readonly commitment: Buffer;
}

async function wrapped(): Promise<Wrapped[]> {
  const { rows } = await test.database.admin(
    `select purpose, provider, wrapped, commitment
     from business_store_service.data_keys
     where tenant_id = $1
     order by purpose, version`,
    [tenant.id],
  );
  return rows;
}

/** An instance that has no key open. */
async function expectReadAnew(): Promise<void> {
  const cold = await test.another();
  const token = await test.token(['admin'], tenant.id);
  const path = `/api/v1/tenants/${tenant.id}/records/person?ssn=eq.${personOf(2).ssn}&select=number,diagnosis`;
  const { status, body } = await apiOf(cold.url, around.token).request(token, 'get', path);
  expect([status, body]).toEqual([200, [{ number: 2, diagnosis: personOf(2).diagnosis }]]);
  await cold.stop();
}

describe('a move is refused, and nothing is changed,', () => {
  it.each([
    ['denied', '422 key/refused'],
    ['wrong', '422 key/refused'],
    ['broken', '503 key/unavailable'],
  ] as const)('where the key that is named is %s', async (behaviour, expected) => {
    const before = await wrapped();
    keys.behave(behaviour);
    const moved = await call('put', '/keys/provider').send({ provider: 'auth-service', keyRef: `their-own-${tenant.slug}` });
    expect(refusal(moved)).toBe(expected);
    expect(await wrapped()).toEqual(before);
    expect((await call('get', '/keys/jobs').expect(200)).body.items).toEqual([]);
  });
});

it('moves to another provider: the former is not needed any more', async () => {
  const before = await wrapped();
  const { body } = await call('put', '/keys/provider').send({ provider: 'local' }).expect(202);
  expect(await finishedKeyJob(call, body.id)).toMatchObject({ kind: 'move', provider: 'local', cells: { done: 2, total: 2 } });
  expect((await call('get', '/keys').expect(200)).body).toMatchObject({ provider: 'local', keyRef: `local:${tenant.id}` });
  const after = await wrapped();
  expect(after.map(({ provider }) => provider)).toEqual(['local', 'local']);
  expect(after.map(({ commitment }) => commitment)).toEqual(before.map(({ commitment }) => commitment));
  keys.behave('refusing');
  await expectReadAnew();
});

it('wraps by a new version of the provider’s key, and reads what it wraps', async () => {
  const before = await wrapped();
  const { body } = await call('post', '/keys/rotate').send({ purpose: 'provider' }).expect(202);
  await finishedKeyJob(call, body.id);
  const after = await wrapped();
  expect(after.map(({ commitment }) => commitment)).toEqual(before.map(({ commitment }) => commitment));
  expect(after.filter((key, index) => before[index]?.wrapped.equals(key.wrapped))).toEqual([]);
  await expectReadAnew();
});

it('waits for a provider that is away, says so, goes on by itself, and lets nobody else begin', async () => {
  keys.behave('refusing');
  const { body } = await call('post', '/keys/rotate').send({ purpose: 'encrypt' }).expect(202);
  const job = async () => (await call('get', `/keys/jobs/${body.id}`).expect(200)).body;
  await eventually(async () => (await job()).error);
  expect(await job()).toMatchObject({ status: 'running', stage: 'prepare', error: { type: 'urn:bss:problem:key/unavailable' } });
  expect(refusal(await call('post', '/keys/rotate').send({ purpose: 'index' }))).toBe('409 key/busy');
  expect(refusal(await call('put', '/keys/provider').send({ provider: 'local' }))).toBe('409 key/busy');
  await call('post', '/records/person').send(personOf(3)).expect(201);
  await call('get', `/records/person?ssn=eq.${personOf(3).ssn}`).expect(200);
  keys.behave('well');
  await eventually(async () => (await job()).status === 'done');
  expect((await job()).error).toBeUndefined();
  await expectReadAnew();
});
