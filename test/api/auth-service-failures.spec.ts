/** What the operator sees of those who are not let in, and how much of it the trail of a tenant holds. */

import { createLogger } from '../../src/platform/log.js';
import { readSettings } from '../../src/platform/settings.js';
import { uuidV7 } from '../../src/platform/uuid.js';
import { startService } from '../../src/start.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { createSurroundings, type Surroundings } from '../harness/surroundings.js';

let around: Surroundings;
let test: TestService;
let own: TestTenant;

beforeAll(async () => {
  around = await createSurroundings();
  test = await startTestService({}, around);
  own = await test.tenant();
  await own.define('note', { type: 'object', properties: { title: { type: 'string' } } });
});

afterAll(() => test.stop());

type Counts = Readonly<Record<string, number>>;

/** By its one label. */
async function counts(metric: string, url = test.service.url): Promise<Counts> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const lines = [...text.matchAll(new RegExp(`^${metric}{[a-z]+="([^"]*)"} ([0-9]+)$`, 'gm'))];
  return Object.fromEntries(lines.map(([, label, count]) => [label, Number(count)]));
}

/** What has been added since. */
async function added(metric: string, before: Counts, url?: string): Promise<Counts> {
  const after = await counts(metric, url);
  return Object.fromEntries(
    Object.entries(after).flatMap(([label, count]) =>
      count > (before[label] ?? 0) ? [[label, count - (before[label] ?? 0)]] : [],
    ),
  );
}

const ask = (headers: Record<string, string>, url = test.service.url) => fetch(`${url}/api/v1/session`, { headers });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('a failed authentication', () => {
  it('is counted under why, from a handful of reasons that name nobody', async () => {
    const before = await counts('auth_failures_total');
    expect(Object.keys(before).sort()).toEqual(
      ['ambiguous', 'expired_token', 'invalid_api_key', 'invalid_token', 'missing', 'unavailable'].sort(),
    );
    const good = await test.token(['viewer'], own.id);
    const expired = await test.issuer.sign({ subject: 's', tenantId: own.id, roles: ['viewer'], expiresInSeconds: -60 });
    const tries: Record<string, string>[] = [
      {},
      { authorization: 'Basic dGVzdDp0ZXN0' },
      { ...bearer(good), 'x-api-key': 'bss_test_x' },
      bearer(`${good}x`),
      bearer('opaque'),
      bearer('x'.repeat(9_000)),
      bearer(expired),
      bearer('bss_test_key'),
      { 'x-api-key': 'anything' },
    ];
    for (const headers of tries) expect([400, 401]).toContain((await ask(headers)).status);
    expect(await added('auth_failures_total', before)).toEqual({
      ...{ missing: 2, ambiguous: 1, invalid_token: 3, expired_token: 1, invalid_api_key: 2 },
    });
    expect((await ask(bearer(good))).status).toBe(200);
    expect((await added('auth_failures_total', before)).invalid_token).toBe(3);
  });

  it('is counted as nobody’s fault when nobody could tell', async () => {
    const settings = readSettings({ ...around.environment, AUTH_JWKS_URL: 'http://127.0.0.1:1/jwks' });
    const blind = await startService(settings, createLogger('silent'));
    try {
      const before = await counts('auth_failures_total', blind.url);
      expect((await ask(bearer(await test.token(['viewer'], own.id)), blind.url)).status).toBe(503);
      expect(await added('auth_failures_total', before, blind.url)).toEqual({ unavailable: 1 });
    } finally {
      await blind.stop();
    }
  });
});

describe('a denied request', () => {
  it('is counted under what it was to do, of whichever tenant', async () => {
    const before = await counts('access_denied_total');
    const viewer = await own.as('viewer');
    await viewer('post', '/records/note').send({}).expect(403);
    await viewer('get', '/records/note').expect(200);
    await viewer('get', '/audit').expect(403);
    await test.request(await test.token(['viewer'], own.id), 'get', `/api/v1/tenants/${uuidV7()}/records/note`).expect(403);
    await test.request(await test.token(['system_admin']), 'get', `/api/v1/tenants/${own.id}/records/note`).expect(403);
    await test.request(await test.token(['admin'], own.id), 'get', '/api/v1/tenants').expect(403);
    expect(await added('access_denied_total', before)).toEqual({
      ...{ 'records.create': 1, 'audit.read': 1, 'records.read': 2, 'tenants.read': 1 },
    });
  });

  const SENT = 600;

  it('is one of 300 in a minute that the trail tells one by one; the rest of them is one event, and nothing is lost', async () => {
    const another = await test.another();
    const stubborn = await test.issuer.sign({ subject: 'stubborn', tenantId: own.id, roles: ['viewer'] });
    const deny = (token: string, path: string, method: string) =>
      fetch(`${another.url}/api/v1/tenants/${own.id}${path}`, { method, headers: bearer(token) });
    const statuses = new Set<number>();
    for (let sent = 0; sent < SENT; sent += 60) {
      const answers = await Promise.all(
        Array.from({ length: 60 }, (_, n) =>
          n % 2 ? deny(stubborn, '/audit', 'GET') : deny(stubborn, `/records/note/${uuidV7()}`, 'DELETE'),
        ),
      );
      for (const { status } of answers) statuses.add(status);
    }
    const quiet = await test.issuer.sign({ subject: 'quiet', tenantId: own.id, roles: ['viewer'] });
    await deny(quiet, '/audit', 'GET');
    expect(statuses).toEqual(new Set([403]));
    expect(Object.values(await counts('access_denied_total', another.url)).reduce((sum, count) => sum + count)).toBe(SENT + 1);
    await another.stop();

    expect(await written('quiet')).toHaveLength(1);
    const events = await written('stubborn');
    const single = events.filter(({ operation }) => operation !== undefined);
    const [together, ...more] = events.filter(({ denials }) => denials !== undefined);
    expect(more).toEqual([]);
    // A token comes back every 200 ms.
    expect(single.length).toBeGreaterThanOrEqual(300);
    expect(single.length).toBeLessThan(SENT);
    expect(single.length + (together?.denials ?? 0)).toBe(SENT);
    const { 'audit.read': reads = 0, 'records.delete': deletes = 0 } = together?.operations ?? {};
    expect([reads + deletes, Math.min(reads, deletes) > 0]).toEqual([together?.denials, true]);
    expect(Date.parse(together?.from as string)).toBeLessThanOrEqual(Date.parse(together?.to as string));
  });
});

interface Detail {
  readonly operation?: string;
  readonly denials?: number;
  readonly operations?: Readonly<Record<string, number>>;
  readonly from?: string;
  readonly to?: string;
}

/** As the superuser sees the trail. */
async function written(actor: string): Promise<Detail[]> {
  const { rows } = await test.database.admin(
    `select body from audit.events where tenant_id = $1 and actor = $2 and action = 'access.denied'`,
    [own.id, actor],
  );
  return rows.map(({ body }) => JSON.parse(body).detail);
}
