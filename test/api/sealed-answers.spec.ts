/** What is kept of requests about encrypted values, so that they can be repeated or gone on with: nothing that tells a value. */

import { createHash, randomUUID } from 'node:crypto';
import { rename } from 'node:fs/promises';
import type { RunningService } from '../../src/start.js';
import { refusal } from '../harness/problem.js';
import { apiOf, type Method, startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { createSurroundings, type Surroundings } from '../harness/surroundings.js';

jest.setTimeout(60_000);

const PERSON = {
  type: 'object',
  additionalProperties: false,
  properties: { name: { type: 'string' }, ssn: { type: 'string', unique: true, encrypted: { searchable: 'equality' } } },
};
const VISIT = {
  type: 'object',
  properties: { day: { type: 'string' }, person: { type: 'string', format: 'uuid', relation: { entity: 'person' } } },
};

let around: Surroundings;
let test: TestService;
let tenant: TestTenant;
const others: RunningService[] = [];

beforeAll(async () => {
  around = await createSurroundings();
  test = await startTestService({}, { ...around, stop: async () => {} });
  tenant = await newTenant();
});

afterAll(async () => {
  for (const other of others) await other.stop();
  await test.stop();
  await around.stop();
});

async function newTenant(): Promise<TestTenant> {
  const made = await test.tenant();
  await made.define('person', PERSON);
  await made.define('visit', VISIT);
  return made;
}

let numbers = 0;
const ssn = (): string => `078-05-${String(++numbers).padStart(4, '0')}`;

/** As an editor of the tenant, at this instance or another. */
async function send(method: Method, path: string, body: object, key: string, { of = tenant, at = test.service.url } = {}) {
  const token = await around.token(['editor'], of.id);
  const { request } = apiOf(at, around.token);
  return request(token, method, `/api/v1/tenants/${of.id}${path}`).set('idempotency-key', key).send(body);
}

async function kept(
  key: string,
): Promise<Record<'body' | 'headers' | 'text', string | null> & { readonly request_hash: Buffer }> {
  const { rows } = await around.database.admin(
    `select request_hash, body, headers, k::text
     from business_store_service.idempotency_keys as k
     where key_hash = sha256($1::text::bytea)`,
    [key],
  );
  expect(rows).toHaveLength(1);
  const [{ k: text, ...row }] = rows;
  return { ...row, text };
}

/** Another instance, which has no keys in memory. */
async function another(overrides: Record<string, string> = {}): Promise<string> {
  const { service } = await startTestService(overrides, { ...around, stop: async () => {} });
  others.push(service);
  return service.url;
}

describe('an answer that shows encrypted values', () => {
  it('is not repeated once the keys are destroyed, not even as ciphertext', async () => {
    const of = await newTenant();
    const [key, body] = [randomUUID(), { ssn: ssn() }];
    expect((await send('post', '/records/person', body, key, { of })).status).toBe(201);
    const { admin } = around.database;
    await admin('update business_store_service.data_keys set wrapped = null, destroyed_at = now() where tenant_id = $1', [of.id]);
    await admin('update business_store_service.tenant_keys set destroyed_at = now(), epoch = epoch + 1 where tenant_id = $1', [
      of.id,
    ]);
    const repeated = await send('post', '/records/person', body, key, { of, at: await another() });
    expect(refusal(repeated)).toBe('410 key/destroyed');
    expect(repeated.text).not.toContain(body.ssn);
  });

  it('is not repeated while the keys cannot be had, unlike one that shows none', async () => {
    const [sealed, plain, body] = [randomUUID(), randomUUID(), { ssn: ssn() }];
    const first = await send('post', '/records/person', body, sealed);
    expect(first.status).toBe(201);
    await send('post', '/records/visit', { day: 'Monday' }, plain);
    const at = await another();
    const file = around.environment.KEYRING_FILE as string;
    await rename(file, `${file}.away`);
    try {
      const refused = await send('post', '/records/person', body, sealed, { at });
      expect([refusal(refused), refused.headers['retry-after']]).toEqual(['503 key/unavailable', expect.any(String)]);
      const repeated = await send('post', '/records/visit', { day: 'Monday' }, plain, { at });
      expect([repeated.status, repeated.headers['idempotency-replayed']]).toEqual([201, 'true']);
    } finally {
      await rename(`${file}.away`, file);
    }
  });

  it('does not open in the place of another', async () => {
    const keys = [randomUUID(), randomUUID()] as const;
    const bodies = [{ ssn: ssn() }, { ssn: ssn() }] as const;
    for (const index of [0, 1] as const) await send('post', '/records/person', bodies[index], keys[index]);
    await around.database.admin(
      `update business_store_service.idempotency_keys
       set sealed = (select sealed from business_store_service.idempotency_keys where key_hash = sha256($1::text::bytea))
       where key_hash = sha256($2::text::bytea)`,
      [...keys],
    );
    const repeated = await send('post', '/records/person', bodies[1], keys[1]);
    expect(refusal(repeated)).toBe('500 key/integrity');
    expect(repeated.text).not.toContain(bodies[0].ssn);
  });

  it('is kept without a word of it, and repeated alike, headers too, by every instance', async () => {
    const [key, body] = [randomUUID(), { name: 'Ada', ssn: ssn() }];
    const first = await send('post', '/records/person', body, key);
    expect(await kept(key)).toMatchObject({ body: null, headers: null, text: expect.not.stringContaining(body.ssn) });
    for (const at of [test.service.url, await another()]) {
      const repeated = await send('post', '/records/person', body, key, { at });
      expect([repeated.status, repeated.text, repeated.headers.etag]).toEqual([201, first.text, first.headers.etag]);
      expect([repeated.headers.location, repeated.headers['idempotency-replayed']]).toEqual([first.headers.location, 'true']);
    }
  });

  it.each<[string, (id: string) => [Method, string, object]]>([
    ['a change', (id) => ['patch', `/records/person/${id}`, { ssn: ssn() }]],
    ['a replacement', (id) => ['put', `/records/person/${id}`, { ssn: ssn() }]],
    ['a change of what a filter finds', (id) => ['patch', `/records/person?id=eq.${id}`, { ssn: ssn() }]],
    ['many at once', () => ['post', '/records/person', [{ ssn: ssn() }, { ssn: ssn() }]]],
    [
      'another entity, in which it is embedded',
      (id) => ['post', '/records/visit?select=*,who:person(ssn)', { day: '1', person: id }],
    ],
  ])('is kept so for %s', async (_, asked) => {
    const { body } = await send('post', '/records/person', { ssn: ssn() }, randomUUID());
    const key = randomUUID();
    const answer = await send(...asked(body.id), key);
    expect([answer.status < 300, answer.text]).toEqual([true, expect.stringContaining('078-05-')]);
    expect(await kept(key)).toMatchObject({ body: null, headers: null });
  });

  it('is kept as it is where it shows none', async () => {
    const key = randomUUID();
    const answer = await send('post', '/records/person?select=id,name', { name: 'Ada', ssn: ssn() }, key);
    expect((await kept(key)).body).toBe(answer.text);
  });
});

describe('what was asked', () => {
  it('is known again, and cannot be tried out by whoever has the database', async () => {
    const [key, body] = [randomUUID(), { ssn: ssn() }];
    await send('post', '/records/person', body, key);
    const { request_hash: hash } = await kept(key);
    const sent = JSON.stringify(body);
    const plain = createHash('sha256').update(sent).digest('hex');
    const path = `/api/v1/tenants/${tenant.id}/records/person`;
    const seer = '[["editor"],false,{},[],null]';
    const guesses = [sent, plain, `POST ${path}\n${plain}\n${seer}`].map((x) => createHash('sha256').update(x).digest('hex'));
    expect(guesses).not.toContain(hash.toString('hex'));
    expect(refusal(await send('post', '/records/person', { ssn: ssn() }, key))).toBe('422 request/idempotency-key-reused');
  });

  it('is known again while the context keys are changed', async () => {
    const own = around.environment.CONTEXT_KEYS as string;
    const [key, body] = [randomUUID(), { day: 'Tuesday' }];
    const before = await another({ API_KEY_PEPPER: '' });
    expect((await send('post', '/records/visit', body, key, { at: before })).status).toBe(201);
    const next = `next:${Buffer.alloc(32, 3).toString('base64')}`;
    const after = await another({ API_KEY_PEPPER: '', CONTEXT_KEYS: `${next},${own}` });
    const repeated = await send('post', '/records/visit', body, key, { at: after });
    expect([repeated.status, repeated.headers['idempotency-replayed']]).toEqual([201, 'true']);
  });
});

describe('an import', () => {
  it('keeps of its file nothing by which values can be tried out, and goes on with the same file alone', async () => {
    const id = randomUUID();
    const call = await tenant.as();
    const lines = [{ ssn: ssn() }, { ssn: ssn() }, { ssn: 7 }].map((record) => `${JSON.stringify(record)}\n`);
    const send = (path: string, body: string) => call('post', path).set('content-type', 'application/x-ndjson').send(body);
    expect(refusal(await send(`/imports/person?id=${id}`, lines.join('')))).toBe('422 import/aborted');
    const { rows } = await around.database.admin(
      `select i::text as text, encode(prefix_hash, 'hex') as hash
       from business_store_service.imports as i
       where import_id = $1`,
      [id],
    );
    const [{ text, hash }] = rows;
    expect(text).not.toContain('078-05');
    expect(hash).not.toBe(createHash('sha256').update(lines.slice(0, 2).join('')).digest('hex'));
    const other = [`${JSON.stringify({ ssn: ssn() })}\n`, ...lines.slice(1, 2)].join('');
    expect(refusal(await send(`/imports/person?resume=${id}`, other))).toBe('409 import/conflict');
    const corrected = [...lines.slice(0, 2), `${JSON.stringify({ ssn: ssn() })}\n`].join('');
    expect((await send(`/imports/person?resume=${id}`, corrected)).body).toMatchObject({ state: 'done', stored: 3 });
  });

  it('finds in a dry run what would be there twice, by tags', async () => {
    const call = await tenant.as();
    const known = ssn();
    await call('post', '/records/person').send({ ssn: known }).expect(201);
    const [one, two] = [ssn(), ssn()];
    const lines = [one, known, two, one].map((each) => `${JSON.stringify({ ssn: each })}\n`).join('');
    const { body } = await call('post', '/imports/person?dryRun=true').set('content-type', 'application/x-ndjson').send(lines);
    const taken = { pointer: '/ssn', rule: 'unique', message: 'is already taken' };
    expect(body).toMatchObject({
      stored: 2,
      failed: 2,
      errors: [
        { line: 2, ...taken },
        { line: 4, ...taken },
      ],
    });
  });

  it('goes out again as it came in', async () => {
    const of = await newTenant();
    const call = await of.as();
    const records = Array.from({ length: 600 }, (_, n) => ({ name: `n${n}`, ssn: ssn() }));
    const body = records.map((each) => `${JSON.stringify(each)}\n`).join('');
    await call('post', '/imports/person').set('content-type', 'application/x-ndjson').send(body).expect(200);
    for (const format of ['ndjson', 'csv']) {
      const { text } = await call('get', `/exports/person?format=${format}&select=name,ssn`).buffer().expect(200);
      const lines = text
        .trim()
        .split(/\r?\n/)
        .slice(format === 'csv' ? 1 : 0);
      const read = format === 'csv' ? lines.map((line) => line.split(',')) : lines.map((line) => Object.values(JSON.parse(line)));
      expect(new Map(read as [string, string][])).toEqual(new Map(records.map((each) => [each.name, each.ssn])));
    }
  });
});
