/** Encrypted properties in imports, exports and the surface of PostgREST: plain on the way, cells where they stand. */

import type { Response } from 'supertest';
import { type Call, contentOf } from '../harness/definitions.js';
import { type Method, startTestService, type TestService, type TestTenant } from '../harness/service.js';

jest.setTimeout(60_000);

let test: TestService;
let tenant: TestTenant;
let call: Call;

const PERSON = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    ssn: { type: 'string', encrypted: { searchable: 'equality' }, unique: true },
    size: { type: 'integer', encrypted: true, maximum: 300 },
    tags: { type: 'array', encrypted: true },
  },
  additionalProperties: false,
};
const SECRETS = /secret/;
const NDJSON = 'application/x-ndjson';

beforeAll(async () => {
  test = await startTestService();
});

beforeEach(async () => {
  tenant = await test.tenant();
  call = await tenant.as();
  await tenant.define('person', PERSON);
});

afterAll(() => test?.stop());

const people = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ name: `n${i}`, ssn: `secret ${i}`, size: i % 300, tags: [`secret "${i}",`] }));
const lines = (records: readonly unknown[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('');
const imported = (body: string, type = NDJSON, query = '') =>
  call('post', `/imports/person${query}`).set('content-type', type).send(body);

/** What is kept of imports, and of records. */
async function stored(): Promise<string> {
  const tables = [`"${tenant.schemaName}".person`, 'business_store_service.imports'];
  const texts = tables.map(async (name) => {
    const { rows } = await test.database.admin(`select t::text as row from ${name} as t where tenant_id = $1`, [tenant.id]);
    return rows.map(({ row }) => row).join('\n');
  });
  return (await Promise.all(texts)).join('\n');
}

async function exported(query: string): Promise<string> {
  const answer = await call('get', `/exports/person?${query}`).buffer(true).parse(asText);
  expect(answer.status).toBe(200);
  return answer.body;
}

function asText(answer: Response, done: (error: Error | null, body: string) => void): void {
  let text = '';
  const stream = answer as unknown as NodeJS.ReadableStream;
  stream.on('data', (chunk) => {
    text += chunk;
  });
  stream.on('end', () => done(null, text));
}

it.each(['ndjson', 'csv'])('come out of an export as %s, and go in again as they were', async (format) => {
  await call('post', '/records/person').send(people(700)).expect(201);
  const text = await exported(`format=${format}&select=name,ssn,size,tags`);
  if (format === 'ndjson') expect(text).toBe(lines(people(700)));
  else expect(text.split('\n').slice(0, 2)).toEqual(['name,ssn,size,tags', 'n0,secret 0,0,"[""secret \\""0\\"",""]"']);
  await call('delete', '/records/person?name=not.is.null').set('prefer', 'return=minimal');
  const again = await imported(text, format === 'csv' ? 'text/csv' : NDJSON);
  expect([again.status, again.body.stored]).toEqual([200, 700]);
  const found = await call('get', '/records/person?ssn=in.(secret 3,secret 699)&order=name');
  expect(found.body.map(contentOf)).toEqual([people(700)[3], people(700)[699]]);
  expect(await stored()).not.toMatch(SECRETS);
});

it('are found in an export by what they say', async () => {
  await call('post', '/records/person').send(people(30)).expect(201);
  expect(await exported('format=ndjson&select=name,ssn&ssn=in.(secret 4,secret 5)')).toBe(
    lines([
      { name: 'n4', ssn: 'secret 4' },
      { name: 'n5', ssn: 'secret 5' },
    ]),
  );
});

it('are told apart in an import: what is taken, given twice or not valid, without a word of it', async () => {
  await call('post', '/records/person').send(people(2)).expect(201);
  const sent = [
    { name: 'taken', ssn: 'secret 1' },
    { name: 'new', ssn: 'secret 7' },
    { name: 'twice', ssn: 'secret 7' },
    { name: 'large', ssn: 'secret 8', size: 301 },
    { name: 'last', ssn: 'secret 9' },
  ];
  const whole = await imported(lines(sent));
  expect([whole.status >= 400, SECRETS.test(whole.text)]).toEqual([true, false]);
  const rest = await imported(lines(sent), NDJSON, '?onError=skip');
  expect([rest.status < 300, rest.body.stored, rest.body.failed]).toEqual([true, 2, 3]);
  expect(rest.text).not.toMatch(SECRETS);
  const asked = await call('get', `/imports/${rest.body.id}`);
  expect([asked.status, SECRETS.test(asked.text)]).toEqual([200, false]);
  const names = (await call('get', '/records/person?select=name&order=name')).body.map(({ name }: { name: string }) => name);
  expect(names).toEqual(['last', 'n0', 'n1', 'new']);
  expect(await stored()).not.toMatch(SECRETS);
});

describe('on the surface of PostgREST', () => {
  it('are read, found, written and refused as on ours', async () => {
    const bearer = await test.token(['admin'], tenant.id);
    const rest = (method: Method, path: string) => test.request(bearer, method, `/rest/v1${path}`);
    const made = await rest('post', '/person').set('prefer', 'return=representation').send(people(3));
    expect([made.status, made.body.map(({ ssn }: { ssn: string }) => ssn)]).toEqual([201, people(3).map(({ ssn }) => ssn)]);
    const found = await rest('get', '/person?ssn=eq.secret 1&select=name,size,tags');
    expect(found.body).toEqual([{ name: 'n1', size: 1, tags: ['secret "1",'] }]);
    const changed = await rest('patch', '/person?ssn=eq.secret 1').set('prefer', 'return=representation').send({ size: 9 });
    expect([changed.status, changed.body[0].size]).toEqual([200, 9]);
    const merged = await rest('post', '/person?on_conflict=ssn')
      .set('prefer', 'resolution=merge-duplicates,return=representation')
      .send([{ ssn: 'secret 1', name: 'merged' }]);
    expect([merged.status < 300, merged.body[0].name]).toEqual([true, 'merged']);
    const taken = await rest('post', '/person').send({ ssn: 'secret 1' });
    expect([taken.status, taken.body.code, SECRETS.test(taken.text)]).toEqual([409, '23505', false]);
    const refused = await rest('get', '/person?size=gt.1');
    expect([(await refused).status, SECRETS.test((await refused).text)]).toEqual([400, false]);
    const gone = await rest('delete', '/person?ssn=in.(secret 0,secret 1)').set('prefer', 'return=representation');
    expect([gone.status, gone.body.length]).toEqual([200, 2]);
    expect(await stored()).not.toMatch(SECRETS);
  });
});
