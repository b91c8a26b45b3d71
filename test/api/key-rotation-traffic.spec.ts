/** While keys are rotated, everybody writes, reads and looks for values over two instances: nothing fails, and nothing is ever missed. */

import { createLogger } from '../../src/platform/log.js';
import { readSettings } from '../../src/platform/settings.js';
import { type RunningService, startService } from '../../src/start.js';
import { cellsOf } from '../harness/cell-census.js';
import { type DeafProxy, startDeafProxy } from '../harness/deaf-proxy.js';
import { eventually } from '../harness/eventually.js';
import { finishedKeyJob, PERSON, personOf } from '../harness/key-jobs.js';
import { startSealedTraffic } from '../harness/sealed-traffic.js';
import { apiOf, startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { createSurroundings, type Surroundings } from '../harness/surroundings.js';

jest.setTimeout(300_000);

const PEOPLE = Number(process.env.BSS_ROTATED ?? 2_000);
const RATE = 200;

let around: Surroundings;
let test: TestService;
/** Another instance, which hears of no change while its proxy is deaf. */
let other: RunningService;
let proxy: DeafProxy;
let tenant: TestTenant;
let token: string;
let call: Awaited<ReturnType<TestTenant['as']>>;

beforeAll(async () => {
  around = await createSurroundings();
  test = await startTestService({}, around);
  proxy = await startDeafProxy(test.database.controlUrl);
  const settings = { ...around.environment, DATABASE_CONTROL_URL: proxy.through(test.database.controlUrl) };
  other = await startService(readSettings(settings), createLogger('silent'));
});

afterAll(async () => {
  await other?.stop();
  await proxy?.close();
  await test?.stop();
});

beforeEach(async () => {
  proxy.isDeaf = false;
  tenant = await test.tenant();
  token = await test.token(['admin'], tenant.id);
  call = await tenant.as();
  await tenant.define('person', PERSON);
});

const addresses = () => [test.service.url, other.url].map((url) => `${url}/api/v1/tenants/${tenant.id}/records/person`);
const onOther = (method: 'get' | 'post', path: string) =>
  apiOf(other.url, around.token).request(token, method, `/api/v1/tenants/${tenant.id}${path}`);

async function fill(): Promise<void> {
  for (let from = 0; from < PEOPLE; from += 2_000) {
    const people = Array.from({ length: Math.min(2_000, PEOPLE - from) }, (_, index) => personOf(from + index));
    await call('post', '/records/person').set('prefer', 'return=minimal').send(people).expect(201);
  }
}

describe.each([
  ['hear of it', false],
  ['one of which hears of nothing', true],
])('over two instances, which %s,', (_, isDeaf) => {
  it.each(['encrypt', 'index', 'provider'])('a rotation of the %s key is noticed by nobody', async (purpose) => {
    await fill();
    const traffic = startSealedTraffic({ ...{ addresses: addresses(), token, clients: 12, rate: RATE }, first: 1_000_000 });
    await eventually(() => traffic.answered() > RATE);
    proxy.isDeaf = isDeaf;
    const began = performance.now();
    const before = traffic.answered();
    const { body } = await call('post', '/keys/rotate').send({ purpose }).expect(202);
    const job = await finishedKeyJob(call, body.id);
    const seconds = (performance.now() - began) / 1_000;
    const rate = (traffic.answered() - before) / seconds;
    // What comes afterwards meets the new keys alone.
    const after = traffic.answered();
    await eventually(() => traffic.answered() > after + RATE);
    await traffic.stop();
    if (process.env.TEST_LOG)
      console.info(`${purpose}: ${job.cells.total} cells, ${seconds.toFixed(1)} s, ${rate.toFixed(0)} requests/s`);

    expect(traffic.surprises.slice(0, 5)).toEqual([]);
    expect(traffic.found()).toBeGreaterThan(RATE);
    const cells = await cellsOf(test.database, tenant.schemaName);
    expect(new Set(cells.map(({ version }) => version))).toEqual(new Set([purpose === 'encrypt' ? 2 : 1]));
    expect(new Set(cells.map(({ tags }) => tags))).toEqual(new Set(['--', purpose === 'index' ? '10' : '01']));
    const people = [...traffic.people.values()].map(({ number, ssn }) => ({ number, ssn }));
    for (let from = 0; from < people.length; from += 50) {
      const some = people.slice(from, from + 50);
      const query = `ssn=in.(${some.map(({ ssn }) => ssn).join(',')})&select=number,ssn&order=number`;
      const { body: found } = await call('get', `/records/person?${query}`).expect(200);
      expect(found).toEqual(some.sort((a, b) => a.number - b.number));
    }
  });
});

describe('an instance that has not heard that the index key was rotated', () => {
  const deafly = async (): Promise<void> => {
    await call('post', '/records/person').send(personOf(1)).expect(201);
    await onOther('get', `/records/person?ssn=eq.${personOf(1).ssn}`).expect(200);
    proxy.isDeaf = true;
    const { body } = await call('post', '/keys/rotate').send({ purpose: 'index' }).expect(202);
    await finishedKeyJob(call, body.id);
  };
  const numbersOf = async (by: typeof onOther, number: number) =>
    (await by('get', `/records/person?ssn=eq.${personOf(number).ssn}&select=number`).expect(200)).body;

  it('misses nothing, and nothing of it is missed', async () => {
    await deafly();
    expect(await numbersOf(onOther, 1)).toEqual([{ number: 1 }]);
    await onOther('post', '/records/person').send(personOf(2)).expect(201);
    expect(await numbersOf(call as typeof onOther, 2)).toEqual([{ number: 2 }]);
    await onOther('post', '/records/person')
      .send({ ...personOf(3), ssn: personOf(1).ssn })
      .expect(409);
  });

  it('does both where the database does not ask for the epoch: that is what holds it', async () => {
    const { rows } = await test.database.admin(`select pg_get_functiondef('bss.assert_keys(integer)'::regprocedure) as sql`);
    await test.database.admin(
      `create or replace function bss.assert_keys(wanted integer) returns void language sql begin atomic; end`,
    );
    try {
      await deafly();
      expect(await numbersOf(onOther, 1)).toEqual([]);
      await onOther('post', '/records/person').send(personOf(2)).expect(201);
      expect(await numbersOf(call as typeof onOther, 2)).toEqual([]);
      await onOther('post', '/records/person')
        .send({ ...personOf(3), ssn: personOf(1).ssn })
        .expect(201);
    } finally {
      await test.database.admin(rows[0].sql);
    }
  });
});
