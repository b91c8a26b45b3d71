/** Large tables whose properties are encrypted and decrypted while everybody reads and writes, heard of it or not. */

import { setTimeout as pause } from 'node:timers/promises';
import supertest from 'supertest';
import { createLogger } from '../../src/platform/log.js';
import { readSettings } from '../../src/platform/settings.js';
import { type RunningService, startService } from '../../src/start.js';
import { withClient } from '../harness/database.js';
import { type DeafProxy, startDeafProxy } from '../harness/deaf-proxy.js';
import { type Call, document, driftOf, planOf } from '../harness/definitions.js';
import { eventually } from '../harness/eventually.js';
import { type Content, startHammer } from '../harness/hammer.js';
import { type Method, startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { createSurroundings, type Surroundings } from '../harness/surroundings.js';

// Ten thousand records take their time on a busy machine.
jest.setTimeout(180_000);

/** More than SMALL_TABLE_ROWS. */
const MANY = 10_500;

const STRING = { type: 'string' };
const SSN = { ...STRING, unique: true };
const PLAIN = document({ ssn: SSN, note: { type: ['string', 'null'] }, n: { type: 'integer' } });
const SEALED = document({
  ssn: { ...SSN, encrypted: { searchable: 'equality' } },
  note: { type: ['string', 'null'], encrypted: true },
  n: { type: 'integer' },
});

let around: Surroundings;
let test: TestService;
let second: RunningService;
let tenant: TestTenant;
let token: string;
let here: Call;
const holding: (() => Promise<void>)[] = [];

beforeAll(async () => {
  around = await createSurroundings();
  test = await startTestService({}, around);
  second = await test.another();
  tenant = await test.tenant();
  token = await test.token(['admin'], tenant.id);
  here = await tenant.as();
});

afterEach(() => Promise.all(holding.splice(0).map((end) => end())));

afterAll(async () => {
  await second?.stop();
  await test?.stop();
});

function callOn({ url }: RunningService): Call {
  return (method: Method, path: string) =>
    supertest(url)[method](`/api/v1/tenants/${tenant.id}${path}`).set('authorization', `Bearer ${token}`);
}

const person = (n: number) => ({ ssn: `ssn-${n}`, ...(n % 3 ? { note: n % 3 === 1 ? `note ${n}` : null } : {}), n });

async function fill(name: string): Promise<Map<string, Content>> {
  const stored = new Map<string, Content>();
  for (let n = 0; n < MANY; n += 5_250) {
    const records = Array.from({ length: 5_250 }, (_, i) => person(n + i));
    const { body } = await here('post', `/records/${name}`).send(records).expect(201);
    for (const [i, { id }] of body.entries()) stored.set(id, records[i] as Content);
  }
  return stored;
}

async function apply(name: string, wanted: object) {
  const { hash } = await planOf(here, name, wanted);
  return here('post', `/entities/${name}/apply`)
    .set('prefer', 'wait=0')
    .send({ document: wanted, hash, allow: ['destructive', 'blocking'] });
}

async function over(name: string) {
  for (const deadline = Date.now() + 90_000; ; await pause(50)) {
    const [change] = (await here('get', `/entities/${name}/changes`).expect(200)).body.items;
    if (change && !['running', 'aborting'].includes(change.status)) return change;
    if (Date.now() > deadline) throw new Error(`not over: ${JSON.stringify(change)}`);
  }
}

const isPrepared = async (name: string): Promise<boolean> => {
  const { rows } = await test.database.admin(
    'select from business_store_service.tenant_schemas where tenant_id = $1 and name = $2 and transition is not null',
    [tenant.id, name],
  );
  return rows.length > 0;
};

async function everything(name: string): Promise<Map<string, Content>> {
  const found = new Map<string, Content>();
  for (let offset = 0; ; offset += 1_000) {
    const { body } = await here('get', `/records/${name}?order=id&limit=1000&offset=${offset}`).expect(200);
    for (const record of body) found.set(record.id, record);
    if (body.length < 1_000) return found;
  }
}

/** Nothing of what was prepared is left, and the catalog is what the registry says. */
async function expectClean(name: string): Promise<void> {
  expect(await driftOf(here, name)).toEqual([]);
  const { rows } = await test.database.admin(
    `select relname as name from pg_class where relname like '%~new' and relnamespace = $1::regnamespace
     union all select conname from pg_constraint where conname like '%~new' and connamespace = $1::regnamespace
     union all select attname from pg_attribute join pg_class on pg_class.oid = attrelid
       where attname like '%~new' and relnamespace = $1::regnamespace and relkind = 'r'`,
    [tenant.schemaName],
  );
  expect(rows).toEqual([]);
}

/** A transaction with an old snapshot: an index that is built beside it is not done before its end. */
async function holdSnapshot(): Promise<() => Promise<void>> {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let done: Promise<void> | undefined;
  await new Promise<void>((begun, failed) => {
    done = withClient(test.database.adminUrl, async (client) => {
      await client.query('begin isolation level repeatable read');
      await client.query('select from pg_class limit 1');
      begun();
      await held;
      await client.query('commit');
    });
    done.catch(failed);
  });
  const end = async (): Promise<void> => {
    release();
    await done;
  };
  holding.push(end);
  return end;
}

const storedRows = async (name: string, where = 'true') =>
  (await test.database.admin(`select * from "${tenant.schemaName}"."${name}" where ${where} order by id`)).rows;

/** A PATCH takes a null for the wish to have nothing there. */
const plainOf = ({ ssn, note, n }: Content): string => JSON.stringify([ssn ?? null, note ?? null, n]);

describe('a large table', () => {
  let stored: Map<string, Content>;

  beforeAll(async () => {
    await tenant.define('person', PLAIN);
    stored = await fill('person');
  });

  const cases: [string, object, number][] = [
    ['is encrypted', SEALED, 1],
    ['and decrypted', PLAIN, 2],
  ];
  it.each(cases)('%s while clients write and read over two instances, and not one value is lost', async (_, wanted, turn) => {
    const running = startHammer({
      addresses: [test.service.url, second.url].map((url) => `${url}/api/v1/tenants/${tenant.id}/records/person`),
      ...{ token, clients: 6, first: turn * 1_000_000, pause: 5, typeFaults: [] },
      kinds: () => [{ weight: 1, refusals: [], content: person }],
      same: (one, other) => plainOf(one) === plainOf(other),
    });
    await eventually(() => (running.answers.get('POST 201') ?? 0) > 20);
    expect([200, 202]).toContain((await apply('person', wanted)).status);
    expect(await over('person')).toMatchObject({ status: 'done', percent: 100, error: null });
    await pause(500);
    await running.stop();
    expect(running.surprises.slice(0, 5)).toEqual([]);
    await expectClean('person');
    for (const [id, content] of running.log) {
      if (content) stored.set(id, content);
      else stored.delete(id);
    }
    const found = await everything('person');
    expect(found.size).toBe(stored.size);
    const differing = [...stored].filter(([id, content]) => plainOf(content) !== plainOf(found.get(id) ?? {}));
    expect(differing.slice(0, 3).map(([id, content]) => [content, found.get(id)])).toEqual([]);
    const isPlain = turn === 2;
    const rows = JSON.stringify(await storedRows('person'));
    expect([rows.includes('ssn-'), rows.includes('note ')]).toEqual([isPlain, isPlain]);
  });
});

describe('an encryption that is called off', () => {
  it('takes away what it has prepared, and the values are what they were', async () => {
    await tenant.define('off', PLAIN);
    const { id } = (await here('post', '/records/off').send({ ssn: 'a', note: 'b' }).expect(201)).body;
    const release = await holdSnapshot();
    const applied = apply('off', SEALED).then((answer) => answer);
    await eventually(async () => (await isPrepared('off')) && (await storedRows('off'))[0]?.['ssn~sealed~new']);
    const [change] = (await here('get', '/entities/off/changes').expect(200)).body.items;
    await here('post', `/entities/off/changes/${change.id}/abort`).expect(202);
    expect(await over('off')).toMatchObject({ status: 'aborted' });
    await release();
    await applied;
    await expectClean('off');
    expect((await storedRows('off')).map(({ ssn, note }) => [ssn, note])).toEqual([['a', 'b']]);
    await here('patch', `/records/off/${id}`).send({ ssn: 'c' }).expect(200);
  });
});

describe('an instance that has not heard of it', () => {
  let proxy: DeafProxy;
  let other: RunningService;
  let deaf: Call;

  beforeAll(async () => {
    proxy = await startDeafProxy(test.database.controlUrl);
    const settings = { ...around.environment, DATABASE_CONTROL_URL: proxy.through(test.database.controlUrl) };
    other = await startService(readSettings(settings), createLogger('silent'));
    deaf = callOn(other);
  });

  afterAll(async () => {
    await other.stop();
    await proxy.close();
  });

  afterEach(() => {
    proxy.isDeaf = false;
  });

  /** It knows the entity as it is now, and will not be told what becomes of it. */
  async function deafen(name: string): Promise<void> {
    proxy.isDeaf = true;
    // What it has heard already it looks up.
    await pause(200);
    other.directory.forget(tenant.id);
    await deaf('get', `/records/${name}?limit=1`).expect(200);
  }

  it.each<[string, (id: string) => supertest.Test]>([
    ['changes it', (id) => deaf('patch', `/records/during/${id}`).send({ ssn: 'after' })],
    ['changes something else of the record', (id) => deaf('patch', `/records/during/${id}`).send({ n: -1 })],
    ['replaces it', (id) => deaf('put', `/records/during/${id}`).send({ ssn: 'after', n: 0 })],
    ['empties it', (id) => deaf('put', `/records/during/${id}`).send({ n: 0 })],
    ['changes many', (id) => deaf('patch', `/records/during?id=eq.${id}`).send({ ssn: 'after' })],
    [
      'stores it by its key',
      () =>
        deaf('post', '/records/during?on_conflict=ssn')
          .set('prefer', 'resolution=merge-duplicates')
          .send([{ ssn: 'before', n: 5 }]),
    ],
    ['adds another', () => deaf('post', '/records/during').send({ ssn: 'after' })],
  ])('cannot leave the two columns out of step when it %s', async (_, write) => {
    const before = await here('delete', '/records/during?n=gte.-5').set('prefer', 'return=minimal');
    expect([204, 404]).toContain(before.status);
    if (before.status === 404) await tenant.define('during', PLAIN);
    const { id } = (await here('post', '/records/during').send({ ssn: 'before', n: 0 }).expect(201)).body;
    await deafen('during');
    const release = await holdSnapshot();
    const applied = apply('during', SEALED).then((answer) => answer);
    await eventually(async () => (await isPrepared('during')) && (await storedRows('during'))[0]?.['ssn~sealed~new']);
    expect((await write(id)).status).toBeLessThan(300);
    await release();
    await applied;
    const said = (await here('get', '/records/during?order=id&select=ssn,note,n').expect(200)).body;
    expect(await over('during')).toMatchObject({ status: 'done' });
    expect((await here('get', '/records/during?order=id&select=ssn,note,n').expect(200)).body).toEqual(said);
    await expectClean('during');
    await apply('during', PLAIN);
    expect(await over('during')).toMatchObject({ status: 'done' });
    expect((await here('get', '/records/during?order=id&select=ssn,note,n').expect(200)).body).toEqual(said);
  });

  it('answers with values and never with cells, and stores cells and never values, once it has met the table', async () => {
    await tenant.define('later', PLAIN);
    const { id } = (await here('post', '/records/later').send({ ssn: 'a', note: 'b' }).expect(201)).body;
    await deafen('later');
    await apply('later', SEALED);
    expect(await over('later')).toMatchObject({ status: 'done' });
    expect((await deaf('get', `/records/later/${id}`).expect(200)).body).toMatchObject({ ssn: 'a', note: 'b' });
    await deafen('later');
    await apply('later', PLAIN);
    expect(await over('later')).toMatchObject({ status: 'done' });
    expect((await deaf('get', '/records/later?ssn=eq.a').expect(200)).body).toMatchObject([{ ssn: 'a', note: 'b' }]);
    await deafen('later');
    await apply('later', SEALED);
    await over('later');
    await deaf('post', '/records/later').send({ ssn: 'c' }).expect(201);
    expect(JSON.stringify(await storedRows('later'))).not.toContain('"c"');
    expect((await here('get', '/records/later?ssn=eq.c&select=ssn').expect(200)).body).toEqual([{ ssn: 'c' }]);
  });

  it('gives tags to values that are found by them from now on', async () => {
    const unfound = document({ ssn: { ...STRING, encrypted: true } });
    const found = document({ ssn: { ...STRING, encrypted: { searchable: 'equality' } } });
    await tenant.define('tagged', unfound);
    await here('post', '/records/tagged').send({ ssn: 'a' }).expect(201);
    await deafen('tagged');
    await apply('tagged', found);
    expect(await over('tagged')).toMatchObject({ status: 'done' });
    await deaf('post', '/records/tagged').send({ ssn: 'b' }).expect(201);
    expect((await here('get', '/records/tagged?ssn=in.(a,b)&order=id&select=ssn').expect(200)).body).toEqual([
      { ssn: 'a' },
      { ssn: 'b' },
    ]);
  });
});
