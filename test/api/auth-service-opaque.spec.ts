/** Tokens that only the Auth Service can read, over HTTP: what it says counts, what it does not say lets nobody in. */

import { createLogger } from '../../src/platform/log.js';
import { readSettings } from '../../src/platform/settings.js';
import { uuidV7 } from '../../src/platform/uuid.js';
import { type RunningService, startService } from '../../src/start.js';
import { type AuthServer, startAuthServer } from '../harness/auth-server.js';
import { apiOf, type TestTenant } from '../harness/service.js';
import { createSurroundings, type Surroundings } from '../harness/surroundings.js';

jest.setTimeout(60_000);

let around: Surroundings;
let auth: AuthServer;
let service: RunningService;
let own: TestTenant;
let other: TestTenant;

const NOTE = { type: 'object', properties: { title: { type: 'string' } } };

beforeAll(async () => {
  [around, auth] = await Promise.all([createSurroundings(), startAuthServer()]);
  service = await start();
  const { tenant } = apiOf(service.url, async (roles, tenant_id) => auth.opaque({ roles, tenant_id }));
  [own, other] = [await tenant(), await tenant()];
  await own.define('note', NOTE);
});

afterEach(() => auth.behave('well'));

afterAll(async () => {
  await service.stop();
  await auth.stop();
  await around.stop();
});

function start(more: Record<string, string> = {}): Promise<RunningService> {
  return startService(readSettings({ ...around.environment, ...auth.settings, ...more }), createLogger('silent'));
}

const ofTenant = (claims: Record<string, unknown> = {}) => auth.opaque({ tenant_id: own.id, roles: ['editor'], ...claims });
const ask = (token: string, path = '/api/v1/session', { url } = service) =>
  fetch(url + path, { headers: { authorization: `Bearer ${token}` } });

async function problemIn(response: Response): Promise<unknown[]> {
  return [response.status, (await response.json()).type, response.headers.get('www-authenticate')];
}

const REFUSED = [401, 'urn:bss:problem:auth/invalid-token', 'Bearer error="invalid_token"'];

describe('an opaque token', () => {
  it.each<[string, () => string]>([
    ['that was never made', () => uuidV7()],
    ['for another audience', () => ofTenant({ aud: 'billing' })],
    ['of another issuer', () => ofTenant({ iss: 'https://evil.test' })],
    ['without expiry', () => ofTenant({ exp: undefined })],
    ['that expired', () => ofTenant({ exp: 1 })],
    ['without tenant', () => ofTenant({ tenant_id: undefined })],
    ['of a system admin in a tenant', () => ofTenant({ roles: ['system_admin'] })],
    ['bound to a key', () => ofTenant({ cnf: { jkt: 'x' } })],
  ])('is refused with 401: one %s', async (_name, token) => {
    expect(await problemIn(await ask(token()))).toEqual(REFUSED);
  });

  it.each<[string, string]>([
    ['9 KB of it', 'x'.repeat(9_000)],
    ['odd characters', '<script>'],
    ['two words', 'opaque token'],
    ['three parts', 'a.b.c'],
  ])('is refused without a question: %s', async (_name, token) => {
    auth.asked(null);
    expect(await problemIn(await ask(token))).toEqual(REFUSED);
    expect(auth.asked(null)).toBe(0);
  });

  it('opens no other tenant', async () => {
    const response = await ask(ofTenant(), `/api/v1/tenants/${other.id}/records/note`);
    expect([response.status, (await response.json()).type]).toEqual([403, 'urn:bss:problem:auth/tenant-mismatch']);
  });

  it('that is revoked is refused by an instance that did not know it', async () => {
    const token = ofTenant();
    expect((await ask(token)).status).toBe(200);
    auth.revoke(token);
    const another = await start();
    try {
      expect(await problemIn(await ask(token, undefined, another))).toEqual(REFUSED);
    } finally {
      await another.stop();
    }
  });

  it('is asked about once, however many requests there are at a time', async () => {
    const token = ofTenant();
    auth.asked(null);
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(token)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(auth.asked('/introspect')).toBe(1);
  });

  it('writes and reads as its roles let it, and is who it is in the trail', async () => {
    const { request } = apiOf(service.url, async () => '');
    const path = `/api/v1/tenants/${own.id}/records/note`;
    const token = ofTenant({ sub: 'Zoë', roles: ['editor', 'clerk'] });
    expect((await request(token, 'post', path).send({ title: 'by name' })).status).toBe(201);
    expect((await request(ofTenant({ roles: ['viewer'] }), 'post', path).send({ title: 'no' })).status).toBe(403);
    const trail = await request(ofTenant({ roles: ['auditor'] }), 'get', `/api/v1/tenants/${own.id}/audit?action=record.created`);
    expect(trail.body.items.map(({ actor }: { actor: string }) => actor)).toEqual(['Zoë']);
  });
});

describe('an address of which too many tokens were refused', () => {
  it('has the Auth Service asked no more: only known and signed tokens pass there, and all pass elsewhere', async () => {
    const limited = await start({ AUTH_FAILURES_PER_MINUTE: '3', TRUSTED_PROXIES: '127.0.0.1' });
    const from = (address: string, token: string) =>
      fetch(`${limited.url}/api/v1/session`, {
        headers: { authorization: `Bearer ${token}`, 'x-forwarded-for': address },
      });
    try {
      const known = ofTenant();
      expect((await from('192.0.2.1', known)).status).toBe(200);
      auth.asked(null);
      const guesses = [];
      for (let n = 0; n < 50; n++) guesses.push(await from('192.0.2.1', uuidV7()));
      const [first, last] = [guesses.findIndex(({ status }) => status === 429), guesses.at(-1) as Response];
      expect(guesses.slice(0, 3).map(({ status }) => status)).toEqual([401, 401, 401]);
      expect(first).toBe(3);
      expect((await last.json()).type).toBe('urn:bss:problem:request/rate-limited');
      expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(0);
      // A token comes back every 20 s: some, if this machine is slow.
      expect(auth.asked('/introspect')).toBe(guesses.filter(({ status }) => status === 401).length);

      const unknown = ofTenant();
      const statuses = async (address: string) =>
        (await Promise.all([known, unknown, auth.forge.token({ tenant_id: own.id })].map((token) => from(address, token)))).map(
          ({ status }) => status,
        );
      expect(await statuses('192.0.2.1')).toEqual([200, 429, 200]);
      expect(await statuses('192.0.2.2')).toEqual([200, 200, 200]);
      // Known by now, wherever it comes from.
      expect(await statuses('192.0.2.1')).toEqual([200, 200, 200]);
    } finally {
      await limited.stop();
    }
  });
});

describe('while the Auth Service does not answer', () => {
  it.each(['down', 'broken'] as const)('an opaque token is a 503 with Retry-After: %s', async (how) => {
    const fresh = await start();
    try {
      const token = ofTenant();
      await ask(auth.forge.token(), undefined, fresh);
      auth.behave(how);
      const refused = await ask(token, undefined, fresh);
      expect([refused.status, (await refused.json()).type]).toEqual([503, 'urn:bss:problem:auth/issuer-unavailable']);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    } finally {
      await fresh.stop();
    }
  });

  it('it is left alone after five questions, while signed tokens and those it has vouched for are good', async () => {
    const fresh = await start();
    try {
      const known = ofTenant();
      const signed = () => auth.forge.token({ tenant_id: own.id });
      expect([(await ask(known, undefined, fresh)).status, (await ask(signed(), undefined, fresh)).status]).toEqual([200, 200]);
      auth.behave('down');
      auth.asked(null);
      const statuses = [];
      for (let n = 0; n < 20; n++) statuses.push((await ask(ofTenant({ sub: `somebody ${n}` }), undefined, fresh)).status);
      expect(new Set(statuses)).toEqual(new Set([503]));
      expect(auth.asked('/introspect')).toBe(5);
      auth.behave('well');
      const refused = await ask(ofTenant(), undefined, fresh);
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '10']);
      expect([(await ask(known, undefined, fresh)).status, (await ask(signed(), undefined, fresh)).status]).toEqual([200, 200]);
      expect((await fetch(`${fresh.url}/readyz`)).status).toBe(200);
    } finally {
      await fresh.stop();
    }
  });

  it('nor takes us for who we are, nobody is let in', async () => {
    const mistaken = await start({ AUTH_CLIENT_SECRET: 'another' });
    try {
      expect((await ask(ofTenant(), undefined, mistaken)).status).toBe(503);
    } finally {
      await mistaken.stop();
    }
  });
});
