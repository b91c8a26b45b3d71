/** Pages of a list behind cursors: whatever the order, none is missed and none comes twice; and a cursor leads nowhere else. */

import type { Response } from 'supertest';
import supertest from 'supertest';
import { refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let tenant: TestTenant;
let other: TestTenant;
let call: Awaited<ReturnType<TestTenant['as']>>;

const CUSTOMER = { type: 'object', properties: { name: { type: 'string' }, city: { type: 'string' } } };
const ORDER = {
  type: 'object',
  required: ['number', 'status'],
  properties: {
    number: { type: 'integer', index: true },
    status: { type: 'string' },
    price: { type: ['string', 'null'], format: 'decimal', precision: 12, scale: 2 },
    weight: { type: 'number' },
    seen: { type: 'string', format: 'date-time' },
    sold: { type: 'boolean' },
    note: { type: 'string' },
    data: { type: 'object' },
    customer: { type: 'string', format: 'uuid', relation: { entity: 'customer' } },
  },
};
const COUNT = 60;

beforeAll(async () => {
  test = await startTestService({ MAX_ROWS: '200' });
  [tenant, other] = [await test.tenant(), await test.tenant()];
  for (const { define } of [tenant, other]) {
    await define('customer', CUSTOMER);
    await define('order', ORDER);
    await define('copy', ORDER);
  }
  call = await tenant.as('viewer');
  const admin = await tenant.as();
  const named = await admin('post', '/records/customer').send([{ name: 'Ada' }, { name: 'Bob' }, {}, { name: 'Ada' }]);
  const customers = named.body.map(({ id }: { id: string }) => id);
  const some = <T>(index: number, modulus: number, value: T) => (index % modulus === 0 ? {} : value);
  const records = Array.from({ length: COUNT }, (_, i) => ({
    number: i % 7,
    status: ['new', 'paid', 'Ä', ''][i % 4],
    ...some(i, 3, { price: i % 5 === 0 ? null : `${(i % 5) - 2}.50` }),
    ...some(i, 4, { weight: [0.1, -5, 1e300, 5e-324][i % 4] }),
    ...some(i, 5, { seen: `2024-01-01T00:00:00.00000${i % 6}Z` }),
    ...some(i, 2, { sold: i % 3 === 0 }),
    ...some(i, 6, { data: { size: i % 4 === 0 ? null : [i % 5, String(i % 5)][i % 2], name: `n${i % 3}` } }),
    ...some(i, 7, { customer: customers[i % 4] }),
  }));
  for (const one of [tenant, other]) {
    for (const entity of ['order', 'copy']) {
      await (await one.as())('post', `/records/${entity}`)
        .send(one === tenant ? records : records.map(({ customer: _, ...rest }) => rest))
        .expect(201);
    }
  }
}, 60_000);

afterAll(() => test.stop());

/** What a page's Link header says of each relation: a path and query. */
function linksOf({ headers }: Pick<Response, 'headers'>): Record<string, string> {
  const text = String(headers.link ?? '');
  return Object.fromEntries([...text.matchAll(/<([^>]*)>; rel="(\w+)"/g)].map(([, url = '', relation = '']) => [relation, url]));
}

const cursorOf = (answer: Pick<Response, 'headers'>): string =>
  new URL(linksOf(answer).next ?? '', 'http://x').searchParams.get('after') ?? '';

const list = (query: string) => call('get', `/records/order?${query}`);

async function follow(url: string): Promise<Response> {
  return supertest(test.service.url)
    .get(url)
    .set('authorization', `Bearer ${await test.token(['viewer'], tenant.id)}`);
}

/** All records of a list by its next links, and how many each page had. */
async function walked(query: string): Promise<{ ids: string[]; sizes: number[] }> {
  const ids: string[] = [];
  const sizes: number[] = [];
  let answer: Response = await list(query);
  for (;;) {
    if (answer.status !== 200) throw new Error(`${query}: ${answer.status} ${answer.text}`);
    ids.push(...answer.body.map(({ id }: { id: string }) => id));
    sizes.push(answer.body.length);
    const { next } = linksOf(answer);
    if (next === undefined) return { ids, sizes };
    answer = await follow(next);
  }
}

describe('a cursor', () => {
  const QUERY = 'order=number.desc,status&limit=5&number=gt.0';
  let cursor: string;

  beforeAll(async () => {
    cursor = cursorOf(await list(QUERY));
  });

  const at = (query: string) => `order?${query}&after=${cursor}`;

  it('is refused by everything but the list it came from', async () => {
    const editor = await tenant.as('editor');
    const foreign = await other.as('viewer');
    const rest = (path: string) => follow(`/rest/v1/${path}`);
    expect((await list(`${QUERY}&after=${cursor}`)).status).toBe(200);
    expect((await rest(at(QUERY))).status).toBe(200);
    const refused: [string, PromiseLike<Response>][] = [
      ['tenant', foreign('get', `/records/${at(QUERY)}`)],
      ['entity', call('get', `/records/${at(QUERY).replace('order?', 'copy?')}`)],
      ['role', editor('get', `/records/${at(QUERY)}`)],
      ['sort', list(`order=number,status&limit=5&number=gt.0&after=${cursor}`)],
      ['more sorted', list(`order=number.desc,status,price&limit=5&number=gt.0&after=${cursor}`)],
      ['nulls', list(`order=number.desc.nullslast,status&limit=5&number=gt.0&after=${cursor}`)],
      ['no sort', list(`limit=5&number=gt.0&after=${cursor}`)],
      ['filter', list(`order=number.desc,status&limit=5&number=gt.1&after=${cursor}`)],
      ['another operator', list(`order=number.desc,status&limit=5&number=gte.0&after=${cursor}`)],
      ['more filters', list(`${QUERY}&sold=is.true&after=${cursor}`)],
      ['no filter', list(`order=number.desc,status&limit=5&after=${cursor}`)],
      ['inner', list(`${QUERY}&select=id,customer!inner(name)&after=${cursor}`)],
      ['rest', rest(`order?${QUERY.replace('gt.0', 'gt.1')}&after=${cursor}`)],
    ];
    for (const [what, asked] of refused) {
      const answer = await asked;
      const code = answer.body.code === undefined ? refusal(answer) : `400 ${JSON.stringify(answer.body)}`;
      expect([what, code]).toEqual([what, what === 'rest' ? expect.stringContaining('cursor') : '400 request/invalid-cursor']);
    }
    expect((await list(`order=number&after=${cursor}`)).body.detail).toContain('Start again from the first page');
  });

  it('is refused when any bit of it is another', async () => {
    const bytes = Buffer.from(cursor, 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1 + (bit % 7)) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(refusal(await list(`${QUERY}&after=${flipped.toString('base64url')}`))).toBe('400 request/invalid-cursor');
    }
  });

  it.each([
    ['a dot', '.'],
    ['a word', 'tomorrow'],
    ['nothing but zeros', 'A'.repeat(64)],
    ['12 KB', 'A'.repeat(12 * 1024)],
    ['text that is no base64url', '%F0%9F%98%80'],
    ['a filter', 'eq.5'],
  ])('that is %s is refused', async (_, text) => {
    expect(refusal(await list(`after=${text}`))).toBe('400 request/invalid-cursor');
  });

  it('of a megabyte does not get in', async () => {
    expect(refusal(await list(`after=${'A'.repeat(1_000_000)}`))).toBe('431 request/headers-too-large');
  });

  it.each([
    ['order=number&offset=5', 'offset'],
    ['order=number&offset=0', 'offset'],
    ['select=number,count()', 'groups'],
  ])('is refused beside %s', async (query, reason) => {
    const answer = await list(`${query}&after=${cursor}`);
    expect(refusal(answer)).toBe('400 request/invalid-query');
    expect(answer.body.detail).toContain(reason);
    const ranged = await list(`order=number&after=${cursor}`).set('range', '0-4');
    expect([refusal(ranged), ranged.body.detail]).toEqual(['400 request/invalid-query', expect.stringContaining('Range')]);
  });

  it('does not outlive a change of the schema', async () => {
    const admin = await tenant.as();
    await tenant.define('changing', { type: 'object', properties: { a: { type: 'integer' } } });
    await admin('post', '/records/changing').send([{ a: 1 }, { a: 2 }, { a: 3 }]);
    const before = cursorOf(await call('get', '/records/changing?order=a&limit=1'));
    const again = () => call('get', `/records/changing?order=a&limit=1&after=${before}`);
    expect((await again()).status).toBe(200);
    await tenant.define('changing', { type: 'object', properties: { a: { type: 'integer' }, b: { type: 'string' } } });
    expect(refusal(await again())).toBe('400 request/invalid-cursor');
  });

  it('does not outlive a change of what is sorted by, in another entity', async () => {
    const admin = await tenant.as();
    await tenant.define('side', { type: 'object', properties: { a: { type: 'integer' } } });
    const relation = { type: 'string', format: 'uuid', relation: { entity: 'side' } };
    await tenant.define('main', { type: 'object', properties: { side: relation } });
    await admin('post', '/records/main').send([{}, {}, {}]);
    const query = '/records/main?select=id,side(a)&limit=1';
    const [sorted, unsorted] = [`${query}&order=side(a)`, query];
    const cursors = [cursorOf(await call('get', sorted)), cursorOf(await call('get', unsorted))];
    await tenant.define('side', { type: 'object', properties: { a: { type: 'integer' }, b: { type: 'string' } } });
    expect(refusal(await call('get', `${sorted}&after=${cursors[0]}`))).toBe('400 request/invalid-cursor');
    expect((await call('get', `${unsorted}&after=${cursors[1]}`)).status).toBe(200);
  });

  it('says nothing of the values it stands behind', async () => {
    const answer = await list('select=status&order=status&status=eq.paid&limit=3');
    expect(answer.body).toHaveLength(3);
    const cursor = cursorOf(answer);
    expect([cursor, Buffer.from(cursor, 'base64url').toString('latin1')].join()).not.toContain('paid');
  });

  it('takes another limit and another selection, and lets another instance go on', async () => {
    const all = (await list(QUERY.replace('limit=5', 'limit=200'))).body.map(({ id }: { id: string }) => id);
    const answer = await list(`select=id,customer(name)&${QUERY.replace('limit=5', 'limit=9')}&after=${cursor}`);
    expect(answer.body.map(({ id }: { id: string }) => id)).toEqual(all.slice(5, 14));
    const second = await test.another();
    const elsewhere = await supertest(second.url)
      .get(`/rest/v1/${at(QUERY)}`)
      .set('authorization', `Bearer ${await test.token(['viewer'], tenant.id)}`);
    await second.stop();
    expect(elsewhere.body.map(({ id }: { id: string }) => id)).toEqual(all.slice(5, 10));
  });
});

describe('a walk along the next links', () => {
  it.each([
    '',
    'order=id.desc',
    'order=number',
    'order=number.desc',
    'order=number.desc,id.desc',
    'order=number,status',
    'order=status.desc,number',
    'order=price',
    'order=price.desc',
    'order=price.nullsfirst',
    'order=price.desc.nullslast',
    'order=price.desc,weight.nullsfirst,sold',
    'order=weight',
    'order=weight.desc.nullslast,number.desc',
    'order=seen.desc.nullslast',
    'order=sold.nullsfirst,seen',
    'order=note',
    'order=note.nullsfirst,price',
    'order=data->size',
    'order=data->size.desc',
    'order=data->>size.desc.nullslast,number',
    'order=data->>name,data->size.nullsfirst',
    'order=number,id,price',
    'select=id,customer(name)&order=customer(name)',
    'select=id,customer(name)&order=customer(name).desc.nullslast,number.desc',
    'select=id,customer(name)&order=number,customer(id).nullsfirst',
    'select=id,customer!inner(name)&order=customer(name)&customer.name=not.is.null',
    'select=id,data->>name,customer(*)&order=data->>name.desc,price',
    'select=id&order=price&price=not.is.null',
    'select=id&order=price,number.desc&or=(price.is.null,price.gt.0)',
    'select=id&order=status,price.desc.nullslast&number=gt.99',
  ])('?%s is the list, none missed and none twice', async (query) => {
    const all = (await list(query)).body.map(({ id }: { id: string }) => id);
    for (const limit of [3, 59, 60]) {
      const { ids, sizes } = await walked(`${query}&limit=${limit}`);
      expect(ids).toEqual(all);
      expect(sizes.slice(0, -1).every((size) => size === limit)).toBe(true);
    }
  });

  it('keeps the total, which is that of the list, and says no rows', async () => {
    const first = await list('order=price&limit=25').set('prefer', 'count=exact');
    const next = await call('get', linksOf(first).next!.replace(/^.*\/records/, '/records')).set('prefer', 'count=exact');
    expect([first.headers['content-range'], next.status, next.headers['content-range'], next.body.length]).toEqual([
      '0-24/60',
      200,
      '*/60',
      25,
    ]);
    const uncounted = await follow(linksOf(first).next!);
    expect(uncounted.headers['content-range']).toBeUndefined();
    expect(uncounted.body).toEqual(next.body);
  });

  it('sees an empty page at the end where records were deleted', async () => {
    const admin = await tenant.as();
    await tenant.define('short', { type: 'object', properties: { a: { type: 'integer' } } });
    const { body } = await admin('post', '/records/short').send([{ a: 1 }, { a: 2 }]);
    const cursor = cursorOf(await call('get', '/records/short?order=a&limit=1'));
    await admin('delete', `/records/short/${body[1].id}`).expect(204);
    const empty = await call('get', `/records/short?order=a&limit=1&after=${cursor}`).set('prefer', 'count=exact');
    expect([empty.status, empty.body, empty.headers['content-range']]).toEqual([200, [], '*/1']);
    expect(linksOf(empty)).toEqual({ first: expect.stringMatching(/\?order=a&limit=1$/) });
  });
});

describe('the Link header', () => {
  it('keeps the query as the client wrote it, and drops what said where the page began', async () => {
    const path = `/api/v1/tenants/${tenant.id}/records/order`;
    const query = 'limit=2&status=in.(new,%22paid%22)&select=id%2Cnumber&%6Fffset=3&order=number.desc&number=gt.0';
    const kept = query.replace('&%6Fffset=3', '');
    const { next, first } = linksOf(await follow(`${path}?${query}`));
    expect(first).toBe(`${path}?${kept}`);
    expect(next).toMatch(/&after=[A-Za-z0-9_-]+$/);
    expect(next?.replace(/&after=.*/, '')).toBe(`${path}?${kept}`);
    const second = linksOf(await follow(next!));
    expect(second.first).toBe(`${path}?${kept}`);
    expect(second.next?.match(/after=/g)).toHaveLength(1);
  });

  it('speaks of the surface it was asked on', async () => {
    expect(linksOf(await follow('/rest/v1/order?limit=1')).next).toMatch(/^\/rest\/v1\/order\?limit=1&after=/);
  });

  it('has no next where the list ends, where groups are counted, and where Range asks', async () => {
    expect(Object.keys(linksOf(await list('limit=60')))).toEqual(['first']);
    expect(Object.keys(linksOf(await list('limit=59')))).toEqual(['next', 'first']);
    expect(Object.keys(linksOf(await list('limit=0')))).toEqual(['first']);
    expect((await list('select=number,count()&limit=2')).headers.link).toBeUndefined();
    expect((await list('limit=2').set('range', '0-1')).headers.link).toBeUndefined();
    expect((await list('limit=59')).body).toHaveLength(59);
  });

  it('is left out when it would be too long, and then a walk that was asked for is refused rather than cut short', async () => {
    const admin = await tenant.as();
    await tenant.define('wordy', { type: 'object', properties: { text: { type: 'string' } } });
    const texts = ['a'.repeat(1_000), 'b'.repeat(5_000), 'c'.repeat(20_000), 'd'];
    await admin('post', '/records/wordy').send(texts.map((text) => ({ text })));
    const of = (query: string) => call('get', `/records/wordy?order=text&${query}`);
    expect(linksOf(await of('limit=1'))).toHaveProperty('next');
    const begun = await of('limit=2');
    expect([begun.status, begun.headers.link]).toEqual([200, undefined]);
    const asked = await of('limit=2&after=');
    expect(linksOf(asked)).toHaveProperty('next');
    const tooLong = await of('limit=3&after=');
    expect(refusal(tooLong)).toBe('400 request/invalid-query');
    expect(tooLong.body.detail).toContain('page with limit and offset');
    expect((await of('limit=9&after=')).body).toHaveLength(4);
  });
});
