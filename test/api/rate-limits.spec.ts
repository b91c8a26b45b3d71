/** How often one tenant may ask, and how often one address may guess. */

import { Agent, type IncomingMessage, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '../harness/eventually.js';
import { problemType } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

const BURST = 20;
const GUESSES = 5;

let test: TestService;
let behindProxy: TestService;

interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

interface Asking {
  readonly token?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

const agent = new Agent({ keepAlive: true });

beforeAll(async () => {
  const limits = {
    RATE_LIMIT_PER_SECOND: '1',
    RATE_LIMIT_BURST_SECONDS: String(BURST),
    AUTH_FAILURES_PER_MINUTE: String(GUESSES),
  };
  test = await startTestService(limits);
  behindProxy = await startTestService({ ...limits, TRUSTED_PROXIES: '127.0.0.1, ::1' });
});

afterAll(async () => {
  agent.destroy();
  await behindProxy.stop();
  await test.stop();
});

function ask(service: Pick<TestService, 'service'>, path: string, { token, method, headers, body }: Asking = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const options = { method, agent, headers: { ...authorization, ...type, ...headers } };
    const sent = request(service.service.url + path, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString() }),
      );
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Asks until it is refused with 429; gives all answers, the refusal last. */
async function untilRefused(once: () => Promise<Reply>): Promise<Reply[]> {
  const answers: Reply[] = [];
  do answers.push(await once());
  while (answers.at(-1)?.status !== 429 && answers.length < 1_000);
  return answers;
}

const codeOf = ({ headers, text }: Reply) => problemType(String(headers['content-type']), text);

describe('a tenant', () => {
  let tenant: TestTenant;
  let token: string;
  const entities = (more: Asking = {}) => ask(test, `/api/v1/tenants/${tenant.id}/entities`, { token, ...more });

  beforeEach(async () => {
    tenant = await test.tenant();
    token = await test.token(['admin'], tenant.id);
  });

  it('is told what it may send, and refused beyond, until the time it is told', async () => {
    const answers = await untilRefused(entities);
    const refused = answers.pop()!;
    expect(answers.length).toBeGreaterThanOrEqual(BURST);
    expect([refused.status, codeOf(refused)]).toEqual([429, 'request/rate-limited']);
    expect(refused.headers['retry-after']).toBe('1');
    for (const { headers } of [...answers, refused]) {
      expect(headers['ratelimit-policy']).toBe(`"default";q=${BURST};w=${BURST}`);
      expect(headers.ratelimit).toMatch(/^"default";r=\d+;t=\d+$/);
    }
    expect(answers[0]?.headers.ratelimit).toBe(`"default";r=${BURST - 1};t=1`);
    expect(refused.headers.ratelimit).toBe(`"default";r=0;t=${BURST}`);
    await eventually(async () => (await entities()).status === 200);
  });

  it('shares its limit between its tokens and surfaces, and with no other tenant', async () => {
    await untilRefused(entities);
    const viewer = await test.token(['viewer'], tenant.id);
    const rest = await untilRefused(() => ask(test, '/rest/v1/nothing', { token: viewer }));
    expect(rest.length).toBeLessThan(BURST);
    const { status, headers, text } = rest.at(-1)!;
    expect([status, headers['retry-after'], headers['ratelimit-policy']]).toEqual([429, '1', `"default";q=${BURST};w=${BURST}`]);
    expect(JSON.parse(text)).toEqual({
      code: 'request/rate-limited',
      message: 'The tenant sends more requests than it may. Send them more slowly.',
      details: null,
      hint: null,
    });
    const other = await test.tenant();
    const theirs = await ask(test, `/api/v1/tenants/${other.id}/entities`, { token: await test.token(['viewer'], other.id) });
    expect([theirs.status, theirs.headers.ratelimit]).toEqual([200, `"default";r=${BURST - 1};t=1`]);
  });

  it('is charged for what it may not do, and refused before its body is read', async () => {
    const viewer = await test.token(['viewer'], tenant.id);
    const put = () =>
      ask(test, `/api/v1/tenants/${tenant.id}/entities/note`, { token: viewer, method: 'PUT', body: '{ not JSON' });
    const answers = await untilRefused(put);
    expect(answers.length).toBeGreaterThan(BURST);
    expect(codeOf(answers[0]!)).toBe('request/malformed-json');
    expect(codeOf(answers.at(-1)!)).toBe('request/rate-limited');
  });

  it('is one limit; system administrators and the public have none', async () => {
    const system = await test.token(['system_admin']);
    for (const asking of [{ token: system }, {}]) {
      for (let n = 0; n < 3 * BURST; n++) {
        const { status, headers } = await ask(test, asking.token ? '/api/v1/tenants?limit=1' : '/healthz', asking);
        expect([status, headers.ratelimit, headers['ratelimit-policy']]).toEqual([200, undefined, undefined]);
      }
    }
  });
});

describe('a quota of the day', () => {
  const QUOTA = 400;
  const DAY = { RATE_LIMIT_PER_SECOND: '1000', RATE_LIMIT_BURST_SECONDS: '5', REQUESTS_PER_DAY: String(QUOTA) };
  const POLICY = `"default";q=5000;w=5, "day";q=${QUOTA};w=86400`;

  let daily: TestService;

  beforeAll(async () => {
    daily = await startTestService(DAY);
  });

  afterAll(() => daily.stop());

  const askFor = (service: Pick<TestService, 'service'>, tenant: TestTenant, token: string) =>
    ask(service, `/api/v1/tenants/${tenant.id}/entities`, { token });

  const leftOf = ({ headers }: Reply): number => Number(/"day";r=(\d+);t=\d+$/.exec(String(headers.ratelimit))?.[1]);

  it('refuses what is beyond it until midnight, and the tenant alone', async () => {
    const tenant = await daily.tenant();
    const token = await daily.token(['admin'], tenant.id);
    const answers = await untilRefused(() => askFor(daily, tenant, token));
    const refused = answers.pop()!;
    expect(answers).toHaveLength(QUOTA);
    expect(answers.map(leftOf)).toEqual(Array.from({ length: QUOTA }, (_, n) => QUOTA - 1 - n));
    expect(codeOf(refused)).toBe('request/quota-exceeded');
    for (const { headers } of [answers[0]!, refused]) {
      expect(headers['ratelimit-policy']).toBe(POLICY);
      expect(headers.ratelimit).toMatch(/^"default";r=\d+;t=\d+, "day";r=\d+;t=\d+$/);
    }
    const until = Number(refused.headers['retry-after']);
    expect([until > 0, until <= 86_400, String(refused.headers.ratelimit).endsWith(`"day";r=0;t=${until}`)]).toEqual([
      true,
      true,
      true,
    ]);
    const rest = await ask(daily, '/rest/v1/nothing', { token });
    expect([rest.status, JSON.parse(rest.text).code]).toEqual([429, 'request/quota-exceeded']);
    const other = await daily.tenant();
    const theirs = await askFor(daily, other, await daily.token(['viewer'], other.id));
    expect([theirs.status, leftOf(theirs)]).toEqual([200, QUOTA - 1]);
  });

  it('is one for all instances, and for those that come after', async () => {
    const tenant = await daily.tenant();
    const token = await daily.token(['admin'], tenant.id);
    const another = { service: await daily.another() };
    try {
      for (let n = 0; n < 100; n++) await askFor(daily, tenant, token);
      let own = 0;
      await eventually(async () => {
        await pause(100);
        own += 1;
        return leftOf(await askFor(another, tenant, token)) === QUOTA - 100 - own;
      });
      const left = leftOf(await askFor(another, tenant, token));
      await another.service.stop();
      another.service = await daily.another();
      expect(leftOf(await askFor(another, tenant, token))).toBe(left - 1);
    } finally {
      await another.service.stop();
    }
  });

  it('of which nothing is said where there is none', async () => {
    const tenant = await test.tenant();
    const { headers } = await ask(test, `/api/v1/tenants/${tenant.id}/entities`, {
      token: await test.token(['admin'], tenant.id),
    });
    expect(`${headers['ratelimit-policy']} ${headers.ratelimit}`).not.toContain('day');
  });
});

describe('a stranger', () => {
  const guess = (service: TestService, from: string, more: Asking = {}) =>
    ask(service, '/api/v1/session', {
      token: `eyJhbGciOiJFUzI1NiJ9.e30.${'A'.repeat(86)}`,
      headers: { 'x-forwarded-for': from },
      ...more,
    });

  it('who guesses tokens learns no more after a few, and nobody else is kept out', async () => {
    const headers = { 'x-forwarded-for': '192.0.2.1' };
    const system = await behindProxy.token(['system_admin']);
    const answers = await untilRefused(() => guess(behindProxy, '192.0.2.1'));
    const refused = answers.pop()!;
    expect(answers.length).toBeGreaterThanOrEqual(GUESSES);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    expect(codeOf(refused)).toBe('request/rate-limited');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    // With a body and on the other surface: the same.
    const written = await ask(behindProxy, '/api/v1/tenants', { token: 'a.b.c', headers, method: 'POST', body: '{}' });
    expect([written.status, codeOf(written)]).toEqual([429, 'request/rate-limited']);
    const rest = await ask(behindProxy, '/rest/v1/note', { token: 'a.b.c', headers });
    expect([rest.status, JSON.parse(rest.text).code]).toEqual([429, 'request/rate-limited']);
    expect((await guess(behindProxy, '192.0.2.2')).status).toBe(401);
    // Whoever shares the address with the stranger.
    const expired = await behindProxy.issuer.sign({ subject: 'late', roles: ['system_admin'], expiresInSeconds: -3_600 });
    expect((await ask(behindProxy, '/api/v1/session', { token: system, headers })).status).toBe(200);
    expect((await ask(behindProxy, '/api/v1/session', { token: expired, headers })).status).toBe(401);
    expect((await ask(behindProxy, '/api/v1/session', { headers })).status).toBe(401);
  });

  it('cannot choose an address', async () => {
    await untilRefused(() => guess(test, '192.0.2.1'));
    expect((await guess(test, '192.0.2.2')).status).toBe(429);
    // What the client itself put before the proxy's word counts for nothing, and of an IPv6 network it has all addresses.
    await untilRefused(() => guess(behindProxy, '192.0.2.5'));
    expect((await guess(behindProxy, '192.0.2.6, 192.0.2.5')).status).toBe(429);
    await untilRefused(() => guess(behindProxy, '2001:db8:1:2::1'));
    expect((await guess(behindProxy, '2001:db8:1:2:3:4:5:6')).status).toBe(429);
    expect((await guess(behindProxy, '2001:db8:1:3::1')).status).toBe(401);
  });
});
