/** API keys: whom they let in and whom they do not, for how long, on all instances; and that nobody finds one in the database. */

import { setTimeout as pause } from 'node:timers/promises';
import supertest from 'supertest';
import { ApiKeyForm } from '../../src/access/api-key-form.js';
import type { RunningService } from '../../src/start.js';
import { eventually } from '../harness/eventually.js';
import { faultsOf, refusal } from '../harness/problem.js';
import { type Method, startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { createSurroundings, type Surroundings } from '../harness/surroundings.js';
import { tapWire, type WireTap } from '../harness/wire-tap.js';

jest.setTimeout(60_000);

const BAD = '401 auth/invalid-token';
const NOTE = { type: 'object', properties: { title: { type: 'string' } }, additionalProperties: false };

interface Made {
  readonly id: string;
  readonly key: string;
}

let around: Surroundings;
let tap: WireTap;
let test: TestService;
let second: RunningService;
let tenant: TestTenant;
let foreign: TestTenant;
let admin: Awaited<ReturnType<TestTenant['as']>>;

beforeAll(async () => {
  around = await createSurroundings();
  tap = await tapWire(around.database.controlUrl);
  test = await startTestService({ AUTH_FAILURES_PER_MINUTE: '0', DATABASE_CONTROL_URL: tap.url }, around);
  second = await test.another();
  [tenant, foreign] = [await test.tenant(), await test.tenant()];
  await tenant.define('note', NOTE);
  await foreign.define('note', NOTE);
  admin = await tenant.as();
});

afterAll(async () => {
  await second.stop();
  await test.stop();
  await tap.stop();
});

async function make(body: object = {}, call = admin): Promise<Made> {
  const made = await call('post', '/api-keys').send({ name: 'a key', roles: ['editor'], ...body });
  if (made.status !== 201) throw new Error(`${made.status} ${made.text}`);
  return made.body;
}

async function rotate(id: string, body: object = {}): Promise<Made> {
  const rotated = await admin('post', `/api-keys/${id}/rotate`).send(body);
  if (rotated.status !== 200) throw new Error(`${rotated.status} ${rotated.text}`);
  return rotated.body;
}

const ask = (key: string, path = `/api/v1/tenants/${tenant.id}/records/note`, method: Method = 'get', url = test.service.url) =>
  supertest(url)[method](path).set('authorization', `Bearer ${key}`);

/** Lookups that went to the database, of this instance. */
const lookups = () =>
  tap.messages.filter(({ sql }) => /^select[\s\S]+ secret_hash[\s\S]+from business_store_service\.api_keys/.test(sql)).length;

/** Of the right shape and checksum, with a secret that nobody has. */
const guessed = (id: string): string => new ApiKeyForm('test', Buffer.alloc(32, 9)).make(id)?.text ?? '';

describe('an API key', () => {
  it('that is mistyped, cut off, of another environment or a mere word is refused, and nobody asks the database', async () => {
    const { key } = await make();
    const bad = [key.slice(0, -1), `${key}0`, key.replace('_test_', '_live_'), key.toUpperCase(), 'bss_', 'bss_test', 'a.b.c'];
    for (let at = 4; at < key.length; at += 3) bad.push(key.slice(0, at) + (key[at] === 'x' ? 'y' : 'x') + key.slice(at + 1));
    const elsewhere = new ApiKeyForm('live', Buffer.alloc(32, 9)).make(await make().then(({ id }) => id));
    bad.push(elsewhere?.text as string);
    const before = lookups();
    for (const each of bad) {
      for (const asked of [ask(each), supertest(test.service.url).get('/api/v1/session').set('x-api-key', each)]) {
        const answer = await asked;
        expect(refusal(answer)).toBe(BAD);
        expect(answer.headers['www-authenticate']).toBe('Bearer error="invalid_token"');
      }
    }
    expect(lookups()).toBe(before);
  });

  it('is refused with the same words, however it came to be bad', async () => {
    const [revoked, rotated, known, expired] = [await make(), await make(), await make(), await make()];
    await admin('delete', `/api-keys/${revoked.id}`).expect(204);
    await rotate(rotated.id, { overlapSeconds: 0 });
    await test.database.admin(`update business_store_service.api_keys set expires_at = now() where key_id = $1`, [expired.id]);
    const unknown = guessed('0190f3c0-7a1e-7c3b-8f00-000000000001');
    const bad = [revoked.key, rotated.key, guessed(known.id), expired.key, unknown, 'bss_junk'];
    const said = new Set<string>();
    for (const key of bad) {
      const { status, body, headers } = await ask(key);
      const { instance: _, ...problem } = body;
      said.add(JSON.stringify([status, problem, headers['www-authenticate'], headers['retry-after']]));
    }
    expect([...said]).toEqual([expect.stringMatching(/^\[401,.*invalid-token/)]);
  });

  it('beside a token, or another key, says nothing of who is asking: 400', async () => {
    const { key } = await make();
    const token = await test.token(['viewer'], tenant.id);
    for (const authorization of [`Bearer ${token}`, `Bearer ${key}`, 'Basic dXNlcjpwYXNz']) {
      const both = supertest(test.service.url).get('/api/v1/session').set({ authorization, 'x-api-key': key });
      expect(refusal(await both)).toBe('400 request/invalid-header');
    }
  });

  it('opens no other tenant, nor what is no tenant, nor its own when that is suspended', async () => {
    const lone = await test.tenant();
    const { key } = await make({ roles: ['admin'] }, await lone.as());
    expect(refusal(await ask(key))).toBe('403 auth/tenant-mismatch');
    expect(refusal(await ask(key, '/api/v1/tenants'))).toBe('403 auth/forbidden');
    const own = `/api/v1/tenants/${lone.id}/entities`;
    expect((await ask(key, own)).status).toBe(200);
    const system = await test.token(['system_admin']);
    await test.request(system, 'patch', `/api/v1/tenants/${lone.id}`).send({ status: 'suspended' }).expect(200);
    expect(refusal(await ask(key, own))).toBe('403 tenant/suspended');
  });

  it('makes, shows, rotates and ends no keys, not even one of an admin, and its trail says that it tried', async () => {
    const { key, id } = await make({ roles: ['admin'] });
    const base = `/api/v1/tenants/${tenant.id}/api-keys`;
    const attempts: [Method, string, object?][] = [
      ['post', base, { name: 'bred', roles: ['admin'] }],
      ['get', base],
      ['get', `${base}/${id}`],
      ['post', `${base}/${id}/rotate`, {}],
      ['delete', `${base}/${id}`],
    ];
    for (const [method, path, body] of attempts)
      expect(refusal(await ask(key, path, method).send(body))).toBe('403 auth/forbidden');
    const trail = await admin('get', '/audit?action=access.denied&limit=1');
    expect(trail.body.items[0]).toMatchObject({ actor: `api-key:${id}`, detail: { operation: 'apiKeys.manage' } });
    const scoped = await admin('post', '/api-keys').send({ name: 'bred', roles: ['admin'], scopes: ['apiKeys.manage'] });
    expect(faultsOf(scoped)).toEqual(['/scopes/0 scope']);
  });

  it('is nobody else: no token speaks in its name', async () => {
    const { id } = await make();
    const forged = await test.issuer.sign({ subject: `api-key:${id}`, roles: ['admin'], tenantId: tenant.id });
    expect(refusal(await test.request(forged, 'get', '/api/v1/session'))).toBe(BAD);
  });

  it('does what its roles may, as Bearer and as X-API-Key, on both surfaces, in its own name', async () => {
    const { key, id } = await make();
    const byHeader = (method: Method, path: string) => supertest(test.service.url)[method](path).set('x-api-key', key);
    const created = await byHeader('post', `/api/v1/tenants/${tenant.id}/records/note`).send({ title: 'by key' });
    const [event] = (await admin('get', '/audit?action=record.created&limit=1')).body.items;
    expect([created.status, event.actor, event.recordId]).toEqual([201, `api-key:${id}`, created.body.id]);
    expect((await ask(key, '/rest/v1/note?title=eq.by key')).body).toHaveLength(1);
    expect(refusal(await ask(key, `/api/v1/tenants/${tenant.id}/entities/note`, 'put').send(NOTE))).toBe('403 auth/forbidden');
    const { body } = await ask(key, '/api/v1/session');
    expect(body).toMatchObject({
      ...{ subject: `api-key:${id}`, tenant: { id: tenant.id }, roles: ['editor'] },
      apiKey: { id, name: 'a key', scopes: null, expiresAt: null },
    });
    expect(body.permissions).toContain('records.create');
    expect(body.permissions).not.toContain('entities.define');
  });

  it('costs one query of any number of requests in four seconds, and so does an id that nobody has', async () => {
    const { key } = await make();
    const unknown = guessed('0190f3c0-7a1e-7c3b-8f00-00000000000f');
    await pause(4_100);
    const before = lookups();
    await Promise.all(Array.from({ length: 40 }, () => ask(key)));
    for (let n = 0; n < 40; n++) await ask(key);
    expect(lookups()).toBe(before + 1);
    await Promise.all(Array.from({ length: 40 }, () => ask(unknown)));
    // Secrets that are guessed for an id that is known cost nothing at all.
    for (let n = 0; n < 20; n++) expect(refusal(await ask(guessed(key.split('_')[2] as string)))).toBe(BAD);
    expect(lookups()).toBe(before + 2);
  });

  it('is looked up while definitions hold every connection of the control plane', async () => {
    const { key } = await make();
    const { controlPlane } = test.service;
    const actor = { subject: 'test', roles: [], requestId: 'test' };
    let isOver = false;
    const sleeps = Array.from({ length: 5 }, () =>
      controlPlane.platform(actor, ({ manager }) => manager.query('select pg_sleep(4)')),
    );
    const over = Promise.all(sleeps).then(() => {
      isOver = true;
    });
    await pause(200);
    expect([(await ask(key)).status, isOver]).toEqual([200, false]);
    await over;
  });

  it('is known to have been used, to the minute, and only when it was let in', async () => {
    const [used, refused] = [await make(), await make()];
    await ask(used.key);
    await ask(guessed(refused.id));
    const lastUsed = async ({ id }: Made) => (await admin('get', `/api-keys/${id}`)).body.lastUsedAt;
    await eventually(async () => (await lastUsed(used)) !== null);
    const first = await lastUsed(used);
    expect(await lastUsed(refused)).toBeNull();
    await pause(4_100);
    await ask(used.key);
    await pause(2_500);
    expect(await lastUsed(used)).toBe(first);
    await test.database.admin(
      `update business_store_service.api_keys set last_used_at = last_used_at - interval '2 minutes' where key_id = $1`,
      [used.id],
    );
    await pause(4_100);
    await ask(used.key);
    await eventually(async () => Date.parse(await lastUsed(used)) > Date.parse(first));
  });
});

describe('on another instance', () => {
  /** Asks until it is refused; how long that took, in milliseconds. */
  async function untilRefused(key: string): Promise<number> {
    const started = performance.now();
    for (;;) {
      const answer = await ask(key, '/api/v1/session', 'get', second.url);
      if (answer.status === 401) return performance.now() - started;
      if (performance.now() - started > 20_000) throw new Error(`still ${answer.status}`);
      await pause(20);
    }
  }

  it('a key is refused within five seconds of its revocation, and here at once', async () => {
    const { key, id } = await make();
    expect((await ask(key, '/api/v1/session', 'get', second.url)).status).toBe(200);
    await admin('delete', `/api-keys/${id}`).expect(204);
    expect(refusal(await ask(key))).toBe(BAD);
    expect(await untilRefused(key)).toBeLessThan(5_000);
  });

  it('a former key is refused within five seconds of the end of its overlap, and the new one holds at once', async () => {
    const { key, id } = await make();
    expect((await ask(key, '/api/v1/session', 'get', second.url)).status).toBe(200);
    const rotated = await rotate(id, { overlapSeconds: 0 });
    expect(refusal(await ask(key))).toBe(BAD);
    expect(await untilRefused(key)).toBeLessThan(5_000);
    for (const url of [test.service.url, second.url])
      expect((await ask(rotated.key, '/api/v1/session', 'get', url)).status).toBe(200);
  });
});

describe('rotating', () => {
  it('is refused for a key that has ended, that is unknown or that is of another tenant, and takes no odd overlap', async () => {
    const { id } = await make();
    for (const overlapSeconds of [-1, 604_801, 1.5, 'a day']) {
      const refused = await admin('post', `/api-keys/${id}/rotate`).send({ overlapSeconds });
      expect([refusal(refused), faultsOf(refused)[0]]).toEqual([
        '422 request/invalid',
        expect.stringMatching(/^\/overlapSeconds /),
      ]);
    }
    const theirs = await foreign.as();
    for (const missing of [id, 'none']) {
      expect(refusal(await theirs('post', `/api-keys/${missing}/rotate`).send({}))).toBe('404 key/not-found');
      expect(refusal(await theirs('get', `/api-keys/${missing}`))).toBe('404 key/not-found');
      expect(refusal(await theirs('delete', `/api-keys/${missing}`))).toBe('404 key/not-found');
    }
    await admin('delete', `/api-keys/${id}`).expect(204);
    expect(refusal(await admin('post', `/api-keys/${id}/rotate`))).toBe('409 key/ended');
  });

  it('leaves the former key as it was for the overlap, a day unless told otherwise, and the one before it no longer', async () => {
    const first = await make();
    const next = await admin('post', `/api-keys/${first.id}/rotate`);
    expect([next.status, next.headers['cache-control'], next.body.id]).toEqual([200, 'no-store', first.id]);
    const days = (Date.parse(next.body.formerHoldsUntil) - Date.now()) / 86_400_000;
    expect([days > 0.99, days < 1.01]).toEqual([true, true]);
    for (const { key } of [first, next.body]) expect((await ask(key)).status).toBe(200);
    const last = await rotate(first.id, { overlapSeconds: 3 });
    expect(refusal(await ask(first.key))).toBe(BAD);
    for (const { key } of [next.body, last]) expect((await ask(key)).status).toBe(200);
    await eventually(async () => (await ask(next.body.key)).status === 401);
    expect((await ask(last.key)).status).toBe(200);
  });
});

describe('making a key', () => {
  it.each<[string, object, string[]]>([
    ['no name', { name: undefined }, ['/name isLength', '/name isString', '/name matches']],
    ['a name of control characters', { name: 'a\u0007b' }, ['/name matches']],
    ['no roles', { roles: [] }, ['/roles arrayMinSize']],
    ['a role of the platform', { roles: ['system_admin'] }, ['/roles/0 role']],
    ['a role that nobody has', { roles: ['emperor'] }, ['/roles/0 role']],
    ['an operation that nobody has', { scopes: ['records.steal'] }, ['/scopes/0 scope']],
    ['an operation of the platform', { scopes: ['records.read', 'tenants.read'] }, ['/scopes/1 scope']],
    ['an operation that its roles may not', { scopes: ['entities.define'] }, ['/scopes/0 scope']],
    ['no scopes at all', { scopes: [] }, ['/scopes arrayMinSize']],
    ['an entity that the tenant lacks', { scopes: ['records.read:nothing'] }, ['/scopes/0 scope']],
    [
      'an entity that is spelt otherwise',
      { scopes: ['records.read:Note', 'records.read:'] },
      ['/scopes/0 scope', '/scopes/1 scope'],
    ],
    ['an entity for what reaches beyond one', { scopes: ['openapi.read:note'] }, ['/scopes/0 scope']],
    ['an end that is past', { expiresAt: '2020-01-01T00:00:00Z' }, ['/expiresAt future']],
    ['an end without an offset', { expiresAt: '2099-01-01T00:00:00' }, ['/expiresAt matches']],
    ['more than there is', { hash: 'x' }, ['/hash whitelistValidation']],
  ])('is refused with %s', async (_name, body, faults) => {
    const refused = await admin('post', '/api-keys').send({ name: 'a key', roles: ['editor'], ...body });
    expect([refusal(refused), faultsOf(refused).sort()]).toEqual(['422 request/invalid', faults]);
  });

  it('is refused without a pepper, and nothing else is', async () => {
    const { key, id } = await make();
    const bare = await startTestService({ API_KEY_PEPPER: '' }, beside());
    try {
      const token = await bare.token(['admin'], tenant.id);
      const path = `/api/v1/tenants/${tenant.id}/api-keys`;
      const body = { name: 'a key', roles: ['viewer'] };
      expect(refusal(await bare.request(token, 'post', path).send(body))).toBe('501 key/not-configured');
      expect(refusal(await bare.request(token, 'post', `${path}/${id}/rotate`).send({}))).toBe('501 key/not-configured');
      expect(refusal(await ask(key, '/api/v1/session', 'get', bare.service.url))).toBe(BAD);
      expect((await bare.request(token, 'get', `/api/v1/tenants/${tenant.id}/records/note`)).status).toBe(200);
      expect((await bare.request(token, 'delete', `${path}/${id}`)).status).toBe(204);
    } finally {
      await bare.stop();
    }
  });

  it('shows the key once: no other answer, no event and no column has it, nor its hash', async () => {
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const body = { name: 'import', roles: ['service', 'viewer'], scopes: ['records.read', 'records.create:note'], expiresAt };
    const made = await admin('post', '/api-keys').send(body);
    expect([made.status, made.headers['cache-control']]).toEqual([201, 'no-store']);
    const { key, id, createdAt } = made.body;
    const shown = {
      ...{ id, ...body, createdAt, createdBy: 'admin@test' },
      ...{ lastUsedAt: null, revokedAt: null, formerHoldsUntil: null },
    };
    expect(made.body).toEqual({ ...shown, key });
    expect((await admin('get', `/api-keys/${id}`)).body).toEqual(shown);
    const rotated = await rotate(id);
    await admin('delete', `/api-keys/${id}`).expect(204);
    await admin('delete', `/api-keys/${id}`).expect(204);
    const trail = await admin('get', '/audit?limit=4');
    const events = trail.body.items.filter(({ action }: { action: string }) => action.startsWith('apiKey.'));
    expect(events.slice(0, 3).map(({ action, actor }: { action: string; actor: string }) => [action, actor])).toEqual(
      ['revoked', 'rotated', 'created'].map((verb) => [`apiKey.${verb}`, 'admin@test']),
    );
    expect(events[2].after).toEqual({ apiKey: id, ...body });
    const dump = await dumpOf();
    for (const { secret } of [key, rotated.key].map((text: string) => ({ secret: text.split('_')[3] as string }))) {
      for (const form of [
        secret,
        Buffer.from(secret).toString('hex'),
        Buffer.from(secret).toString('base64').replace(/=+$/, ''),
      ]) {
        expect(dump).not.toContain(form);
      }
    }
    expect(dump).toContain(id);
    const said = JSON.stringify([
      (await admin('get', '/api-keys?limit=200')).body,
      (await admin('get', '/audit?limit=200')).body,
    ]);
    const hash = new ApiKeyForm('test', Buffer.alloc(32, 9)).read(key)?.hash as Buffer;
    expect(dump).toContain(hash.toString('hex'));
    for (const secret of [key.split('_')[3], hash.toString('hex'), hash.toString('base64')]) expect(said).not.toContain(secret);
  });

  it('lists keys in keyset pages that miss none and repeat none, those of the tenant alone', async () => {
    const call = await foreign.as();
    const made: string[] = [];
    for (let n = 0; n < 5; n++) made.push((await make({ name: `key ${n}` }, call)).id);
    const seen: string[] = [];
    for (let after: string | null = ''; after !== null; ) {
      const { body } = await call('get', `/api-keys?limit=2${after ? `&after=${after}` : ''}`);
      seen.push(...body.items.map(({ id }: Made) => id));
      after = body.next;
    }
    expect(seen).toEqual(made);
  });
});

describe('guessing', () => {
  it('is rate limited whatever is wrong with the key; whoever has a good one is not kept out', async () => {
    const guarded = await startTestService({ AUTH_FAILURES_PER_MINUTE: '5' }, beside());
    try {
      const { key, id } = await make();
      const guesses = ['bss_junk', guessed(id), guessed('0190f3c0-7a1e-7c3b-8f00-0000000000ff'), key.slice(0, -1)];
      const statuses = [];
      for (let n = 0; n < 12; n++) {
        statuses.push((await ask(guesses[n % 4] as string, '/api/v1/session', 'get', guarded.service.url)).status);
      }
      expect(statuses.slice(0, 5)).toEqual([401, 401, 401, 401, 401]);
      expect(statuses.slice(-4)).toEqual([429, 429, 429, 429]);
      expect((await ask(key, '/api/v1/session', 'get', guarded.service.url)).status).toBe(200);
    } finally {
      await guarded.stop();
    }
  });

  it('a thousand keys at a time asks the database a few times', async () => {
    const before = lookups();
    const uuids = Array.from({ length: 1_000 }, (_, n) => `0190f3c0-7a1e-7c3b-8f01-${String(n).padStart(12, '0')}`);
    const answers = await Promise.all(
      uuids.map((id) => fetch(`${test.service.url}/api/v1/session`, { headers: { 'x-api-key': guessed(id) } })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    expect(lookups() - before).toBeLessThan(250);
  });
});

describe('without its database', () => {
  it('the service says so with 503, and neither lets a key in nor calls it bad', async () => {
    const { key } = await make();
    await pause(4_100);
    const judge = tap.judge;
    tap.judge = ({ sql }) => (sql.includes('former_secret_hash') ? 'cut before' : 'pass');
    try {
      expect(refusal(await ask(key, '/api/v1/session'))).toBe('503 database/unavailable');
    } finally {
      tap.judge = judge;
    }
    expect((await ask(key, '/api/v1/session')).status).toBe(200);
  });
});

/** For another service on the same database, whose end is not that of the database. */
function beside(): Surroundings {
  return { ...around, stop: async () => {} };
}

/** Every table of the database as text. */
async function dumpOf(): Promise<string> {
  const { rows: tables } = await test.database.admin(
    `select format('select %L || t::text as row from %s as t', oid::regclass, oid::regclass) as sql
     from pg_class
     where relkind = 'r' and relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)`,
  );
  const dumped: string[] = [];
  for (const { sql } of tables) dumped.push(...(await test.database.admin(sql)).rows.map(({ row }) => row));
  return dumped.join('\n');
}
