/** The process that rotates keys is killed with -9 in every stage of it: the next one goes on there, and nothing is lost or left behind. */

import { type Cells, cellsOf } from '../harness/cell-census.js';
import { type ChildService, startChildService } from '../harness/child-service.js';
import { eventually } from '../harness/eventually.js';
import { PERSON, personOf } from '../harness/key-jobs.js';
import { apiOf, type TestTenant } from '../harness/service.js';
import { type Aim, type StatementKiller, startStatementKiller } from '../harness/statement-killer.js';
import { createSurroundings, type Surroundings } from '../harness/surroundings.js';

// Processes of their own take their time on a busy machine.
jest.setTimeout(600_000);

const PEOPLE = 2_400;

let around: Surroundings;
let killer: StatementKiller;
let child: ChildService;
let tenant: TestTenant;

beforeAll(async () => {
  around = await createSurroundings();
  killer = await startStatementKiller(around.database.runtimeUrl);
  child = await start();
  tenant = await apiOf(child.url, around.token).tenant();
  await tenant.define('person', PERSON);
  const call = await tenant.as();
  const people = Array.from({ length: PEOPLE }, (_, number) => personOf(number));
  await call('post', '/records/person').set('prefer', 'return=minimal').send(people).expect(201);
  // Something of everything is past.
  await call('patch', '/records/person?number=lt.600').set('prefer', 'return=minimal').send({ diagnosis: 'worse' }).expect(204);
});

afterAll(async () => {
  await child.stop();
  await killer.close();
  await around.stop();
});

function start(): Promise<ChildService> {
  killer.arm({ at: Number.POSITIVE_INFINITY, moment: 'before' });
  return startChildService({
    ...around.environment,
    DATABASE_URL: killer.through(around.database.runtimeUrl),
    DATABASE_CONTROL_URL: killer.through(around.database.controlUrl),
  });
}

const call = async (method: 'get' | 'post', path: string, body?: object) => {
  const token = await around.token(['admin'], tenant.id);
  const request = apiOf(child.url, around.token).request(token, method, `/api/v1/tenants/${tenant.id}${path}`);
  return body ? request.send(body) : request;
};

/** The n-th statement that says so. */
function nth(what: string, n: number): (sql: string) => boolean {
  let seen = 0;
  return (sql) => sql.includes(what) && ++seen === n;
}

interface Kill {
  readonly where: string;
  readonly at: Aim['at'];
  readonly moment: Aim['moment'];
}

/** As time does when nobody renews it; or as if somebody did. */
const lapse = (isHeld = false) =>
  around.database.admin(
    `update business_store_service.key_jobs
     set held_until = now() + ($1::integer * interval '1 h') - interval '1 s'
     where status = 'running'`,
    [isHeld ? 1 : 0],
  );

/** What the child is about to do, by a request or by itself, ends with its death. */
async function killed({ at, moment }: Kill, begin: () => Promise<unknown>): Promise<void> {
  killer.arm({ at, moment, onCut: () => child.signal('SIGKILL') });
  await begin();
  await eventually(() => killer.hasCut);
  expect(await child.ended).toMatchObject({ signal: 'SIGKILL' });
  await lapse(true);
  child = await start();
}

/** At any moment of it: everything reads, and is found by its value, once. */
async function expectWhole(): Promise<void> {
  for (let from = 0; from < PEOPLE; from += 1_000) {
    const { body } = await call('get', `/records/person?number=gte.${from}&limit=1000&order=number&select=number,ssn,salary`);
    const there = Array.from({ length: Math.min(1_000, PEOPLE - from) }, (_, index) => expected(from + index));
    expect(JSON.stringify(body)).toBe(JSON.stringify(there));
  }
  for (const number of [0, 599, 600, PEOPLE - 1]) {
    const { body } = await call('get', `/records/person?ssn=eq.${personOf(number).ssn}&select=number,ssn,salary`);
    expect(body).toEqual([expected(number)]);
    const { status } = await call('post', '/records/person', { ...personOf(PEOPLE), ssn: personOf(number).ssn });
    expect(status).toBe(409);
  }
}

const expected = (number: number) => {
  const { ssn, salary } = personOf(number);
  return { number, ssn, salary };
};

async function rotate(purpose: string, kills: readonly Kill[]): Promise<Cells[]> {
  const [first, ...others] = kills as [Kill, ...Kill[]];
  // Whoever asked is not always answered.
  await killed(first, () => call('post', '/keys/rotate', { purpose }).catch(noop));
  for (const kill of others) {
    await expectWhole();
    await killed(kill, () => lapse());
  }
  await lapse();
  await eventually(async () => (await call('get', '/keys/jobs')).body.items[0].status === 'done');
  await expectWhole();
  return cellsOf(around.database, tenant.schemaName);
}

const noop = (): void => {};

it('of values: each cell is under the new key in the end, and the right to change the past is nobody’s', async () => {
  const cells = await rotate('encrypt', [
    { where: 'before there is a new key', at: nth('insert into business_store_service.data_keys', 1), moment: 'before' },
    { where: 'with a new key that is not noted', at: nth('insert into business_store_service.data_keys', 1), moment: 'after' },
    { where: 'before anybody writes with it', at: nth('bss.lock_keys', 1), moment: 'before' },
    { where: 'behind the second batch, which is not noted', at: nth('with renewed as', 2), moment: 'after' },
    { where: 'with a right that is lent', at: nth('grant update (body)', 1), moment: 'after' },
    { where: 'before the old key is put away', at: nth('set retired_at', 1), moment: 'before' },
  ]);
  expect(new Set(cells.map(({ version }) => version))).toEqual(new Set([2]));
  const { rows } = await around.database.admin(
    `select attrelid::regclass
     from pg_attribute
     join pg_class as c on c.oid = attrelid
     where c.relnamespace = $1::regnamespace
       and attacl is not null`,
    [tenant.schemaName],
  );
  expect(rows).toEqual([]);
});

it('of search: each value has its new tag alone in the end', async () => {
  const cells = await rotate('index', [
    { where: 'when everybody is about to write both tags', at: nth('set epoch = epoch + 1', 1), moment: 'after' },
    { where: 'behind a batch that got both, and is not noted', at: nth('with renewed as', 1), moment: 'after' },
    { where: 'before everybody looks for the new ones', at: nth('bss.lock_keys', 1), moment: 'before' },
    { where: 'when they are about to', at: nth('set epoch = epoch + 1', 1), moment: 'after' },
    { where: 'before a batch loses the old ones', at: nth('with renewed as', 3), moment: 'before' },
    { where: 'when the old key is about to be put away', at: nth('set retired_at', 1), moment: 'after' },
  ]);
  expect(new Set(cells.map(({ tags }) => tags))).toEqual(new Set(['--', '10']));
});
