/** Queries that would cost more than one request may: refused before a statement exists, or ended by the time limit of statements. */

import { postgrestError } from '../../src/platform/postgrest-error.js';
import { Problem } from '../../src/platform/problem.js';
import { compared, quantile, readOften } from '../harness/latency.js';
import { refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let tenant: TestTenant;
let other: TestTenant;
let call: Awaited<ReturnType<TestTenant['as']>>;

const CAR = {
  type: 'object',
  properties: { number: { type: 'integer' }, name: { type: 'string' }, twin: { type: 'string' }, data: {} },
};
const ROWS = 60_000;
const STATEMENT_TIMEOUT_MS = 1_000;

beforeAll(async () => {
  test = await startTestService({ DATABASE_POOL_SIZE: '10', STATEMENT_TIMEOUT_MS: String(STATEMENT_TIMEOUT_MS) });
  [tenant, other] = [await test.tenant(), await test.tenant()];
  call = await tenant.as('viewer');
  for (const each of [tenant, other]) {
    await each.define('car', CAR);
    await (await each.as())('post', '/records/car').send([{ number: 1, name: 'Ada', twin: 'b' }]);
  }
  await test.database.admin(
    `insert into "${tenant.schemaName}".car (tenant_id, id, number, name, twin, created_at, updated_at, created_by, updated_by, revision)
     select tenant_id, gen_random_uuid(), n, repeat('ab', 150) || n, repeat('a', 40) || n, now(), now(), 'x', 'x', 1
     from "${tenant.schemaName}".car, generate_series(2, ${ROWS}) as n`,
  );
});

afterAll(() => test.stop());

const many = (count: number, text: string) => Array.from({ length: count }, () => text).join(',');

/** Longer than Node takes a request line and headers: 16 KB. */
it.each([
  ['ten thousand terms', `or=(${many(10_000, 'number.eq.1')})`],
  ['a hundred thousand values', `number=in.(${many(100_000, '1')})`],
])('refuses %s before they are read', async (_, query) => {
  expect(refusal(await call('get', `/records/car?${query}`))).toBe('431 request/headers-too-large');
});

describe.each([
  ['terms', `or=(${many(101, 'number.eq.1')})`, '100 filter terms'],
  ['values of a list', `number=in.(${many(1_001, '1')})`, '1000 values'],
  ['levels of groups', `or=${'(and'.repeat(100)}(number.eq.1)${')'.repeat(100)}`, '10 deep'],
  ['terms of a sort', `order=${many(17, 'number')}`, '16 terms'],
  ['terms of a selection', `select=${many(201, 'number')}`, '200 terms'],
  ['steps of a path', `select=x:data${'->a'.repeat(21)}`, '20 steps'],
  ['rows to skip', 'offset=1000001', '1000000'],
])('too many %s', (_, query, detail) => {
  it('is refused under a name of its own, on both surfaces', async () => {
    const api = await call('get', `/records/car?${query}`);
    expect([refusal(api), api.body.detail]).toEqual(['400 request/too-complex', expect.stringContaining(detail)]);
    const rest = await test.request(await test.token(['viewer'], tenant.id), 'get', `/rest/v1/car?${query}`);
    expect([rest.status, rest.body]).toEqual([400, postgrestError(new Problem('request/too-complex', api.body.detail))]);
    expect(rest.body.code).toBe('PGRST100');
  });
});

// Whether one of them makes it in time is for the machine to say; that it ends, and that others do not notice, is ours.
const DEAR = [
  `name=like.*${'a*b*'.repeat(60)}c`,
  `name=ilike.*${'a*b*'.repeat(60)}c`,
  `name=match.${encodeURIComponent('^(((a|b)*)*)*c$')}`,
  `name=match.${encodeURIComponent('(.*)(.*)(.*)(.*)(.*)x\\1\\2\\3\\4\\5')}`,
  `twin=match.${encodeURIComponent('^(a+)+\\1+\\1+b$')}`,
  `name=imatch.${encodeURIComponent('(a|b|ab)*?(ba|a|b){1,50}?c')}`,
  `order=name.desc,twin.desc,number.desc&limit=1000&offset=50000`,
];

it('50 of the dearest at once end in time, and others read on', async () => {
  const list = `${test.service.url}/api/v1/tenants/${other.id}/records/car`;
  const token = await test.token(['viewer'], other.id);
  await readOften(list, token, 200);
  const before = await readOften(list, token, 200);
  const answers = Promise.all(Array.from({ length: 50 }, (_, n) => call('get', `/records/car?${DEAR[n % DEAR.length]}`)));
  const during = await readOften(list, token, 200);
  const outcomes = (await answers).map((answer) => (answer.status < 400 ? String(answer.status) : refusal(answer)));
  process.stdout.write(`another tenant beside 50 dear queries: ${compared(before, during)}\n`);
  expect(
    outcomes.filter((outcome) => !['200', '503 database/timeout', '429 request/too-many-waiting'].includes(outcome)),
  ).toEqual([]);
  expect(outcomes).toContain('503 database/timeout');
  expect(during.failures).toEqual([]);
  // The dear ones have the processors, but not the whole pool: nobody waits for one of them to end.
  expect(quantile(during.times, 0.9)).toBeLessThan(STATEMENT_TIMEOUT_MS / 2);
});
