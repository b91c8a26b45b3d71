/** One tenant's flood of slow statements against the others: its own bound comes before that of the pool. */

import { Agent } from 'node:http';
import { eventually } from '../harness/eventually.js';
import { send } from '../harness/keep-alive-client.js';
import { compared, quantile, readOften } from '../harness/latency.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { lockTable } from '../harness/table-lock.js';

const FLOOD = 500;
const READS = 300;
const STATEMENT_TIMEOUT_MS = 4_000;

let test: TestService;
let noisy: TestTenant;
let quiet: TestTenant;

const NOTE = { type: 'object', properties: { title: { type: 'string' } } };
const MAY_HOLD = 8;

beforeAll(async () => {
  test = await startTestService({
    DATABASE_POOL_SIZE: '10',
    STATEMENT_TIMEOUT_MS: String(STATEMENT_TIMEOUT_MS),
    TENANT_QUEUE: '400',
  });
  [noisy, quiet] = [await test.tenant(), await test.tenant()];
  for (const tenant of [noisy, quiet]) {
    await tenant.define('note', NOTE);
    await (await tenant.as())('post', '/records/note').send([{ title: 'a' }, { title: 'b' }]);
  }
});

afterAll(() => test.stop());

const listOf = ({ id }: TestTenant) => `${test.service.url}/api/v1/tenants/${id}/records/note`;
const load = () => test.service.pool.load;

interface Flood {
  /** So far, as `status type`. */
  readonly answers: string[];
  readonly ended: Promise<unknown>;
}

/** Sends that many reads at once. */
async function flood(count: number): Promise<Flood> {
  const token = await test.token(['viewer'], noisy.id);
  const agent = new Agent({ keepAlive: false, maxSockets: count });
  const answers: string[] = [];
  const one = async (): Promise<void> => {
    const { status, body } = await send(agent, listOf(noisy), { method: 'GET', token });
    answers.push(status === 200 ? '200' : `${status} ${JSON.parse(body).type}`);
  };
  return { answers, ended: Promise.all(Array.from({ length: count }, one)) };
}

it('500 slow reads of one tenant at once leave the others nearly as quick as before, without an error', async () => {
  const token = await test.token(['viewer'], quiet.id);
  await readOften(listOf(quiet), token, READS);
  const before = await readOften(listOf(quiet), token, READS);
  const unlock = await lockTable(test.database, noisy.schemaName, 'note');
  let most = 0;
  const { answers, ended } = await flood(FLOOD);
  // Until then the processor is busy with taking them in, whoever they come from.
  await eventually(() => load().waiting === 400 && answers.length === FLOOD - 400 - MAY_HOLD);
  const during = await readOften(listOf(quiet), token, READS);
  for (let n = 0; n < 50; n++) {
    most = Math.max(most, load().total - load().idle);
    await readOften(listOf(quiet), token, 1);
  }
  await ended;
  await unlock();
  const after = await readOften(listOf(quiet), token, READS);

  process.stdout.write(`quiet tenant beside ${FLOOD} slow reads: ${compared(before, during)}\n`);
  expect([before.failures, during.failures, after.failures]).toEqual([[], [], []]);
  // Twice and more would be the machine's. Without room in the pool every read could meet one where all connections wait.
  expect(quantile(during.times, 0.99)).toBeLessThan(STATEMENT_TIMEOUT_MS / 2);
  const usual = Math.max(quantile(before.times, 0.5), quantile(after.times, 0.5));
  expect(quantile(during.times, 0.5)).toBeLessThan(3 * usual);
  expect(most).toBeLessThanOrEqual(MAY_HOLD + 1);
  // Its own statements run into their limit, and what waits for them is told to come back; nothing else.
  expect([...new Set(answers)].sort()).toEqual([
    '429 urn:bss:problem:request/too-many-waiting',
    '503 urn:bss:problem:database/timeout',
  ]);
});

it('what is refused says when to come back, on both surfaces, and nothing waits any more', async () => {
  const unlock = await lockTable(test.database, noisy.schemaName, 'note');
  const { answers, ended } = await flood(MAY_HOLD + 400);
  await eventually(() => load().waiting === 400);
  const viewer = await noisy.as('viewer');
  const api = await viewer('get', '/records/note');
  const rest = await test.request(await test.token(['viewer'], noisy.id), 'get', '/rest/v1/note');
  expect([api.status, api.headers['retry-after'], api.body.type]).toEqual([429, '2', 'urn:bss:problem:request/too-many-waiting']);
  expect([rest.status, rest.headers['retry-after'], rest.body]).toEqual([
    429,
    '2',
    { code: 'PGRST003', message: expect.stringContaining('Too many requests'), details: null, hint: null },
  ]);
  await unlock();
  await ended;
  expect(new Set(answers)).toEqual(new Set(['200']));
  expect([load().waiting, load().total - load().idle]).toEqual([0, 0]);
  expect((await viewer('get', '/records/note')).status).toBe(200);
});

it('readiness does not depend on what one tenant does', async () => {
  const unlock = await lockTable(test.database, noisy.schemaName, 'note');
  const { ended } = await flood(50);
  await eventually(() => load().waiting === 50 - MAY_HOLD);
  expect((await test.request(null, 'get', '/readyz')).status).toBe(200);
  await unlock();
  await ended;
});

it('large inserts of one tenant leave a turn to the others', async () => {
  const unlock = await lockTable(test.database, noisy.schemaName, 'note');
  const many = Array.from({ length: 100 }, (_, n) => ({ title: `number ${n}` }));
  const [theirs, ours] = [await noisy.as(), await quiet.as()];
  let answered = 0;
  const stuck = Array.from({ length: 8 }, async () => {
    const { status, body } = await theirs('post', '/records/note').send(many);
    answered += 1;
    return `${status} ${body.type ?? ''}`;
  });
  await eventually(() => load().total - load().idle >= 3);
  expect((await ours('post', '/records/note').send(many)).status).toBe(201);
  expect(answered).toBe(0);
  await unlock();
  expect(new Set(await Promise.all(stuck))).toEqual(new Set(['201 ']));
});
