/** Encrypted properties of related records, to those who may see less, and across tenants. */

import { type Call, contentOf } from '../harness/definitions.js';
import { makeGrant, systemAdmin } from '../harness/grants.js';
import { refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

jest.setTimeout(60_000);

let test: TestService;
let tenant: TestTenant;
let call: Call;

const secret = { type: 'string', encrypted: true };
const PATIENT = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    ssn: { type: 'string', encrypted: { searchable: 'equality' }, unique: true },
    born: { type: 'string', format: 'date-time', encrypted: true },
  },
};
const VISIT = {
  type: 'object',
  properties: {
    patient: { type: 'string', format: 'uuid', relation: { entity: 'patient', inverse: 'visits' } },
    day: { type: 'string' },
    findings: secret,
    cost: { type: 'string', format: 'decimal', encrypted: { searchable: 'equality' } },
  },
};
const ID = '0197c3f0-7d5a-7e52-8f4a-3a2b1c0d9e8f';

beforeAll(async () => {
  test = await startTestService();
});

beforeEach(async () => {
  tenant = await test.tenant();
  call = await tenant.as();
  await tenant.define('patient', PATIENT);
  await tenant.define('visit', VISIT);
  const patients = [
    { id: ID, name: 'Ada', ssn: 'secret 1', born: '1815-12-10T01:00:00+01:00' },
    { name: 'Bob', ssn: 'secret 2' },
  ];
  await call('post', '/records/patient').send(patients).expect(201);
  const visits = [
    { patient: ID, day: 'a', findings: 'secret a', cost: '1.50' },
    { patient: ID, day: 'b', cost: '2' },
    { day: 'c', findings: 'secret c' },
  ];
  await call('post', '/records/visit').send(visits).expect(201);
});

afterAll(() => test?.stop());

const get = async (path: string, as = call) => (await as('get', path).expect(200)).body;

describe('of related records', () => {
  it('come with them: of one, of many, and spread', async () => {
    expect(await get('/records/visit?select=day,findings,patient(name,ssn,born)&order=day')).toEqual([
      { day: 'a', findings: 'secret a', patient: { name: 'Ada', ssn: 'secret 1', born: '1815-12-10T00:00:00Z' } },
      { day: 'b', patient: { name: 'Ada', ssn: 'secret 1', born: '1815-12-10T00:00:00Z' } },
      { day: 'c', findings: 'secret c', patient: null },
    ]);
    expect(await get('/records/patient?select=name,visits(day,findings)&order=name&visits.order=day')).toEqual([
      { name: 'Ada', visits: [{ day: 'a', findings: 'secret a' }, { day: 'b' }] },
      { name: 'Bob', visits: [] },
    ]);
    expect(await get('/records/visit?select=day,...patient(number:ssn)&order=day')).toEqual([
      { day: 'a', number: 'secret 1' },
      { day: 'b', number: 'secret 1' },
      { day: 'c', number: null },
    ]);
    expect(await get('/records/patient?select=name,...visits(findings,cost)&order=name&visits.order=day')).toEqual([
      { name: 'Ada', findings: ['secret a', null], cost: ['1.50', '2'] },
      { name: 'Bob', findings: [], cost: [] },
    ]);
    expect(await get('/records/visit?select=day,patient(*,visits(findings))&day=eq.a&patient.visits.order=day')).toMatchObject([
      { patient: { ssn: 'secret 1', visits: [{ findings: 'secret a' }, {}] } },
    ]);
  });

  it('are found by what they say, from either end', async () => {
    const days = (rows: { day: string }[]) => rows.map(({ day }) => day).sort();
    expect(days(await get('/records/visit?select=day,patient!inner(name)&patient.ssn=eq.secret 1'))).toEqual(['a', 'b']);
    expect(await get('/records/patient?select=name,visits!inner(day)&visits.cost=in.(1.5,9)')).toEqual([
      { name: 'Ada', visits: [{ day: 'a' }] },
    ]);
    expect(refusal(await call('get', '/records/patient?select=name,visits(day)&visits.findings=eq.secret a'))).toMatch(/^400/);
    expect(refusal(await call('get', '/records/patient?select=name,visits(day)&visits.order=cost'))).toMatch(/^400/);
  });
});

describe('to those who may see less', () => {
  const text = { type: 'string' };
  const sealed = { ...text, encrypted: { searchable: 'equality' } };
  const PERSON = {
    type: 'object',
    properties: {
      name: text,
      kept: { ...text, encrypted: true, access: { read: ['admin'] } },
      all: { ...sealed, pii: true },
      part: { ...text, format: 'email', encrypted: true, pii: 'email', redact: 'partial' },
      hash: { ...sealed, pii: true, redact: 'hash' },
      gone: { ...text, encrypted: true, pii: true, redact: 'remove' },
    },
  };
  const ADA = { name: 'Ada', kept: 'secret k', all: 'secret a', part: 'secret@mail.example', hash: 'secret h', gone: 'secret g' };

  beforeEach(async () => {
    await tenant.define('person', PERSON);
    await tenant.define('plain', JSON.parse(JSON.stringify(PERSON).replace(/"encrypted":(?:true|\{[^}]*\}),?/g, '')));
    for (const name of ['person', 'plain']) await call('post', `/records/${name}`).send(ADA).expect(201);
  });

  it.each(['viewer', 'editor', 'auditor'])('are as they are not encrypted: %s', async (role) => {
    const as = await tenant.as(role);
    const [sealed, plain] = [await as('get', '/records/person'), await as('get', '/records/plain')];
    expect(sealed.body.map(contentOf)).toEqual(plain.body.map(contentOf));
    expect(sealed.headers['bss-redacted']).toEqual(plain.headers['bss-redacted']);
    if (role === 'auditor') expect(sealed.text).not.toMatch(/secret [kahg]/);
    for (const query of ['all=eq.secret a', 'hash=eq.secret h', 'kept=is.null', 'select=kept', 'all=is.null', 'order=all']) {
      const [one, other] = [await as('get', `/records/person?${query}`), await as('get', `/records/plain?${query}`)];
      if (query === 'order=all' && role !== 'auditor') continue;
      expect([query, one.status, one.body.type]).toEqual([query, other.status, other.body.type]);
    }
  });
});

describe('across tenants', () => {
  it('come from each under its own keys, opened on the way', async () => {
    const other = await test.tenant();
    await other.define('patient', PATIENT);
    await (await other.as())('post', '/records/patient').send({ name: 'Eve', ssn: 'secret 1' }).expect(201);
    const fresh = await test.another();
    try {
      const admin = await systemAdmin(test, 'ann');
      const grant = await makeGrant(admin, [tenant, other]);
      const bearer = await test.issuer.sign({ subject: 'ann', roles: ['system_admin'] });
      const answer = await fetch(`${fresh.url}/api/v1/admin/query`, {
        method: 'POST',
        headers: { authorization: `Bearer ${bearer}`, 'x-access-grant': grant.id, 'content-type': 'application/json' },
        body: JSON.stringify({ entity: 'patient', query: 'select=name,ssn&ssn=eq.secret%201' }),
      });
      const text = await answer.text();
      const lines = text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      const records = lines.filter(({ type }) => type === 'record').map(({ record }) => record);
      expect(records.sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
        { name: 'Ada', ssn: 'secret 1' },
        { name: 'Eve', ssn: 'secret 1' },
      ]);
    } finally {
      await fresh.stop();
    }
  });
});
