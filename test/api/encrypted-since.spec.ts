/** What was told of a property before it was encrypted, and is kept: nobody is told it again. */

import { randomUUID } from 'node:crypto';
import { type Call, change, contents, document, store } from '../harness/definitions.js';
import { eventually } from '../harness/eventually.js';
import { refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

jest.setTimeout(60_000);

const STRING = { type: 'string' };
const ALL = ['destructive', 'blocking'];
const SECRET = 'plain-secret';
const PLAIN = document({ ssn: STRING, mail: { ...STRING, pii: 'email' }, name: STRING });
const SEALED = document({
  ssn: { ...STRING, encrypted: true },
  mail: { ...STRING, pii: 'email', encrypted: true },
  name: STRING,
});

let test: TestService;
let tenant: TestTenant;
let call: Call;

beforeAll(async () => {
  test = await startTestService();
});

beforeEach(async () => {
  tenant = await test.tenant();
  call = await tenant.as();
  await tenant.define('person', PLAIN);
});

afterAll(() => test?.stop());

const keyed = (key: string, path = '/records/person', body: object = { ssn: SECRET, name: 'Ada' }) =>
  call('post', path).set('idempotency-key', key).send(body);

const keptAnswers = async (of: TestTenant): Promise<{ status: number; text: string }[]> => {
  const text = 'select status, k::text as text from business_store_service.idempotency_keys as k where tenant_id = $1';
  return (await test.database.admin(text, [of.id])).rows;
};

describe('an answer that was kept in plain text', () => {
  it('is forgotten when a property is encrypted, and its request is not done again', async () => {
    const key = randomUUID();
    await keyed(key).expect(201);
    await change(call, 'person', SEALED, ALL);
    expect(await keptAnswers(tenant)).toEqual([{ status: 410, text: expect.not.stringContaining(SECRET) }]);
    const repeated = await keyed(key);
    expect(refusal(repeated)).toBe('410 key/destroyed');
    expect(repeated.body.detail).toMatch(
      /answered before, and what it did stays done\. .* forgotten when a property was encrypted/,
    );
    expect(repeated.text).not.toContain(SECRET);
    expect(await contents(call, 'person')).toHaveLength(1);
    expect(refusal(await keyed(key, '/records/person', { name: 'Bob' }))).toBe('422 request/idempotency-key-reused');
    const fresh = randomUUID();
    const { text } = await keyed(fresh).expect(201);
    expect((await keyed(fresh).expect(201)).text).toBe(text);
  });

  it('is forgotten whatever it was about, since others embed the property; and those of other tenants are not', async () => {
    const other = await test.tenant();
    await other.define('person', PLAIN);
    const of = { key: randomUUID(), call: await other.as() };
    const there = () => of.call('post', '/records/person').set('idempotency-key', of.key).send({ ssn: SECRET });
    await there().expect(201);
    await tenant.define('visit', document({ person: { ...STRING, format: 'uuid', relation: { entity: 'person' } } }));
    const [id] = await store(call, 'person', [{ ssn: SECRET }]);
    const [key, path] = [randomUUID(), '/records/visit?select=*,who:person(ssn)'];
    expect((await keyed(key, path, { person: id }).expect(201)).text).toContain(SECRET);
    await change(call, 'person', SEALED, ALL);
    expect(refusal(await keyed(key, path, { person: id }))).toBe('410 key/destroyed');
    expect((await there().expect(201)).headers['idempotency-replayed']).toBe('true');
  });

  it('stays while a property is added, decrypted, or encrypted anew, or a change comes to nothing', async () => {
    await tenant.define('other', document({ a: { ...STRING, encrypted: true } }));
    await store(call, 'other', [{ a: 'x' }]);
    const key = randomUUID();
    await keyed(key).expect(201);
    await change(call, 'other', document({ a: { ...STRING, encrypted: { searchable: 'equality' } } }), ALL);
    await change(call, 'other', document({ a: STRING, b: { ...STRING, encrypted: true } }), ALL);
    await expect(change(call, 'person', document({ ssn: { type: 'integer', encrypted: true } }), ALL)).rejects.toThrow();
    expect((await keyed(key).expect(201)).headers['idempotency-replayed']).toBe('true');
  });

  it('is there of no request that was under way meanwhile', async () => {
    let isOver = false;
    const keys: string[] = [];
    const sending = async (): Promise<void> => {
      while (!isOver) {
        const key = randomUUID();
        if ((await keyed(key)).status === 201) keys.push(key);
      }
    };
    const senders = [sending(), sending(), sending()];
    try {
      await change(call, 'person', SEALED, ALL);
    } finally {
      isOver = true;
      await Promise.all(senders);
    }
    const kept = await keptAnswers(tenant);
    expect(kept).toHaveLength(keys.length);
    expect(kept.filter(({ text }) => text.includes(SECRET))).toEqual([]);
    expect(kept.some(({ status }) => status === 410)).toBe(true);
    const repeated = await Promise.all(keys.map((key) => keyed(key)));
    expect([...new Set(repeated.map(({ status }) => status))].sort()).toEqual(
      [...new Set(kept.map(({ status }) => status))].sort(),
    );
    expect(await contents(call, 'person')).toHaveLength(keys.length);
  });
});

describe('an event of the trail', () => {
  it.each(['admin', 'auditor'])('shows %ss nothing of what is encrypted since, and names what it keeps back', async (role) => {
    const { body } = await call('post', '/records/person')
      .send({ ssn: SECRET, mail: `${SECRET}@x`, name: 'Ada' })
      .expect(201);
    await call('patch', `/records/person/${body.id}`)
      .send({ ssn: `${SECRET}-2` })
      .expect(200);
    const reader = await tenant.as(role);
    const trail = () => reader('get', `/audit?recordId=${body.id}`).expect(200);
    if (role === 'admin') expect((await trail()).text).toContain(`${SECRET}@x`);
    expect((await trail()).text).toContain(SECRET);
    await change(call, 'person', SEALED, ALL);
    const { text, body: told } = await trail();
    expect(text).not.toContain(SECRET);
    const mail = { commitment: expect.stringMatching(/^sha256:/) };
    expect(told.items).toMatchObject([
      { action: 'record.updated', before: { name: 'Ada', mail }, after: { name: 'Ada', mail }, redacted: ['ssn'] },
      { action: 'record.created', after: { name: 'Ada', mail }, redacted: ['ssn'] },
    ]);
    await change(call, 'person', PLAIN, ALL);
    expect((await trail()).text).toContain(SECRET);
  });

  it('still verifies, and goes in a bundle, with its body as it was hashed, to no auditor', async () => {
    await call('post', '/records/person').send({ ssn: SECRET }).expect(201);
    await change(call, 'person', SEALED, ALL);
    await eventually(async () => {
      const { rows } = await test.database.admin('select from audit.pending where tenant_id = $1', [tenant.id]);
      return rows.length === 0;
    });
    expect(refusal(await (await tenant.as('auditor'))('get', '/audit/export'))).toBe('403 auth/forbidden');
    expect((await call('get', '/audit/verify').expect(200)).text).toContain('"valid":true');
  });
});
