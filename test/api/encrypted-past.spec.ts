/** What was encrypted once is read for as long as it is kept: in former versions, deleted records, under other names and other documents. */

import { type Call, change, contentOf, driftOf } from '../harness/definitions.js';
import { refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

jest.setTimeout(60_000);

let test: TestService;
let tenant: TestTenant;
let call: Call;

beforeAll(async () => {
  test = await startTestService();
});

beforeEach(async () => {
  tenant = await test.tenant();
  call = await tenant.as();
});

afterAll(() => test?.stop());

const FOUND = { searchable: 'equality' };
const text = { type: 'string' };
const ssn = { ...text, unique: true, encrypted: FOUND };
const born = { ...text, format: 'date-time', encrypted: true };
const entity = (properties: object, words: object = {}) => ({
  type: 'object',
  additionalProperties: false,
  properties,
  ...words,
});
const keeping = (properties: object, words: object = {}) => entity(properties, { history: 'full', softDelete: true, ...words });
const PERSON = keeping({ name: text, ssn, born });
const ADA = { name: 'Ada', ssn: 'secret 1', born: '1815-12-10T01:00:00.50+01:00' };
const SHOWN = { ...ADA, born: '1815-12-10T00:00:00.5Z' };
const ALL = ['destructive', 'blocking'];

const insert = async (of: string, record: object = ADA): Promise<string> =>
  (await call('post', `/records/${of}`).send(record).expect(201)).body.id;
const got = async (of: string, id: string) => contentOf((await call('get', `/records/${of}/${id}`).expect(200)).body);
const found = async (of: string, query: string) => (await call('get', `/records/${of}?${query}`).expect(200)).body.map(contentOf);
const history = async (of: string, id: string, as = call) =>
  (await as('get', `/records/${of}/${id}/history`).expect(200)).body.items;
const restore = (of: string, body: object) => call('post', `/entities/${of}/restore`).send(body);

/** The database's own time, with the fraction that a client's clock has not. */
async function now(): Promise<string> {
  const { rows } = await test.database.admin("select to_json(clock_timestamp() at time zone 'UTC')#>>'{}' || 'Z' as now");
  return rows[0].now;
}

async function storedAnywhere(): Promise<string> {
  const { rows: tables } = await test.database.admin(
    `select c.oid::regclass::text as name from pg_class as c where c.relnamespace = $1::regnamespace and c.relkind = 'r'`,
    [`"${tenant.schemaName}"`],
  );
  const texts = tables.map(async ({ name }) => {
    const { rows } = await test.database.admin(`select t::text as row from ${name} as t`);
    return rows.map(({ row }) => row).join('\n');
  });
  return (await Promise.all(texts)).join('\n');
}

describe('former versions', () => {
  it('say what they said, at the time and with what changed, and are kept as cells', async () => {
    await tenant.define('person', PERSON);
    const id = await insert('person');
    const then = await now();
    await call('patch', `/records/person/${id}`).send({ ssn: 'secret 2' }).expect(200);
    await call('patch', `/records/person/${id}`).send({ born: null, name: 'Eve' }).expect(200);
    const [last, middle, first] = await history('person', id);
    expect([first.record, middle.record, last.record].map((record) => record && contentOf(record))).toMatchObject([
      SHOWN,
      { ...SHOWN, ssn: 'secret 2' },
      { name: 'Eve', ssn: 'secret 2' },
    ]);
    expect(JSON.stringify(middle.changes)).toContain('secret 2');
    expect(await found('person', `asOf=${then}`)).toEqual([SHOWN]);
    expect(await found('person', `asOf=${then}&ssn=eq.secret 1&select=ssn,born`)).toEqual([{ ssn: SHOWN.ssn, born: SHOWN.born }]);
    expect(await found('person', `asOf=${then}&ssn=eq.secret 2`)).toEqual([]);
    expect(await storedAnywhere()).not.toMatch(/secret|1815/);
  });

  it('are found at a time, in a list of many of which some were changed since', async () => {
    await tenant.define('person', PERSON);
    const people = Array.from({ length: 20 }, (_, i) => ({ name: `n${i}`, ssn: `secret ${i}` }));
    await call('post', '/records/person').send(people).expect(201);
    const then = await now();
    await call('patch', '/records/person?ssn=in.(secret 3,secret 4)').send({ name: 'changed' }).expect(200);
    await call('delete', '/records/person?ssn=eq.secret 5').expect(204);
    const before = await found('person', `asOf=${then}&order=id`);
    expect(before).toEqual(people);
    expect(await found('person', `asOf=${then}&ssn=in.(secret 5,secret 3)&order=name&select=name`)).toEqual([
      { name: 'n3' },
      { name: 'n5' },
    ]);
  });
});

describe('deleted records', () => {
  it('say what they said, come back, and are found again', async () => {
    await tenant.define('person', PERSON);
    const id = await insert('person');
    await call('delete', `/records/person/${id}`).expect(204);
    const shown = await call('get', `/deleted/person/${id}`).expect(200);
    expect(contentOf(shown.body.record)).toEqual(SHOWN);
    expect((await call('get', '/deleted/person').expect(200)).text).toContain('secret 1');
    expect(await storedAnywhere()).not.toMatch(/secret|1815/);
    const restored = await call('post', `/deleted/person/${id}/restore`).expect(200);
    expect(contentOf(restored.body)).toEqual(SHOWN);
    expect(await found('person', 'ssn=eq.secret 1')).toEqual([SHOWN]);
    await call('delete', `/records/person/${id}`).expect(204);
    await insert('person', { ...ADA, name: 'Other' });
    const taken = await call('post', `/deleted/person/${id}/restore`);
    expect([refusal(taken), taken.text.includes('secret')]).toEqual(['409 record/duplicate', false]);
  });
});

describe('under another name', () => {
  it('of the property all is read as before: what is stored, was stored, and is looked for', async () => {
    await tenant.define('person', PERSON);
    const id = await insert('person');
    await call('patch', `/records/person/${id}`).send({ name: 'Ada L.' }).expect(200);
    const then = await now();
    const gone = await insert('person', { ...ADA, ssn: 'secret 2' });
    await call('delete', `/records/person/${gone}`).expect(204);
    await change(call, 'person', keeping({ name: text, number: { ...ssn, renamedFrom: 'ssn' }, born }), ALL);
    const { ssn: was, ...rest } = SHOWN;
    expect(await got('person', id)).toEqual({ ...rest, name: 'Ada L.', number: was });
    expect(await found('person', 'number=eq.secret 1&select=number')).toEqual([{ number: was }]);
    expect((await history('person', id)).map(({ record }: { record: object }) => record)).toMatchObject([{}, { ssn: was }]);
    expect(await found('person', `asOf=${then}&select=number&number=eq.secret 1`)).toEqual([{ number: was }]);
    expect(contentOf((await call('post', `/deleted/person/${gone}/restore`).expect(200)).body)).toMatchObject({
      number: 'secret 2',
    });
    expect((await call('post', '/records/person').send({ number: 'secret 1' })).status).toBe(409);
    expect(await driftOf(call, 'person')).toEqual([]);
  });

  it('that another property has had, cells and equal values of the two are apart', async () => {
    await tenant.define('person', entity({ name: text, a: { ...text, encrypted: FOUND } }));
    const id = await insert('person', { name: 'x', a: 'secret' });
    await change(call, 'person', entity({ name: text, b: { ...text, encrypted: FOUND, renamedFrom: 'a' } }), ALL);
    await change(call, 'person', entity({ name: text, b: { ...text, encrypted: FOUND }, a: { ...text, encrypted: FOUND } }), ALL);
    await call('patch', `/records/person/${id}`).send({ a: 'secret' }).expect(200);
    expect(await got('person', id)).toEqual({ name: 'x', a: 'secret', b: 'secret' });
    const { rows } = await test.database.admin(
      `select substring("a~sealed", 7, 32) = substring("b~sealed", 7, 32) as same from "${tenant.schemaName}".person`,
    );
    expect(rows).toEqual([{ same: false }]);
    await test.database.admin(`update "${tenant.schemaName}".person set "a~sealed" = "b~sealed"`);
    expect(refusal(await call('get', `/records/person/${id}`))).toBe('500 key/integrity');
  });

  it('of the entity all is read as before', async () => {
    await tenant.define('person', PERSON);
    const id = await insert('person');
    await call('patch', `/records/person/${id}`).send({ name: 'Ada L.' }).expect(200);
    const gone = await insert('person', { ...ADA, ssn: 'secret 2' });
    await call('delete', `/records/person/${gone}`).expect(204);
    await change(call, 'human', keeping({ name: text, ssn, born }, { renamedFrom: 'person' }), ALL);
    expect(await got('human', id)).toEqual({ ...SHOWN, name: 'Ada L.' });
    expect(await found('human', 'ssn=eq.secret 1&select=name')).toEqual([{ name: 'Ada L.' }]);
    expect((await history('human', id))[1].record).toMatchObject(SHOWN);
    expect(contentOf((await call('post', `/deleted/human/${gone}/restore`).expect(200)).body)).toEqual({
      ...SHOWN,
      ssn: 'secret 2',
    });
    expect(await driftOf(call, 'human')).toEqual([]);
  });
});

describe('when the property', () => {
  it('was dropped and is restored, what it held is there again, also where its name was given to another meanwhile', async () => {
    await tenant.define('person', entity({ name: text, ssn, born }));
    const id = await insert('person');
    await change(call, 'person', entity({ name: text, born }), ALL);
    expect(await got('person', id)).toEqual({ name: 'Ada', born: SHOWN.born });
    const restored = await restore('person', { property: 'ssn' });
    expect(restored.status).toBeLessThan(300);
    expect(await got('person', id)).toEqual(SHOWN);
    expect(await found('person', 'ssn=eq.secret 1&select=name')).toEqual([{ name: 'Ada' }]);
    expect((await call('post', '/records/person').send({ ssn: 'secret 1' })).status).toBe(409);
    expect(await driftOf(call, 'person')).toEqual([]);
    await change(call, 'person', entity({ name: text, born }), ALL);
    await change(call, 'person', entity({ name: text, born, ssn: { ...text, encrypted: true } }), ALL);
    expect(await got('person', id)).toEqual({ name: 'Ada', born: SHOWN.born });
    await call('patch', `/records/person/${id}`).send({ ssn: 'secret 2' }).expect(200);
    expect(await got('person', id)).toEqual({ ...SHOWN, ssn: 'secret 2' });
  });

  it('is gone, its former values are still read in what was', async () => {
    await tenant.define('person', PERSON);
    const id = await insert('person');
    await call('patch', `/records/person/${id}`).send({ ssn: 'secret 2' }).expect(200);
    const then = await now();
    await change(call, 'person', keeping({ name: text }), ALL);
    await call('patch', `/records/person/${id}`).send({ name: 'Eve' }).expect(200);
    const items = await history('person', id);
    expect(items.at(-1).record).toMatchObject(SHOWN);
    expect(await found('person', `asOf=${then}&select=name`)).toEqual([{ name: 'Ada' }]);
    const fresh = await test.another();
    try {
      const bearer = await test.token(['admin'], tenant.id);
      const asked = `${fresh.url}/api/v1/tenants/${tenant.id}/records/person/${id}/history`;
      const answer = await fetch(asked, { headers: { authorization: `Bearer ${bearer}` } });
      expect([answer.status, (await answer.text()).includes('secret 1')]).toEqual([200, true]);
    } finally {
      await fresh.stop();
    }
  });

  it('was dropped with records deleted before, they come back without it', async () => {
    await tenant.define('person', PERSON);
    const id = await insert('person');
    await call('delete', `/records/person/${id}`).expect(204);
    await change(call, 'person', keeping({ name: text }), ALL);
    expect((await call('get', `/deleted/person/${id}`).expect(200)).body.record).toMatchObject(SHOWN);
    expect(contentOf((await call('post', `/deleted/person/${id}/restore`).expect(200)).body)).toEqual({ name: 'Ada' });
  });
});
