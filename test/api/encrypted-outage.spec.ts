/** When keys cannot be had: what needs them says so at once, everything else goes on, and nothing is ever written or read without. */

import { setTimeout as pause } from 'node:timers/promises';
import pino from 'pino';
import type { Response, Test } from 'supertest';
import { readSettings } from '../../src/platform/settings.js';
import { type RunningService, startService } from '../../src/start.js';
import { eventually } from '../harness/eventually.js';
import { makeGrant, systemAdmin } from '../harness/grants.js';
import { type Behaviour, type KeyService, startKeyService } from '../harness/key-service.js';
import { refusal } from '../harness/problem.js';
import { apiOf, type Method, startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { createSurroundings, type Surroundings } from '../harness/surroundings.js';

jest.setTimeout(120_000);

type Ask = (method: Method, path: string) => Test;

interface Cold {
  readonly url: string;
  readonly call: Ask;
  /** As what it logged says, level first. */
  readonly logged: readonly string[];
}

const PERSON = {
  type: 'object',
  history: 'full',
  properties: {
    name: { type: 'string' },
    ssn: { type: 'string', encrypted: { searchable: 'equality' }, unique: true },
    diagnosis: { type: 'string', encrypted: true },
  },
};
const NOTE = { type: 'object', properties: { title: { type: 'string' }, person: { type: 'string' } } };
/** The guard of a key service waits 1.5 s; the rest is for a busy machine. */
const PATIENCE_MS = 3_000;

let keys: KeyService;
let around: Surroundings;
let test: TestService;
let tenant: TestTenant;
let other: TestTenant;
let id: string;
let running: RunningService[] = [];

beforeAll(async () => {
  keys = await startKeyService();
  around = await createSurroundings();
  around = { ...around, environment: { ...around.environment, ...keys.settings } };
  test = await startTestService({}, around);
  [tenant, other] = [await test.tenant(), await test.tenant()];
  for (const each of [tenant, other]) {
    await each.define('person', PERSON);
    await each.define('note', NOTE);
    const call = await each.as();
    const ada = await call('post', '/records/person').send({ name: 'Ada', ssn: 'secret 1', diagnosis: 'secret a' }).expect(201);
    if (each === tenant) id = ada.body.id;
    await call('post', '/records/person').send({ name: 'Bob' }).expect(201);
    await call('post', '/records/note').send({ title: 'plain' }).expect(201);
  }
});

afterEach(async () => {
  keys.behave('well');
  await Promise.all(running.map((service) => service.stop()));
  running = [];
});

afterAll(async () => {
  await test?.stop();
  await keys?.stop();
});

/** An instance that has opened no keys yet. */
async function cold(more: Record<string, string> = {}): Promise<Cold> {
  const logged: string[] = [];
  const logger = pino(
    { level: 'info', formatters: { level: (level) => ({ level }) } },
    { write: (line: string) => logged.push(line) },
  );
  const service = await startService(readSettings({ ...around.environment, ...more }), logger);
  running.push(service);
  const bearer = await test.token(['admin'], tenant.id);
  const { request } = apiOf(service.url, test.token);
  return { url: service.url, call: (method, path) => request(bearer, method, `/api/v1/tenants/${tenant.id}${path}`), logged };
}

async function asOther({ url }: Pick<Cold, 'url'>): Promise<Ask> {
  const bearer = await test.token(['admin'], other.id);
  const { request } = apiOf(url, test.token);
  return (method, path) => request(bearer, method, `/api/v1/tenants/${other.id}${path}`);
}

async function stored(): Promise<string> {
  const { rows } = await test.database.admin(`select t::text as row from "${tenant.schemaName}".person as t order by id`);
  return rows.map(({ row }) => row).join('\n');
}

async function timed(asked: Test): Promise<{ answer: Response; ms: number }> {
  const started = performance.now();
  const answer = await asked;
  return { answer, ms: performance.now() - started };
}

const UNAVAILABLE: readonly Behaviour[] = [
  'hanging',
  'refusing',
  'broken',
  'throttled',
  'denied',
  'truncated',
  'wrong',
  'short',
  'foreign',
];

describe.each(UNAVAILABLE)('with a key service that is %s, and no key open', (behaviour) => {
  it('whatever needs a key is refused soon, and nothing of it is done', async () => {
    const { call, url, logged } = await cold();
    // So that there is a key of another to hand over.
    await (await asOther({ url }))('get', '/records/person').expect(200);
    keys.behave(behaviour, tenant.id);
    const before = await stored();
    const asked: [string, () => Test][] = [
      ['get', () => call('get', `/records/person/${id}`)],
      ['list', () => call('get', '/records/person')],
      ['filter', () => call('get', '/records/person?ssn=eq.secret 1&select=name')],
      ['insert', () => call('post', '/records/person').send({ name: 'Eve', ssn: 'secret 2' })],
      ['patch', () => call('patch', `/records/person/${id}`).send({ diagnosis: 'secret b' })],
      ['history', () => call('get', `/records/person/${id}/history`)],
      [
        'upsert',
        () =>
          call('post', '/records/person?on_conflict=ssn')
            .set('prefer', 'resolution=merge-duplicates')
            .send([{ ssn: 'secret 1' }]),
      ],
    ];
    for (const [what, ask] of asked) {
      const { answer, ms } = await timed(ask());
      expect([what, refusal(answer)]).toEqual([what, '503 key/unavailable']);
      expect([what, ms < PATIENCE_MS, Number(answer.headers['retry-after']) <= 2]).toEqual([what, true, true]);
      expect(`${answer.text} ${JSON.stringify(answer.headers)}`).not.toMatch(/secret|\\\\x0|stack trace|KeyFault|auth-service/);
    }
    expect(await stored()).toBe(before);
    const told = logged.filter((line) => /keys? of a tenant|for a tenant/.test(line)).map((line) => JSON.parse(line));
    // What nobody can mend but an operator is an alarm; one line for each that was refused, and no more.
    const isAlarm = ['denied', 'truncated', 'wrong', 'short', 'foreign'].includes(behaviour);
    expect(told.map(({ level, tenantId }) => [level, tenantId])).toEqual(
      asked.map(() => [isAlarm ? 'error' : 'warn', tenant.id]),
    );
    expect(logged.join()).not.toMatch(/secret [1ab]|\\\\x0/);
  });

  it('everything else goes on at its own speed: others, other entities, and what is not encrypted', async () => {
    const instance = await cold();
    const theirs = await asOther(instance);
    await theirs('get', '/records/person').expect(200);
    keys.behave(behaviour, tenant.id);
    const { call } = instance;
    await call('get', '/records/person');
    const waiting = Array.from({ length: 10 }, () => call('get', '/records/person').then(({ status }) => status));
    const asked: [string, () => Test, object][] = [
      ['a projection', () => call('get', '/records/person?select=name&order=name'), [{ name: 'Ada' }, { name: 'Bob' }]],
      ['a filter', () => call('get', '/records/person?select=name&ssn=is.null'), [{ name: 'Bob' }]],
      ['a note', () => call('get', '/records/note?select=title'), [{ title: 'plain' }]],
      ['another tenant', () => theirs('get', '/records/person?ssn=eq.secret 1&select=diagnosis'), [{ diagnosis: 'secret a' }]],
    ];
    for (const [what, ask, expected] of asked) {
      const { answer, ms } = await timed(ask());
      expect([what, answer.status, answer.body]).toEqual([what, 200, expected]);
      expect([what, ms < 1_000]).toEqual([what, true]);
    }
    expect((await call('post', '/records/person').send({ name: 'Eve' })).status).toBe(201);
    await call('delete', '/records/person?name=eq.Eve');
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([503]));
    const { rows } = await test.database.admin(`select count(*) as n from "${tenant.schemaName}".person where name = 'Eve'`);
    expect(rows[0].n).toBe('0');
  });
});

it('comes back by itself, without a restart, soon after the key service does', async () => {
  const { call } = await cold();
  keys.behave('broken');
  for (let n = 0; n < 8; n++) expect((await call('get', '/records/person')).status).toBe(503);
  keys.asked();
  const { ms } = await timed(call('get', '/records/person'));
  // It is left alone while it is down.
  expect([ms < 500, keys.asked()]).toEqual([true, 0]);
  keys.behave('well');
  await eventually(async () => (await call('get', '/records/person')).status === 200);
  expect((await call('get', `/records/person?ssn=eq.secret 1`)).body).toMatchObject([{ diagnosis: 'secret a' }]);
});

it('is not noticed while keys are open, also where something else of the tenant changes', async () => {
  const { call } = await cold();
  await call('get', '/records/person').expect(200);
  keys.behave('hanging');
  await tenant.define('note', { ...NOTE, title: 'again' });
  for (let n = 0; n < 5; n++) {
    const { answer, ms } = await timed(call('get', `/records/person?ssn=eq.secret 1&select=diagnosis`));
    expect([answer.status, answer.body, ms < 1_000]).toEqual([200, [{ diagnosis: 'secret a' }], true]);
  }
  await call('patch', `/records/person/${id}`).send({ diagnosis: 'secret a' }).expect(200);
});

it('is not noticed for as long as keys may be open, nor longer: they are asked for again before, and not by every request', async () => {
  const { call } = await cold({ KEY_CACHE_SECONDS: '4' });
  await call('get', '/records/person').expect(200);
  keys.asked();
  const started = performance.now();
  await eventually(async () => {
    expect((await call('get', '/records/person')).status).toBe(200);
    return performance.now() - started > 6_000;
  });
  const whileWell = keys.asked();
  expect([whileWell >= 2, whileWell <= 10]).toEqual([true, true]);
  keys.behave('throttled');
  const outage = performance.now();
  let requests = 0;
  await eventually(async () => {
    requests += 1;
    return (await call('get', '/records/person')).status === 503;
  });
  expect([performance.now() - outage <= 5_000, requests > 20, keys.asked() < 20]).toEqual([true, true, true]);
});

it('asks once, however many wait for the same keys', async () => {
  const { call } = await cold();
  keys.asked();
  const statuses = await Promise.all(Array.from({ length: 40 }, async () => (await call('get', '/records/person')).status));
  expect([new Set(statuses), keys.asked()]).toEqual([new Set([200]), 2]);
});

it('makes no key, and nothing that would need one, while it cannot be had', async () => {
  const { url } = await cold();
  const fresh = await test.tenant();
  const { request } = apiOf(url, test.token);
  const bearer = await test.token(['admin'], fresh.id);
  const call: Ask = (method, path) => request(bearer, method, `/api/v1/tenants/${fresh.id}${path}`);
  keys.behave('broken', fresh.id);
  const defined = await call('put', '/entities/person').send(PERSON);
  if (defined.status < 300) expect((await call('post', '/records/person').send({ ssn: 'secret' })).status).toBe(503);
  else expect(refusal(defined)).toBe('503 key/unavailable');
  const { rows } = await test.database.admin('select from business_store_service.tenant_keys where tenant_id = $1', [fresh.id]);
  expect(rows).toHaveLength(0);
  keys.behave('well');
  await eventually(async () => {
    await call('put', '/entities/person').send(PERSON);
    return (await call('post', '/records/person').send({ name: 'x', ssn: 'secret' })).status === 201;
  });
});

describe('while no key can be had', () => {
  it('a write with an Idempotency-Key is refused without a trace, and done once when it can', async () => {
    const { call } = await cold();
    keys.behave('broken', tenant.id);
    const send = () =>
      call('post', '/records/person').set('idempotency-key', 'one-of-its-own').send({ name: 'Kim', ssn: 'secret 9' });
    expect(refusal(await send())).toBe('503 key/unavailable');
    keys.behave('well');
    await eventually(async () => (await send()).status === 201);
    const again = await send();
    expect([again.status, again.headers['idempotency-replayed'], again.body.ssn]).toEqual([201, 'true', 'secret 9']);
    const second = await cold();
    keys.behave('refusing', tenant.id);
    const replay = await second
      .call('post', '/records/person')
      .set('idempotency-key', 'one-of-its-own')
      .send({ name: 'Kim', ssn: 'secret 9' });
    expect([refusal(replay), replay.text.includes('secret')]).toEqual(['503 key/unavailable', false]);
    keys.behave('well');
    await eventually(async () => (await second.call('delete', '/records/person?ssn=eq.secret 9')).status < 300);
  });

  it('an import is stored as far as it can be, and goes on from there', async () => {
    const { call } = await cold();
    keys.behave('broken', tenant.id);
    const lines = [
      { name: 'I1', ssn: 'secret i1' },
      { name: 'I2', ssn: 'secret i2' },
    ]
      .map((each) => `${JSON.stringify(each)}\n`)
      .join('');
    const send = () => call('post', '/imports/person').set('content-type', 'application/x-ndjson').send(lines);
    const refused = await send();
    expect([refused.status, refused.text.includes('secret')]).toEqual([503, false]);
    expect(await stored()).not.toMatch(/I1|secret/);
    keys.behave('well');
    await eventually(async () => (await send()).status < 300);
    const found = await call('get', '/records/person?ssn=in.(secret i1,secret i2)&select=name&order=name');
    expect(found.body).toEqual([{ name: 'I1' }, { name: 'I2' }]);
    await call('delete', '/records/person?ssn=in.(secret i1,secret i2)');
  });

  it('an export is refused, and one of what is not encrypted is not', async () => {
    const { call } = await cold();
    keys.behave('broken', tenant.id);
    expect(refusal(await call('get', '/exports/person'))).toBe('503 key/unavailable');
    expect((await call('get', '/exports/person?select=name')).status).toBe(200);
    keys.behave('well');
    await eventually(async () => (await call('get', '/exports/person')).status === 200);
  });

  it('an export that is under way breaks off visibly when the time of its keys is over', async () => {
    const fresh = await test.tenant();
    await fresh.define('person', PERSON);
    const large = Array.from({ length: 2_000 }, (_, n) => ({ name: 'x'.repeat(3_000), diagnosis: `secret ${n}` }));
    const filled = await (await fresh.as())('post', '/records/person').set('prefer', 'return=minimal').send(large.slice(0, 200));
    expect(filled.status).toBe(201);
    for (let n = 200; n < 2_000; n += 200) {
      await (await fresh.as())('post', '/records/person')
        .set('prefer', 'return=minimal')
        .send(large.slice(n, n + 200))
        .expect(201);
    }
    const { url } = await cold({ KEY_CACHE_SECONDS: '2' });
    const authorization = `Bearer ${await test.token(['admin'], fresh.id)}`;
    const answer = await fetch(`${url}/api/v1/tenants/${fresh.id}/exports/person?format=ndjson`, { headers: { authorization } });
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    const parts = [(await reader.read()).value as Uint8Array];
    keys.behave('broken', fresh.id);
    await pause(2_500);
    const rest = async (): Promise<void> => {
      for (let part = await reader.read(); !part.done; part = await reader.read()) parts.push(part.value);
    };
    await expect(rest()).rejects.toThrow();
    const text = Buffer.concat(parts).toString();
    expect([answer.status, text.includes('secret 0"'), text.includes('secret 1999'), text.includes('\\x0')]).toEqual([
      ...[200, true, false, false],
    ]);
  });

  it('a query across tenants says of whom it could not be asked, and answers for the others', async () => {
    const { url, call } = await cold();
    const theirs = await asOther({ url });
    await theirs('get', '/records/person').expect(200);
    keys.behave('refusing', tenant.id);
    const ann = await systemAdmin(test, 'ann');
    const grant = await makeGrant(ann, [tenant, other]);
    const bearer = await test.issuer.sign({ subject: 'ann', roles: ['system_admin'] });
    const answer = await fetch(`${url}/api/v1/admin/query`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bearer}`, 'x-access-grant': grant.id, 'content-type': 'application/json' },
      body: JSON.stringify({ entity: 'person', query: 'select=ssn&ssn=eq.secret%201' }),
    });
    const lines = (await answer.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const faults = lines.filter(({ type }) => type === 'error').map(({ tenantId, problem }) => [tenantId, problem.type]);
    const records = lines.filter(({ type }) => type === 'record').map(({ tenantId, record }) => [tenantId, record]);
    expect([faults, records]).toEqual([[[tenant.id, 'urn:bss:problem:key/unavailable']], [[other.id, { ssn: 'secret 1' }]]]);
    keys.behave('well');
    await eventually(async () => (await call('get', '/records/person')).status === 200);
  });
});

/** A write is never said not to have been done that was done. */
describe('what was written is answered for, with keys that were not open before', () => {
  it.each<[string, (call: Ask) => Test]>([
    ['deleting by a filter', (call) => call('delete', '/records/person?name=eq.Zoe').set('prefer', 'return=representation')],
    [
      'changing by a filter',
      (call) => call('patch', '/records/person?name=eq.Zoe').set('prefer', 'return=representation').send({ name: 'Zoe 2' }),
    ],
  ])('%s', async (_, ask) => {
    const warm = await tenant.as();
    await warm('post', '/records/person').send({ name: 'Zoe', ssn: 'secret z', diagnosis: 'secret y' }).expect(201);
    const { call } = await cold();
    const done = await ask(call);
    expect([done.status, done.body]).toMatchObject([200, [{ ssn: 'secret z', diagnosis: 'secret y' }]]);
    await warm('delete', '/records/person?ssn=eq.secret z');
    await warm('post', '/records/person').send({ name: 'Zoe', ssn: 'secret z', diagnosis: 'secret y' }).expect(201);
    const second = await cold();
    keys.behave('refusing', tenant.id);
    const refused = await ask(second.call);
    expect(refusal(refused)).toBe('503 key/unavailable');
    expect((await warm('get', '/records/person?ssn=eq.secret z&select=name')).body).toEqual([{ name: 'Zoe' }]);
    await warm('delete', '/records/person?ssn=eq.secret z');
  });

  it('deleting one, and restoring it', async () => {
    const warm = await tenant.as();
    const { id: of } = (await warm('post', '/records/person').send({ name: 'Zoe', ssn: 'secret z' }).expect(201)).body;
    const { call } = await cold();
    keys.behave('refusing', tenant.id);
    const deleted = await call('delete', `/records/person/${of}`);
    // Nothing of its values is needed for that, unless they have to be shown.
    const isGone = (await warm('get', `/records/person/${of}`)).status === 404;
    expect([deleted.status < 300, isGone]).toEqual(deleted.status < 300 ? [true, true] : [false, false]);
    await warm('delete', '/records/person?ssn=eq.secret z');
  });
});
