/** The OpenAPI document of a tenant in the hands of openapi-typescript and openapi-fetch: what compiles is what the service answers. */

import * as openapiFetch from 'openapi-fetch';
import { openapiTypes } from '../harness/openapi-types.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { runSource, SAME, typeFaults } from '../harness/type-checker.js';

jest.setTimeout(120_000);

let test: TestService;
let tenant: TestTenant;
let api: string;
let baseUrl: string;

const ORDER = {
  type: 'object',
  additionalProperties: false,
  required: ['number', 'total', 'owner'],
  properties: {
    number: { type: 'integer', unique: true },
    total: { type: 'string', format: 'decimal', precision: 10, scale: 2 },
    owner: { type: ['string', 'null'] },
    status: { type: 'string', enum: ['open', 'done'], default: 'open' },
    placed: { type: 'string', format: 'date-time', generated: 'now' },
    pin: { type: 'string', writeOnly: true },
    note: { type: 'string' },
    lines: { type: 'array', items: { $ref: '#/$defs/line' } },
    'größe-x': { type: 'number' },
  },
  $defs: {
    line: {
      type: 'object',
      required: ['sku'],
      properties: {
        sku: { type: 'string' },
        count: { type: 'integer', default: 1 },
        parts: { type: 'array', items: { $ref: '#/$defs/line' } },
      },
    },
  },
};

async function generated(of: TestTenant, role: 'viewer' | 'editor' = 'editor'): Promise<{ types: string; server: string }> {
  const { body } = await (await of.as(role))('get', '/openapi.json').expect(200);
  return { types: await openapiTypes(body), server: new URL(body.servers[0].url, test.service.url).href };
}

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant('typed');
  await tenant.define('order', ORDER);
  await tenant.define('careful', { type: 'object', concurrency: 'required', properties: { a: { type: 'string' } } });
  const { types, server } = await generated(tenant);
  [api, baseUrl] = [types, server];
});

afterAll(() => test.stop());

const CLIENT = `
import createClient from 'openapi-fetch';
import type { components, paths } from './api';
import type { Same } from './same';
const clientOf = (baseUrl: string, token: string) =>
  createClient<paths>({ baseUrl, headers: { authorization: 'Bearer ' + token } });
`;

const checked = (source: string, types = api) => typeFaults({ 'api.ts': types, 'same.ts': SAME, 'client.ts': source });

/** The faults of statements that follow the imports, inside an async function. */
const faultsOf = (statements: string, types = api) =>
  checked(`${CLIENT}export async function use() {\nconst store = clientOf('', '');\n${statements}\n}\n`, types);

const SESSION = `${CLIENT}
export async function session(baseUrl: string, token: string) {
  const store = clientOf(baseUrl, token);
  const order = { number: 1, total: '10.00', owner: null, pin: '1234', lines: [{ sku: 'a', parts: [{ sku: 'b', count: 2 }] }] };
  const inserted = await store.POST('/records/order', { body: order });
  if (!inserted.data || Array.isArray(inserted.data)) throw inserted.error;
  const { id } = inserted.data;
  const many = await store.POST('/records/order', {
    body: [{ number: 2, total: '20.00', owner: 'ada', status: 'done' }, { number: 3, total: '30.00', owner: 'ben', 'größe-x': 0.5 }],
  });
  const listed = await store.GET('/records/order', {
    params: {
      query: { total: ['gte.10.00', 'lt.30.00'], or: '(status.eq.open,owner.eq.ada)', order: 'number.desc', limit: 5 },
      header: { Prefer: 'count=exact' },
    },
  });
  const numbers = listed.data?.map(({ number, status }) => number + ' ' + status);
  const got = await store.GET('/records/order/{id}', { params: { path: { id } } });
  const patched = await store.PATCH('/records/order/{id}', {
    params: { path: { id }, header: { 'If-Match': '"1"' } },
    body: { total: '11.00', status: null, note: 'first' },
  });
  const lost = await store.PUT('/records/order/{id}', {
    params: { path: { id }, header: { 'If-Match': '"1"' } },
    body: { number: 1, total: '12.00', owner: 'ada' },
  });
  const refused = await store.POST('/records/order', { body: { number: 1, total: '1', owner: null } });
  const deleted = await store.DELETE('/records/order/{id}', { params: { path: { id } } });
  const gone = await store.GET('/records/order/{id}', { params: { path: { id } } });
  return {
    inserted: [inserted.response.status, inserted.data.total, inserted.data.lines?.[0]?.parts?.[0]?.count],
    many: [many.response.status, Array.isArray(many.data) && many.data.length],
    listed: [listed.response.headers.get('content-range'), numbers],
    got: [got.response.status, got.data?.status, got.data?.revision],
    patched: [patched.response.status, patched.data?.total, patched.data?.status, patched.data?.note],
    lost: [lost.error?.status, lost.error?.type],
    refused: [refused.error?.status, refused.error?.type],
    deleted: deleted.response.status,
    gone: gone.error?.type,
  };
}
`;

const { session } = runSource<{ session(baseUrl: string, token: string): Promise<object> }>(SESSION, {
  'openapi-fetch': openapiFetch,
});

describe('a client of openapi-fetch', () => {
  it('cannot be written against what the service would refuse', () => {
    expect(
      faultsOf(`
        const id = '';
        const order = { number: 1, total: '1.00', owner: null };
        // @ts-expect-error: no such path
        await store.GET('/records/orders');
        // @ts-expect-error: the id is missing
        await store.GET('/records/order/{id}');
        // @ts-expect-error: a record by its id is deleted, not found by a filter on another path
        await store.DELETE('/records/order/{id}', { params: { query: { number: ['eq.1'] } } });
        // @ts-expect-error: no such member to filter on
        await store.GET('/records/order', { params: { query: { totl: ['eq.1'] } } });
        // @ts-expect-error: pin cannot be filtered on
        await store.GET('/records/order', { params: { query: { pin: ['eq.1'] } } });
        // @ts-expect-error: limit is a number
        await store.GET('/records/order', { params: { query: { limit: 'all' } } });
        // @ts-expect-error: owner is missing
        await store.POST('/records/order', { body: { number: 1, total: '1.00' } });
        // @ts-expect-error: decimals are strings
        await store.POST('/records/order', { body: { ...order, total: 1 } });
        // @ts-expect-error: no such value
        await store.POST('/records/order', { body: { ...order, status: 'lost' } });
        // openapi-fetch lets members pass that it does not know; the types do not.
        // @ts-expect-error: set by the store
        await store.POST('/records/order', { body: { ...order, placed: '' } satisfies components['schemas']['Order.Input'] });
        // @ts-expect-error: a line has a sku
        await store.POST('/records/order', { body: { ...order, lines: [{}] } });
        // @ts-expect-error: a required member stays
        await store.PATCH('/records/order/{id}', { params: { path: { id } }, body: { number: null } });
        // @ts-expect-error: If-Match is demanded
        await store.DELETE('/records/careful/{id}', { params: { path: { id } } });
        await store.DELETE('/records/careful/{id}', { params: { path: { id }, header: { 'If-Match': '"1"' } } });`),
    ).toEqual([]);
  });

  it('knows what is answered', () => {
    expect(
      faultsOf(`
        const { data, error } = await store.GET('/records/order');
        const listed: Same<typeof data, components['schemas']['Order'][] | undefined> = true;
        const one = (await store.GET('/records/order/{id}', { params: { path: { id: '' } } })).data!;
        const status: Same<typeof one.status, 'open' | 'done' | undefined> = true;
        const owner: Same<typeof one.owner, string | null> = true;
        const lines: Same<typeof one.lines, components['schemas']['Order.defs.line'][] | undefined> = true;
        const why: string | undefined = error?.detail;
        // @ts-expect-error: never returned
        one.pin;
        return { listed, status, owner, lines, why };`),
    ).toEqual([]);
  });

  it('inserts, lists, gets, patches and deletes for real', async () => {
    expect(checked(SESSION)).toEqual([]);
    expect(await session(baseUrl, await test.token(['editor'], tenant.id))).toEqual({
      inserted: [201, '10.00', 2],
      many: [201, 2],
      listed: ['0-1/2', ['2 done', '1 open']],
      got: [200, 'open', 1],
      patched: [200, '11.00', undefined, 'first'],
      lost: [412, 'urn:bss:problem:record/precondition-failed'],
      refused: [409, 'urn:bss:problem:record/duplicate'],
      deleted: 204,
      gone: 'urn:bss:problem:record/not-found',
    });
  });

  it('that may only read is given nothing to write with', async () => {
    const { types } = await generated(tenant, 'viewer');
    const reads = `await store.GET('/records/order');`;
    expect(faultsOf(reads, types)).toEqual([]);
    const writes = `// @ts-expect-error: not with this role\nawait store.POST('/records/order', { body: { number: 1, total: '1', owner: null } });`;
    expect(faultsOf(writes, types)).toEqual([]);
  });

  it('written for one tenant serves every tenant with its entities', async () => {
    const twin = await test.tenant();
    await twin.define('order', ORDER);
    await twin.define('careful', { type: 'object', concurrency: 'required', properties: { a: { type: 'string' } } });
    const { types, server } = await generated(twin);
    expect(types).toBe(api);
    expect(server).not.toBe(baseUrl);
    expect(await session(server, await test.token(['editor'], twin.id))).toMatchObject({ inserted: [201, '10.00', 2] });
  });
});
