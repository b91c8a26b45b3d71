/** What those who read as auditors only get of personal values: a shadow on every path, and no way to ask by what it is of. */

import type { Response } from 'supertest';
import { type Call, planOf } from '../harness/definitions.js';
import { faultsOf, refusal } from '../harness/problem.js';
import { type Method, startTestService, type TestService, type TestTenant } from '../harness/service.js';

jest.setTimeout(60_000);

const PAST = { softDelete: true, history: 'full' };
const text = { type: 'string' };
const PERSON = {
  ...{ type: 'object', ...PAST, required: ['code', 'must'] },
  properties: {
    code: { ...text, unique: true },
    must: { ...text, pii: 'name' },
    all: { ...text, pii: true },
    number: { type: 'integer', pii: true },
    data: { type: 'object', pii: true },
    maybe: { type: ['string', 'null'], pii: true },
    email: { ...text, format: 'email', pii: 'email', redact: 'partial' },
    phone: { ...text, pii: 'phone', redact: 'partial' },
    name: { ...text, pii: 'name', redact: 'partial' },
    flag: { type: 'boolean', redact: 'partial' },
    key: { ...text, unique: true, pii: true, redact: 'hash' },
    born: { ...text, format: 'date', pii: true, redact: 'hash' },
    gone: { ...text, pii: true, redact: 'remove' },
    plain: { ...text, pii: false },
    secret: { ...text, writeOnly: true, pii: true },
  },
};
const ORDER = {
  ...{ type: 'object', ...PAST },
  properties: {
    of: { ...text, relation: { entity: 'person', field: 'code', inverse: 'orders' } },
    payer: { ...text, pii: true, redact: 'hash', relation: { entity: 'person', field: 'key', inverse: 'payments' } },
    to: { ...text, pii: 'name', redact: 'partial' },
  },
};
const ADA = {
  code: 'ada',
  must: 'canary must',
  all: 'canary all',
  number: 421_337,
  data: { in: 'canary' },
  maybe: null,
  email: 'canary.ada@example.com',
  phone: '+49 (421) 337-00 42',
  name: 'canary Ada',
  flag: true,
  key: 'canary key',
  born: '1815-12-10',
  gone: 'canary gone',
  plain: 'shown',
  secret: 'canary secret',
};
const HIDDEN = /canary|421.?337|1815-12/;
const HASH = /^hmac-sha256:[0-9a-f]{32}$/;
const SHADOW = {
  code: 'ada',
  must: '[redacted]',
  all: '[redacted]',
  number: '[redacted]',
  data: '[redacted]',
  maybe: null,
  email: 'c***@example.com',
  phone: '***42',
  name: 'c***',
  flag: '[redacted]',
  key: expect.stringMatching(HASH),
  born: expect.stringMatching(HASH),
  plain: 'shown',
};
const KEPT_BACK = 'must,all,number,data,maybe,email,phone,name,flag,key,born,gone';

let test: TestService;
let tenant: TestTenant;
let admin: Call;
let auditor: Call;
let id: string;
let bearer: string;

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  await tenant.define('person', PERSON);
  await tenant.define('order', ORDER);
  admin = await tenant.as();
  auditor = await tenant.as('auditor');
  bearer = await test.token(['auditor'], tenant.id);
  id = (await admin('post', '/records/person').send(ADA).expect(201)).body.id;
  await admin('post', '/records/person').send({ code: 'bob', must: 'x' }).expect(201);
  await admin('post', '/records/order').send({ of: 'ada', payer: 'canary key', to: 'canary to' }).expect(201);
});

afterAll(() => test.stop());

const rest = (method: Method, path: string) => test.request(bearer, method, `/rest/v1/${path}`);
const said = ({ text: body, headers }: Response) => HIDDEN.exec(body + decodeURIComponent(JSON.stringify(headers)))?.[0];
const as = async (...roles: string[]): Promise<Call> => {
  const token = await test.token(roles, tenant.id);
  return (method, path) => test.request(token, method, `/api/v1/tenants/${tenant.id}${path}`);
};

describe('an auditor is refused', () => {
  it.each([
    'all=eq.x',
    'name=like.c*',
    'number=gt.1',
    'key=eq.canary key',
    'key=eq.hmac-sha256:00',
    'data->>in=eq.canary',
    'or=(code.eq.x,email.eq.x)',
    'order=name',
    'order=data->>in',
    'select=all::text',
    'select=number::text',
    'select=data->in',
    'select=other:data->>in',
    'select=number.sum()',
    'select=email.count()',
    'select=name,count()',
    'select=key,count()',
    'select=code,orders(to,count())',
    'select=code,orders(*)&orders.to=eq.x',
    'select=code,orders(*)&orders.order=to',
    'select=gone',
  ])('%s', async (query) => {
    const answer = await auditor('get', `/records/person?${query}`);
    expect([refusal(answer), said(answer)]).toEqual(['403 record/field-forbidden', undefined]);
    expect((await rest('get', `person?${query}`)).status).toBe(403);
    expect((await admin('get', `/records/person?${query}`)).status).toBe(200);
  });

  it('groups of what is embedded beside an aggregate, and ways by a redacted relation or to a redacted key', async () => {
    for (const query of ['select=count(),person!of(name)', 'select=count(),person!of(*)', 'select=count(),...person!of(key)']) {
      expect([query, refusal(await auditor('get', `/records/order?${query}`))]).toEqual([query, '403 record/field-forbidden']);
    }
    expect((await auditor('get', '/records/order?select=count(),person!of(code)')).status).toBe(200);
    expect((await auditor('get', '/records/order?select=payer(code)')).status).toBe(403);
    expect((await auditor('get', '/records/person?select=code,payments(to)')).status).toBe(400);
    expect((await admin('get', '/records/person?select=code,payments(to)')).status).toBe(200);
  });
});

describe('an auditor gets', () => {
  it('the shadow that the document says of each, and what is absent or null as it is', async () => {
    const answer = await auditor('get', `/records/person/${id}`).expect(200);
    expect(answer.body).toMatchObject(SHADOW);
    expect(Object.keys(answer.body)).not.toContain('gone');
    expect([said(answer), answer.headers['x-redacted']]).toEqual([undefined, KEPT_BACK]);
    const [bob] = (await auditor('get', '/records/person?code=eq.bob')).body;
    expect(Object.keys(bob).slice(6)).toEqual(['code', 'must']);
    const whole = await admin('get', `/records/person/${id}`);
    const { secret: _, ...seen } = ADA;
    expect([whole.body, whole.headers['x-redacted']]).toEqual([expect.objectContaining(seen), undefined]);
  });

  it('nothing else in lists, embeds, spreads, exports, CSV, and of the past', async () => {
    const { body } = await admin('post', '/records/person')
      .send({ ...ADA, code: 'past', key: 'canary past' })
      .expect(201);
    const changed = await admin('patch', `/records/person/${body.id}`).send({ all: 'canary new' }).expect(200);
    await admin('patch', `/records/person/${body.id}`).send({ plain: 'other', number: 421_338 }).expect(200);
    const at = changed.body.updated_at;
    const told: [string, string | undefined][] = [
      ['/records/person', KEPT_BACK],
      ['/records/person?select=*', KEPT_BACK],
      ['/records/person?select=name,mail:email,code', 'name,mail'],
      ['/records/person?select=code,orders(*)', 'orders.payer,orders.to'],
      ['/records/order?select=of,...person!of(name,code)', 'name'],
      ['/records/person?select=code,...orders(to)', 'to'],
      ['/records/person?select=code,count()', undefined],
      [`/records/person?asOf=${at}`, KEPT_BACK],
      [`/records/person/${body.id}?asOf=${at}`, KEPT_BACK],
      ['/exports/person', KEPT_BACK],
      ['/exports/person?format=csv', KEPT_BACK],
      ['/exports/order?format=csv', 'payer,to'],
    ];
    for (const [path, kept] of told) {
      const answer = await auditor('get', path);
      expect([path, answer.status, said(answer), answer.headers['x-redacted']]).toEqual([path, 200, undefined, kept]);
    }
    for (const accept of ['application/json', 'text/csv', 'application/vnd.pgrst.object+json']) {
      const answer = await rest('get', 'person?code=eq.ada').set('accept', accept);
      expect([accept, answer.status, said(answer), /ada|\[redacted\]/.test(answer.text)]).toEqual([accept, 200, undefined, true]);
    }
    expect((await auditor('get', '/records/person?select=code,...orders(to)&code=eq.ada')).body).toEqual([
      { code: 'ada', to: ['c***'] },
    ]);
    // History is for those who may read it; an auditor with the right to does so redacted.
    await admin('put', '/roles/past')
      .send({ permissions: ['history.read', 'deleted.read'] })
      .expect(201);
    const both = await as('auditor', 'past');
    const history = await both('get', `/records/person/${body.id}/history`).expect(200);
    expect(history.body.items.map(({ changes }: { changes?: object }) => changes)).toEqual([
      [{ op: 'replace', path: '/plain', value: 'other' }],
      [],
      undefined,
    ]);
    expect([said(history), history.headers['x-redacted']]).toEqual([undefined, KEPT_BACK]);
    await admin('delete', `/records/person/${body.id}`).expect(204);
    for (const path of ['/deleted/person', `/deleted/person/${body.id}`]) {
      const answer = await both('get', path);
      expect([path, answer.status, said(answer), answer.headers['x-redacted']]).toEqual([path, 200, undefined, KEPT_BACK]);
    }
  });

  it('the same hash of the same value in one tenant, and another in another', async () => {
    const hashOf = async (call: Call, path: string) => (await call('get', path)).body[0];
    const { key } = await hashOf(auditor, '/records/person?select=key&code=eq.ada');
    const { payer } = await hashOf(auditor, '/records/order?select=payer');
    expect([key, key.length]).toEqual([payer, 'hmac-sha256:'.length + 32]);
    const other = await test.tenant();
    await other.define('person', PERSON);
    await (await other.as())('post', '/records/person').send(ADA).expect(201);
    const elsewhere = await hashOf(await other.as('auditor'), '/records/person?select=key');
    expect([HASH.test(elsewhere.key), elsewhere.key === key]).toEqual([true, false]);
  });

  it('documents in which what is redacted is a text, and is named', async () => {
    const { body } = await auditor('get', '/openapi.json').expect(200);
    const { Person } = body.components.schemas;
    expect(Person['x-redacted']).toEqual(KEPT_BACK.split(','));
    expect(Person.properties.number).toEqual({ type: 'string', 'x-redact': 'full' });
    expect(Person.properties.maybe).toEqual({ type: ['string', 'null'], 'x-redact': 'full' });
    expect(Person.properties.gone).toBeUndefined();
    expect(JSON.stringify(body.paths['/records/person'].get.parameters)).not.toMatch(/"name":"(?:all|key|email)"/);
    const types = (await auditor('get', '/types.ts').expect(200)).text;
    expect(types).toMatch(/number: string \| null/);
    expect((await admin('get', '/types.ts')).text).toMatch(/number: number \| null/);
    expect((await admin('get', '/openapi.json')).body.components.schemas.Person['x-redacted']).toBeUndefined();
  });
});

describe('redaction', () => {
  it('is of those who read as auditors only', async () => {
    await admin('put', '/roles/reader')
      .send({ permissions: ['records.read'] })
      .expect(201);
    for (const roles of [['viewer'], ['editor'], ['admin'], ['auditor', 'viewer'], ['auditor', 'reader']]) {
      const answer = await (await as(...roles))('get', `/records/person/${id}`);
      expect([roles, answer.body.all, answer.headers['x-redacted']]).toEqual([roles, ADA.all, undefined]);
    }
  });

  it('never takes the place of a value: what is redacted is not sent back, and stays', async () => {
    await admin('put', '/roles/fixer')
      .send({ permissions: ['records.update'] })
      .expect(201);
    const call = await as('auditor', 'fixer');
    const read = (await call('get', `/records/person/${id}`)).body;
    const again = await call('put', `/records/person/${id}`).send(read);
    expect([refusal(again), faultsOf(again).includes('/all access')]).toEqual(['403 record/field-forbidden', true]);
    for (const all of [ADA.all, 'wrong', '[redacted]', null]) {
      const answer = await call('patch', `/records/person/${id}`).send({ all });
      expect([all, refusal(answer), faultsOf(answer)]).toEqual([all, '403 record/field-forbidden', ['/all access']]);
    }
    const patched = await call('patch', `/records/person/${id}`).send({ plain: 'fixed' });
    expect([patched.status, patched.body.plain, said(patched), patched.headers['x-redacted']]).toEqual([
      ...[200, 'fixed', undefined, KEPT_BACK],
    ]);
    expect((await call('put', `/records/person/${id}`).send({ code: 'ada', plain: 'shown' })).status).toBe(200);
    const { secret: _, ...seen } = ADA;
    expect((await admin('get', `/records/person/${id}`)).body).toMatchObject(seen);
    const upsert = call('put', '/records/person?key=eq.x').send({ key: 'x' });
    expect((await upsert).status).toBe(403);
  });

  it('is a matter of words: it comes and goes without a statement, and holds for former versions', async () => {
    const entity = (words: object) => ({ type: 'object', ...PAST, properties: { a: { ...text, ...words }, b: text } });
    await tenant.define('word', entity({}));
    const { body } = await admin('post', '/records/word').send({ a: 'canary a', b: '1' }).expect(201);
    await admin('patch', `/records/word/${body.id}`).send({ a: 'canary b', b: '2' }).expect(200);
    const see = async () => (await auditor('get', `/records/word/${body.id}`)).body.a;
    expect(await see()).toBe('canary b');
    const plan = await planOf(admin, 'word', entity({ pii: true, redact: 'hash' }));
    expect(plan.operations.map(({ kind }) => kind)).toEqual(['change-words', 'change-words']);
    expect(plan.steps.filter(({ sql }) => sql !== null)).toEqual([]);
    await tenant.define('word', entity({ pii: true, redact: 'hash' }));
    expect(await see()).toMatch(HASH);
    const both = await as('auditor', 'past');
    const history = await both('get', `/records/word/${body.id}/history`).expect(200);
    expect([said(history), history.headers['x-redacted']]).toEqual([undefined, 'a']);
    await tenant.define('word', entity({ pii: true }));
    expect(await see()).toBe('[redacted]');
    await tenant.define('word', entity({}));
    expect(await see()).toBe('canary b');
    // What was redacted once stays so in the versions before.
    const later = await both('get', `/records/word/${body.id}/history`).expect(200);
    expect(later.body.items.map(({ record }: { record: { a: string } }) => record.a)).toEqual(['canary b', '[redacted]']);
  });

  it.each([
    ['another word', { pii: 'email', redact: 'some' }],
    ['no text', { pii: 7 }],
    ['nothing', { pii: '' }],
  ])('is refused as %s', async (_, words) => {
    const answer = await admin('put', '/entities/wrong').send({ type: 'object', properties: { a: { ...text, ...words } } });
    expect(refusal(answer)).toBe('422 entity/invalid-document');
  });
});
