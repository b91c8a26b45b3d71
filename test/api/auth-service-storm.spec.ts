/** Tokens with made-up kids by the thousand, and an Auth Service that is slow or away: whoever has a good token notices nothing. */

import { Agent } from 'node:http';
import { createLogger } from '../../src/platform/log.js';
import { readSettings } from '../../src/platform/settings.js';
import { type RunningService, startService } from '../../src/start.js';
import { type AuthServer, startAuthServer } from '../harness/auth-server.js';
import { send } from '../harness/keep-alive-client.js';
import { compared, quantile, type Seen } from '../harness/latency.js';
import { apiOf } from '../harness/service.js';
import { createSurroundings, type Surroundings } from '../harness/surroundings.js';

const STORM = Number(process.env.STORM_TOKENS ?? 2_000);
const READS = 300;

jest.setTimeout(60_000);

let around: Surroundings;
let auth: AuthServer;
let service: RunningService;
let tenantId: string;
let numbers = 0;

beforeAll(async () => {
  [around, auth] = await Promise.all([createSurroundings(), startAuthServer()]);
  const limits = { RATE_LIMIT_PER_SECOND: '0', AUTH_FAILURES_PER_MINUTE: '0' };
  const settings = readSettings({ ...around.environment, ...auth.settings, ...limits });
  service = await startService(settings, createLogger('silent'));
  const system = async () => auth.forge.token({ tenant_id: undefined, roles: ['system_admin'] });
  tenantId = (await apiOf(service.url, system).tenant()).id;
});

afterEach(() => {
  auth.behave('well');
  jest.restoreAllMocks();
});

afterAll(async () => {
  await service.stop();
  await auth.stop();
  await around.stop();
});

/** None of them was seen before. */
const good = () => auth.forge.token({ tenant_id: tenantId, jti: numbers++ });
const madeUp = () => auth.forge.token({ tenant_id: tenantId }, { kid: `made-up-${numbers++}` });
const session = () => `${service.url}/api/v1/session`;

async function read(times: number): Promise<Seen> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const seen = { times: [] as number[], failures: [] as string[] };
  for (let n = 0; n < times; n++) {
    const token = good();
    const start = performance.now();
    const { status, body } = await send(agent, session(), { method: 'GET', token });
    seen.times.push(performance.now() - start);
    if (status !== 200) seen.failures.push(`${status} ${body}`);
  }
  agent.destroy();
  return seen;
}

/** @returns the statuses there were */
async function storm(tokens: number): Promise<Set<number>> {
  const agent = new Agent({ keepAlive: true, maxSockets: 20 });
  const statuses = new Set<number>();
  let left = tokens;
  const client = async (): Promise<void> => {
    for (; left > 0; left--) statuses.add((await send(agent, session(), { method: 'GET', token: madeUp() })).status);
  };
  await Promise.all(Array.from({ length: 20 }, client));
  agent.destroy();
  return statuses;
}

/** Both clocks of the keys' ages and pauses go on; timeouts stay as they are. */
function later(milliseconds: number): void {
  jest.restoreAllMocks();
  passed += milliseconds;
  const elapsed = performance.now.bind(performance);
  jest.spyOn(performance, 'now').mockImplementation(() => elapsed() + passed);
}
let passed = 0;

describe('a storm of tokens with made-up kids', () => {
  it('is refused with 401, and makes the service ask for the keys once', async () => {
    await read(1);
    later(31_000);
    auth.asked(null);
    expect(await storm(STORM)).toEqual(new Set([401]));
    expect(auth.asked(null)).toBe(1);
  });

  it('makes it ask once while the Auth Service is away, and good tokens are good', async () => {
    later(31_000);
    auth.behave('down');
    auth.asked(null);
    const [statuses, seen] = await Promise.all([storm(STORM / 4), read(20)]);
    expect([statuses, seen.failures]).toEqual([new Set([401]), []]);
    expect(auth.asked(null)).toBeLessThanOrEqual(1);
  });
});

describe('an Auth Service that takes 10 s to answer', () => {
  it('costs good tokens no time, whether the keys are due or somebody misses one', async () => {
    later(31_000);
    await read(READS);
    const before = await read(READS);
    auth.behave('slow');
    auth.asked(null);
    // The keys are fetched anew behind the requests, and somebody waits for a kid that does not come.
    later(61_000);
    const waiting = storm(20);
    const during = await read(READS);
    const statuses = await waiting;
    // Much later, when its last answer was none: nobody waits for the next one either.
    later(130_000);
    const after = await read(READS);
    expect(auth.asked('/jwks')).toBeGreaterThanOrEqual(2);

    process.stdout.write(`beside keys that take 10 s: ${compared(before, during)}, later: ${compared(before, after)}\n`);
    expect([before.failures, during.failures, after.failures, [...statuses]]).toEqual([[], [], [], [401]]);
    const usual = quantile(before.times, 0.99);
    // Twice, or what a busy machine takes now and then; whoever waited for the keys would wait for 3 s.
    for (const { times } of [during, after]) expect(quantile(times, 0.99)).toBeLessThan(Math.max(2 * usual, 500));
    expect(Math.max(...during.times, ...after.times)).toBeLessThan(2_500);
  });

  it('that is away for hours leaves the keys as they are known', async () => {
    auth.behave('down');
    for (const hours of [1, 10, 10]) {
      later(hours * 3_600_000);
      expect((await read(5)).failures).toEqual([]);
    }
  });
});
