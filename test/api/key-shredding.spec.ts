/** The keys of a tenant are destroyed: nothing that was encrypted is read again, by anybody, anywhere, and a receipt says so. */

import { rename } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import supertest from 'supertest';
import { type DestructionReceipt, verifiedReceipt } from '../../src/model/audit/destruction-receipt.js';
import { readPublicKeys, readSigningKey } from '../../src/model/audit/signing-key.js';
import { createLogger } from '../../src/platform/log.js';
import { readSettings } from '../../src/platform/settings.js';
import { type RunningService, startService } from '../../src/start.js';
import { type DeafProxy, startDeafProxy } from '../harness/deaf-proxy.js';
import { ADA, type EncryptedTenant, encryptedTenant, PERSON } from '../harness/encrypted-tenant.js';
import { eventually } from '../harness/eventually.js';
import { faultsOf, refusal } from '../harness/problem.js';
import { type Method, startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { createSurroundings } from '../harness/surroundings.js';

jest.setTimeout(120_000);

const SEED = Buffer.alloc(32, 6).toString('base64');
const SETTINGS = { KEY_CACHE_SECONDS: '2', AUDIT_SIGNING_KEY: SEED };

let test: TestService;
let second: RunningService;
/** Hears of no change. */
let deaf: RunningService;
let proxy: DeafProxy;
let keyring: string;

beforeAll(async () => {
  const around = await createSurroundings();
  keyring = around.environment.KEYRING_FILE as string;
  test = await startTestService(SETTINGS, around);
  second = await test.another();
  proxy = await startDeafProxy(test.database.controlUrl);
  const settings = { ...around.environment, ...SETTINGS, DATABASE_CONTROL_URL: proxy.through(test.database.controlUrl) };
  deaf = await startService(readSettings(settings), createLogger('silent'));
  proxy.isDeaf = true;
});

afterAll(async () => {
  await deaf.stop();
  await proxy.close();
  await second.stop();
  await test.stop();
});

type Call = Awaited<ReturnType<TestTenant['as']>>;

async function callOn(service: RunningService, tenant: TestTenant): Promise<Call> {
  const token = await test.token(['admin'], tenant.id);
  return (method: Method, path: string) =>
    supertest(service.url)[method](`/api/v1/tenants/${tenant.id}${path}`).set('authorization', `Bearer ${token}`);
}

const admin = async (sql: string, values: readonly unknown[] = []) => (await test.database.admin(sql, values)).rows;

async function shred({ tenant }: EncryptedTenant) {
  return (await tenant.as())('post', '/keys/shred').send({ confirm: tenant.slug });
}

const keysOf = async ({ id }: TestTenant) => ({
  tenant: (
    await admin('select epoch, destroyed_at, receipt from business_store_service.tenant_keys where tenant_id = $1', [id])
  )[0],
  data: await admin('select purpose, version, wrapped from business_store_service.data_keys where tenant_id = $1', [id]),
});

/** Whether a record can be read: its status, and that nothing of it is told where it cannot. */
async function readsOf(call: Call, id: string): Promise<number | string> {
  const answer = await call('get', `/records/person/${id}`);
  if (answer.status === 200) return 200;
  expect(answer.text).not.toContain(ADA.diagnosis);
  return refusal(answer);
}

describe('the keys of a tenant stay', () => {
  let scene: EncryptedTenant;
  let call: Call;

  beforeAll(async () => {
    scene = await encryptedTenant(test);
    call = await scene.tenant.as();
  });

  afterEach(async () => expect(await readsOf(call, scene.ada)).toBe(200));

  it.each(['viewer', 'editor', 'auditor', 'service'])('when the role %s asks for their end', async (role) => {
    const answer = await (await scene.tenant.as(role))('post', '/keys/shred').send({ confirm: scene.tenant.slug });
    expect(refusal(answer)).toBe('403 auth/forbidden');
  });

  it('when an API key of an admin does, an admin of another tenant, or nobody', async () => {
    const { key } = (await call('post', '/api-keys').send({ name: 'leaked', roles: ['admin'] })).body;
    const path = `/api/v1/tenants/${scene.tenant.id}/keys/shred`;
    const body = { confirm: scene.tenant.slug };
    expect(refusal(await test.request(null, 'post', path).set('x-api-key', key).send(body))).toBe('403 auth/forbidden');
    const stranger = await test.token(['admin'], (await test.tenant()).id);
    expect(refusal(await test.request(stranger, 'post', path).send(body))).toBe('403 auth/tenant-mismatch');
    const system = await test.token(['system_admin']);
    expect(refusal(await test.request(system, 'post', path).send(body))).toBe('403 auth/forbidden');
    expect(refusal(await test.request(null, 'post', path).send(body))).toBe('401 auth/missing-credentials');
  });

  it.each([{}, { confirm: 'another-tenant' }, { confirm: '' }, { dryRun: false }])(
    'when it is not confirmed: %j',
    async (body) => {
      const answer = await call('post', '/keys/shred').send(body);
      expect([refusal(answer), (await keysOf(scene.tenant)).tenant]).toEqual([
        '422 request/invalid',
        { epoch: 1, destroyed_at: null, receipt: null },
      ]);
      expect(faultsOf(answer).join()).toContain('/confirm');
    },
  );

  it('when it is only asked what nobody could read any more', async () => {
    const before = await keysOf(scene.tenant);
    const { status, body } = await call('post', '/keys/shred').send({ dryRun: true });
    // Ada has two values now and had two before; Bob is kept twice, as a deleted record and as the last version of one.
    const person = { entity: 'person', properties: ['ssn', 'diagnosis'], cells: { live: 2, past: 6 } };
    expect([status, body]).toEqual([200, { dryRun: true, state: 'active', unreadable: [person] }]);
    expect(await keysOf(scene.tenant)).toEqual(before);
  });

  it('when there are none: nothing was ever encrypted', async () => {
    const tenant = await test.tenant();
    const answer = await (await tenant.as())('post', '/keys/shred').send({ confirm: tenant.slug });
    expect(refusal(answer)).toBe('409 key/none');
  });
});

describe('once the keys are destroyed', () => {
  let scene: EncryptedTenant;
  let call: Call;
  let receipt: { receipt: DestructionReceipt; jws: string };

  beforeAll(async () => {
    scene = await encryptedTenant(test);
    call = await scene.tenant.as();
    const answer = await shred(scene);
    expect([answer.status, answer.body.state]).toEqual([200, 'destroyed']);
    receipt = answer.body.receipt;
  });

  it.each<[string, Method, string, object?]>([
    ['reading a record', 'get', '/records/person/:ada'],
    ['a list', 'get', '/records/person'],
    ['a list of encrypted values', 'get', '/records/person?select=ssn'],
    ['a search', 'get', `/records/person?ssn=eq.${ADA.ssn}&select=name`],
    ['a search for many', 'get', '/records/person?ssn=in.(1,2)&select=name'],
    ['creating', 'post', '/records/person', ADA],
    ['changing', 'patch', '/records/person/:ada', { diagnosis: 'new' }],
    ['an upsert', 'post', '/records/person?on_conflict=ssn', [ADA]],
    ['the history of a record', 'get', '/records/person/:ada/history'],
    ['deleted records', 'get', '/deleted/person'],
    ['a deleted record', 'get', '/deleted/person/:gone'],
    ['an export', 'get', '/exports/person'],
    ['a definition that encrypts something', 'put', '/entities/more', PERSON],
    ['a rotation', 'post', '/keys/rotate', { purpose: 'encrypt' }],
    ['a new version of the key that wraps', 'post', '/keys/rotate', { purpose: 'provider' }],
    ['a move', 'put', '/keys/provider', { provider: 'local' }],
  ])('%s is gone for good', async (...[, method, path, body]) => {
    const at = path.replace(':ada', scene.ada).replace(':gone', scene.gone);
    const answer = await (body === undefined
      ? call(method, at)
      : call(method, at).set('prefer', 'resolution=merge-duplicates').send(body));
    expect(refusal(answer)).toBe('410 key/destroyed');
  });

  it('an answer that was kept for a repeat is gone too', async () => {
    const first = { ...ADA, diagnosis: 'broken arm' };
    const repeated = await call('post', '/records/person').set('idempotency-key', scene.idempotencyKey).send(first);
    expect(refusal(repeated)).toBe('410 key/destroyed');
  });

  it('everything that is not encrypted goes on', async () => {
    const names = await call('get', '/records/person?select=id,name');
    expect([names.status, names.body]).toEqual([200, [{ id: scene.ada, name: 'Ada' }]]);
    await call('put', '/entities/plain')
      .send({ type: 'object', properties: { title: { type: 'string' } } })
      .expect(201);
    await call('post', '/records/plain').send({ title: 'still here' }).expect(201);
  });

  it('nothing of them is left in the database, and they are destroyed once', async () => {
    const { data } = await keysOf(scene.tenant);
    expect(data.map(({ wrapped }) => wrapped)).toEqual([null, null]);
    const again = await shred(scene);
    expect([again.status, again.body.receipt]).toEqual([200, receipt]);
    const events = await admin(
      "select action from audit.events where tenant_id = $1 and action like 'keys.%' order by event_id",
      [scene.tenant.id],
    );
    expect(events.map(({ action }) => action)).toEqual(['keys.created', 'keys.destruction-started', 'keys.destroyed']);
  });

  it('are shown as what they were, with the receipt, to admins and auditors', async () => {
    for (const role of ['admin', 'auditor']) {
      const { body } = await (await scene.tenant.as(role))('get', '/keys').expect(200);
      expect(body).toMatchObject({ state: 'destroyed', provider: 'local', epoch: 2, job: null, receipt });
      expect(body.dataKeys).toMatchObject([
        { purpose: 'encrypt', version: 1, state: 'destroyed' },
        { purpose: 'index', version: 1, state: 'destroyed' },
      ]);
    }
  });

  it('the receipt says what became of them, what was tried, and is verified with the public key alone', async () => {
    const published = readPublicKeys((await test.request(null, 'get', '/api/v1/audit/keys')).text);
    const said = verifiedReceipt(receipt.jws, published);
    expect(said).toEqual(receipt.receipt);
    const key = { provider: 'local', keyRef: `local:${scene.tenant.id}` };
    expect(said).toMatchObject({
      ...{ tenant: scene.tenant.id, destroyed: true, subjectKeys: 0 },
      providerKeys: [{ ...key, destroyed: true, detail: expect.stringContaining('overwritten') }],
      dataKeys: [
        { purpose: 'encrypt', version: 1, commitment: expect.stringMatching(/^[0-9a-f]{64}$/) },
        { purpose: 'index', version: 1, commitment: expect.stringMatching(/^[0-9a-f]{64}$/) },
      ],
    });
    expect(said?.proof).toEqual([
      { what: 'open', outcome: 'destroyed' },
      { what: 'unwrap', ...key, purpose: 'encrypt', version: 1, outcome: 'destroyed' },
      { what: 'unwrap', ...key, purpose: 'index', version: 1, outcome: 'destroyed' },
      { what: 'wrap', ...key, outcome: 'destroyed' },
    ]);
    expect(verifiedReceipt(receipt.jws, [readSigningKey(Buffer.alloc(32, 7).toString('base64'))])).toBeNull();
    const [header, payload = '', signature] = receipt.jws.split('.');
    const changed = Buffer.from(payload, 'base64url').toString().replace('"destroyed":true', '"destroyed":false');
    const forged = [header, Buffer.from(changed).toString('base64url'), signature].join('.');
    expect(verifiedReceipt(forged, published)).toBeNull();
  });

  it('the receipt is in the trail, whose chain verifies', async () => {
    const { body } = await (await scene.tenant.as('auditor'))('get', '/audit?action=keys.destroyed').expect(200);
    expect(body.items).toMatchObject([{ action: 'keys.destroyed', actor: 'admin@test', detail: receipt }]);
    await eventually(async () => {
      const verified = await (await scene.tenant.as('auditor'))('get', '/audit/verify');
      return verified.body.valid && verified.body.head.seq > 0;
    });
  });

  it('an entity with encrypted properties can be dropped all the same', async () => {
    const other = await encryptedTenant(test);
    await shred(other);
    await (await other.tenant.as())('delete', '/entities/person?allow=destructive').expect(204);
  });

  it('rows of a backup that are put back open nothing', async () => {
    const other = await encryptedTenant(test);
    const [calls, { id }] = [await Promise.all([other.tenant.as(), callOn(second, other.tenant)]), other.tenant];
    const saved = await admin('select * from business_store_service.data_keys where tenant_id = $1', [id]);
    expect((await shred(other)).body.state).toBe('destroyed');
    await admin(
      'update business_store_service.tenant_keys set destroyed_at = null, receipt = null, epoch = 1 where tenant_id = $1',
      [id],
    );
    for (const { purpose, version, wrapped } of saved) {
      await admin(
        'update business_store_service.data_keys set wrapped = $4, destroyed_at = null where tenant_id = $1 and purpose = $2 and version = $3',
        [id, purpose, version, wrapped],
      );
    }
    // Longer than a key is kept open.
    await pause(2_500);
    for (const call of calls) expect(await readsOf(call, other.ada)).toBe('410 key/destroyed');
  });
});

describe('the other instances', () => {
  it('know it at once when they are woken', async () => {
    const scene = await encryptedTenant(test);
    const there = await callOn(second, scene.tenant);
    expect(await readsOf(there, scene.ada)).toBe(200);
    const start = performance.now();
    await shred(scene);
    await eventually(async () => (await readsOf(there, scene.ada)) === '410 key/destroyed');
    expect(performance.now() - start).toBeLessThan(1_900);
  });

  it('that are not woken neither write nor search any more, and read no longer than a key is kept open', async () => {
    const scene = await encryptedTenant(test);
    const [reading, writing] = [await callOn(deaf, scene.tenant), await callOn(deaf, scene.tenant)];
    expect(await readsOf(reading, scene.ada)).toBe(200);
    const start = performance.now();
    await shred(scene);
    const shredded = performance.now();
    // It has heard of nothing: had the keys been asked for by their time alone, this would still work.
    const stillReads = (await readsOf(reading, scene.ada)) === 200;
    expect(refusal(await writing('post', '/records/person').send({ ...ADA, ssn: '1' }))).toBe('410 key/destroyed');
    expect(refusal(await writing('get', `/records/person?ssn=eq.${ADA.ssn}&select=name`))).toBe('410 key/destroyed');
    expect(await readsOf(reading, scene.ada)).toBe('410 key/destroyed');
    expect([stillReads, shredded - start < 2_000]).toEqual([true, true]);
  });

  it('that are not woken and only read stop when the time of their keys is over', async () => {
    const scene = await encryptedTenant(test);
    const reading = await callOn(deaf, scene.tenant);
    expect(await readsOf(reading, scene.ada)).toBe(200);
    await shred(scene);
    const shredded = performance.now();
    const outcomes = new Set<number | string>();
    await eventually(async () => {
      const outcome = await readsOf(reading, scene.ada);
      outcomes.add(outcome);
      return outcome !== 200;
    });
    expect([...outcomes]).toEqual([200, '410 key/destroyed']);
    // The time of a key, and what a busy machine takes.
    expect(performance.now() - shredded).toBeLessThan(4_000);
  });
});

describe('a provider that does not answer', () => {
  it('keeps nobody from destroying what is here, and its key is destroyed when it comes back', async () => {
    const scene = await encryptedTenant(test);
    const call = await scene.tenant.as();
    await rename(keyring, `${keyring}.away`);
    try {
      const answer = await shred(scene);
      expect([answer.status, answer.body]).toEqual([202, { dryRun: false, state: 'destroying', receipt: null }]);
      expect(await readsOf(call, scene.ada)).toBe('410 key/destroyed');
      expect((await call('get', '/keys')).body).toMatchObject({ state: 'destroying', receipt: null });
    } finally {
      await rename(`${keyring}.away`, keyring);
    }
    await eventually(async () => (await shred(scene)).status === 200);
    expect((await call('get', '/keys')).body).toMatchObject({ state: 'destroyed', receipt: { receipt: { destroyed: true } } });
  });
});

describe('a process that died in the middle', () => {
  /** As it would stand there some time later. */
  const leave = (tenantId: string) =>
    admin(
      `update business_store_service.tenant_keys
       set destroyed_at = now() - interval '1 minute', receipt = null
       where tenant_id = $1`,
      [tenantId],
    );

  const goneOnWith = async (tenant: TestTenant): Promise<DestructionReceipt> => {
    const successor = await test.another();
    try {
      const call = await tenant.as();
      let receipt: DestructionReceipt | undefined;
      await eventually(async () => {
        receipt = (await call('get', '/keys')).body.receipt?.receipt;
        return receipt !== undefined;
      });
      return receipt as DestructionReceipt;
    } finally {
      await successor.stop();
    }
  };

  it('before the provider was told is followed by another that tells it', async () => {
    const scene = await encryptedTenant(test);
    await rename(keyring, `${keyring}.away`);
    try {
      expect((await shred(scene)).status).toBe(202);
    } finally {
      await rename(`${keyring}.away`, keyring);
    }
    await leave(scene.tenant.id);
    expect(await goneOnWith(scene.tenant)).toMatchObject({
      destroyed: true,
      // What was wrapped went with the process: nobody has a copy to try any more.
      proof: [
        { what: 'open', outcome: 'destroyed' },
        { what: 'wrap', outcome: 'destroyed' },
      ],
    });
  });

  it('after it, and before the receipt, is followed by another that writes one', async () => {
    const scene = await encryptedTenant(test);
    expect((await shred(scene)).status).toBe(200);
    await leave(scene.tenant.id);
    expect(await goneOnWith(scene.tenant)).toMatchObject({ destroyed: true, providerKeys: [{ destroyed: true }] });
  });
});
