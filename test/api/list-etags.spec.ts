/** Lists that have not changed are not sent again: weak entity tags, and what a cache is told about lists. */

import supertest, { type Response } from 'supertest';
import { refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let tenant: TestTenant;
let call: Awaited<ReturnType<TestTenant['as']>>;
let ids: string[];

const CAR = { type: 'object', properties: { number: { type: 'integer' }, name: { type: 'string' } } };

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  await tenant.define('car', CAR);
  call = await tenant.as();
  const { body } = await call('post', '/records/car').send([1, 2, 3, 4].map((number) => ({ number, name: `n${number}` })));
  ids = body.map(({ id }: { id: string }) => id);
});

afterAll(() => test.stop());

const list = (query: string) => call('get', `/records/car?${query}`);
const tagOf = async (asked: PromiseLike<Response>): Promise<string> => String((await asked).headers.etag);
const known = (query: string, tag: string) => list(query).set('if-none-match', tag);

describe('the tag of a list', () => {
  it('is of no use for another list, another form of it, or a longer one', async () => {
    const tag = await tagOf(list('order=number&limit=2'));
    expect((await known('order=number&limit=2', tag)).status).toBe(304);
    for (const other of [
      'order=number&limit=3',
      'order=number.desc&limit=2',
      'order=number&limit=2&select=number',
      'number=lt.2',
    ]) {
      expect([other, (await known(other, tag)).status]).toEqual([other, 200]);
    }
    const same = () => known('order=number&limit=2', tag);
    expect((await same().set('accept', 'text/csv')).status).toBe(200);
    expect((await same().set('prefer', 'count=exact')).status).toBe(200);
    expect((await same().set('range', '0-0')).status).toBe(200);
  });

  it('changes with a record of the list, with one that comes or goes, and with another page behind it', async () => {
    const query = 'order=number&number=gte.2&limit=3';
    const tags = [await tagOf(list(query))];
    const changed = async () => {
      const answer = await known(query, tags.at(-1)!);
      expect(answer.status).toBe(200);
      tags.push(String(answer.headers.etag));
    };
    await call('patch', `/records/car/${ids[2]}`).send({ name: 'other' }).expect(200);
    await changed();
    const { body } = await call('post', '/records/car').send({ number: 5 }).expect(201);
    await changed();
    expect(new Set(tags).size).toBe(tags.length);
    await call('delete', `/records/car/${body.id}`).expect(204);
    expect((await known(query, tags[1]!)).status).toBe(304);
    await call('patch', `/records/car/${ids[0]}`).send({ name: 'not in the list' }).expect(200);
    expect((await known(query, tags[1]!)).status).toBe(304);
  });

  it('is not that of the version of the entity before', async () => {
    await tenant.define('growing', { type: 'object', properties: { a: { type: 'integer' } } });
    const tag = await tagOf(call('get', '/records/growing'));
    await tenant.define('growing', { type: 'object', properties: { a: { type: 'integer' }, b: { type: 'integer' } } });
    expect((await call('get', '/records/growing').set('if-none-match', tag)).status).toBe(200);
  });

  it('is not given with a refusal, which no tag turns into 304', async () => {
    const refused = await known('nobody=eq.1', '*');
    expect([refusal(refused), refused.headers.etag, refused.headers['cache-control']]).toEqual([
      '400 request/invalid-query',
      undefined,
      undefined,
    ]);
    const many = await known('', '*').set('accept', 'application/vnd.pgrst.object+json');
    expect(refusal(many)).toBe('406 record/not-single');
  });

  it('is understood weak or strong, among others, and as an asterisk', async () => {
    const tag = await tagOf(list('order=number'));
    expect(tag).toMatch(/^W\/"[\w-]{22}"$/);
    for (const header of [tag, tag.replace('W/', ''), `"x", ${tag}`, '*']) {
      const answer = await known('order=number', header);
      expect([answer.status, answer.text, answer.headers.etag]).toEqual([304, '', tag]);
    }
    expect((await known('order=number', '"x", W/"y"')).status).toBe(200);
  });

  it('is the same on the next request, with the links and for HEAD', async () => {
    const head = (headers: Record<string, string>) =>
      supertest(test.service.url).head(`/api/v1/tenants/${tenant.id}/records/car?limit=1`).set(headers);
    const authorization = `Bearer ${await test.token(['admin'], tenant.id)}`;
    const got = await list('limit=1');
    const headed = await head({ authorization });
    expect([headed.status, headed.headers.etag, headed.text]).toEqual([200, got.headers.etag, undefined]);
    expect(headed.headers['content-length']).toBe(got.headers['content-length']);
    expect(headed.headers.link).toContain('rel="next"');
    const unchanged = await head({ authorization, 'if-none-match': String(got.headers.etag) });
    expect([unchanged.status, unchanged.headers.etag]).toEqual([304, got.headers.etag]);
    // A cache renews what it keeps by the headers of a 304: the cursor in it may be of a key that is no more.
    expect((await known('limit=1', String(got.headers.etag))).headers.link).toContain('rel="next"');
  });

  it('holds on both surfaces, each for itself', async () => {
    const authorization = `Bearer ${await test.token(['admin'], tenant.id)}`;
    const rest = (tag: string) =>
      supertest(test.service.url).get('/rest/v1/car?limit=2').set({ authorization, 'if-none-match': tag, prefer: 'count=exact' });
    const first = await rest('"none"');
    expect(first.status).toBe(206);
    expect((await rest(String(first.headers.etag))).status).toBe(304);
  });
});

describe('a cache', () => {
  it('may keep a list for its owner alone, and asks each time', async () => {
    for (const answer of [await list('limit=1'), await known('limit=1', '*')]) {
      expect([answer.headers['cache-control'], answer.headers.vary]).toEqual([
        'private, no-cache',
        'Accept, Authorization, Prefer, Range, X-API-Key, X-Access-Grant',
      ]);
    }
  });
});
