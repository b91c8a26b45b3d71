/** What PUT and PATCH of one record answer with: what `select` asks for, as inserts do, and nothing that says what it cannot mean. */

import { refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let call: Awaited<ReturnType<TestTenant['as']>>;
let maker: string;

beforeAll(async () => {
  test = await startTestService();
  const tenant = await test.tenant();
  call = await tenant.as('editor');
  await tenant.define('maker', { type: 'object', properties: { name: { type: 'string' } } });
  await tenant.define('item', {
    type: 'object',
    additionalProperties: false,
    required: ['name'],
    properties: {
      name: { type: 'string' },
      size: { type: 'integer' },
      pin: { type: 'string', writeOnly: true },
      maker: { type: 'string', format: 'uuid', relation: { entity: 'maker' } },
    },
  });
  maker = (await call('post', '/records/maker').send({ name: 'Ada' }).expect(201)).body.id;
});

afterAll(() => test.stop());

const insert = async () => (await call('post', '/records/item').send({ name: 'a', size: 1, maker }).expect(201)).body.id;
const stored = async (id: string) => (await call('get', `/records/item/${id}`).expect(200)).body;

describe('a change of one record refuses, and changes nothing', () => {
  it.each([
    ['a filter', 'size=gt.5'],
    ['a page', 'limit=1'],
    ['an instant of the past', 'asOf=2026-01-01T00:00:00Z'],
    ['a member that there is not', 'select=colour'],
    ['a member that is never returned', 'select=pin'],
    ['a relation that there is not', 'select=name,owner(name)'],
    ['columns', 'columns=name'],
  ])('%s', async (_, query) => {
    const id = await insert();
    for (const method of ['put', 'patch'] as const) {
      const refused = await call(method, `/records/item/${id}?${query}`).send({ name: 'b' });
      expect(refusal(refused)).toMatch(/^400 request\//);
    }
    expect(await stored(id)).toMatchObject({ name: 'a', revision: 1 });
  });

  it('an embed that narrows the record away', async () => {
    const id = await insert();
    const refused = await call('patch', `/records/item/${id}?select=name,maker!inner(name)&maker.name=eq.Bob`).send({
      name: 'b',
    });
    expect(refusal(refused)).toBe('406 record/not-single');
    expect(await stored(id)).toMatchObject({ name: 'a', revision: 1 });
  });
});

describe('a change of one record answers', () => {
  it('with what select asks for, computed and embedded too, and always with the tag', async () => {
    const id = await insert();
    const named = await call('patch', `/records/item/${id}?select=title:name,size`).send({ name: 'b' }).expect(200);
    expect([named.body, named.headers.etag]).toEqual([{ title: 'b', size: 1 }, '"2"']);
    const body = { name: 'c', maker };
    const embedded = await call('put', `/records/item/${id}?select=name,text:revision::text,maker(name)`).send(body).expect(200);
    expect([embedded.body, embedded.headers.etag]).toEqual([{ name: 'c', text: '3', maker: { name: 'Ada' } }, '"3"']);
  });

  it('with the whole record without select, and with nothing where nothing is wanted, whatever select says', async () => {
    const id = await insert();
    const whole = await call('patch', `/records/item/${id}`).send({ size: 2 }).expect(200);
    expect(whole.body).toEqual(await stored(id));
    const silent = await call('patch', `/records/item/${id}?select=name`)
      .set('prefer', 'return=minimal')
      .send({ size: 3 })
      .expect(204);
    expect([silent.text, silent.headers.etag, silent.headers['preference-applied']]).toEqual(['', '"3"', 'return=minimal']);
    expect(await stored(id)).toMatchObject({ size: 3, revision: 3 });
  });
});
