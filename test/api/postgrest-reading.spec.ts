/** PostgREST's own clients read from `/rest/v1`, unchanged: every filter they can build, on every type that has it. */

import { PostgrestClient } from '@supabase/postgrest-js';
import { createClient } from '@supabase/supabase-js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let tenant: TestTenant;
let client: PostgrestClient;

const DOCUMENT = {
  type: 'object',
  properties: {
    number: { type: 'integer', unique: true },
    name: { type: 'string' },
    price: { type: 'string', format: 'decimal', precision: 10, scale: 2 },
    weight: { type: 'number' },
    sold: { type: 'boolean' },
    built: { type: 'string', format: 'date' },
    seen: { type: 'string', format: 'date-time' },
    tags: { type: 'array', items: { type: 'string' } },
    sizes: { type: 'array', items: { type: 'integer' } },
    data: { type: 'object' },
  },
};

const RECORDS = [
  {
    ...{ number: 1, name: 'The quick brown fox', price: '10.50', weight: 0.5, sold: true, built: '2020-02-29' },
    ...{ seen: '2024-01-01T00:00:00Z', tags: ['a', 'b'], sizes: [1, 2], data: { size: 10, inner: { list: ['x', 'y'] } } },
  },
  {
    ...{ number: 2, name: 'jumps over the lazy dog', price: '9.99', weight: 2, sold: false, built: '1999-12-31' },
    ...{ seen: '2025-01-01T00:00:00Z', tags: ['b', 'c, d'], sizes: [3], data: { size: 9, inner: { list: [] } } },
  },
  { number: 3, name: 'Foxes and dogs', tags: [], data: { size: null } },
  { number: 4 },
];

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  await tenant.define('car', DOCUMENT);
  await tenant.define('owner', {
    type: 'object',
    properties: { name: { type: 'string' }, car: { type: 'integer', relation: { entity: 'car', field: 'number' } } },
  });
  const call = await tenant.as();
  await call('post', '/records/car').send(RECORDS).expect(201);
  await call('post', '/records/owner')
    .send([{ name: 'Ada', car: 1 }, { name: 'Bob', car: 1 }, { name: 'Cyd' }])
    .expect(201);
  client = new PostgrestClient(`${test.service.url}/rest/v1`, { headers: await bearer('viewer') });
}, 60_000);

afterAll(() => test.stop());

const bearer = async (role: 'viewer' | 'editor') => ({ authorization: `Bearer ${await test.token([role], tenant.id)}` });

type Cars = ReturnType<ReturnType<PostgrestClient['from']>['select']>;

/** The numbers of the cars that a filter finds. */
async function numbers(filter: (cars: Cars) => PromiseLike<{ data: unknown; error: unknown }>): Promise<number[]> {
  const { data, error } = await filter(client.from('car').select('number').order('number') as unknown as Cars);
  if (error) throw new Error(JSON.stringify(error));
  return (data as { number: number }[]).map(({ number }) => number);
}

describe('postgrest-js filters', () => {
  it.each<[string, (cars: Cars) => Cars, number[]]>([
    ['eq', (cars) => cars.eq('number', 1), [1]],
    ['eq of a date', (cars) => cars.eq('built', '2020-02-29'), [1]],
    ['neq', (cars) => cars.neq('number', 1), [2, 3, 4]],
    ['gt of a decimal', (cars) => cars.gt('price', 9.99), [1]],
    ['gte of an instant', (cars) => cars.gte('seen', '2024-01-01T00:00:00+00:00'), [1, 2]],
    ['lt', (cars) => cars.lt('weight', 2), [1]],
    ['lte', (cars) => cars.lte('number', 2), [1, 2]],
    ['like', (cars) => cars.like('name', '%fox%'), [1]],
    ['likeAllOf', (cars) => cars.likeAllOf('name', ['%o%', '%dog%']), [2, 3]],
    ['likeAnyOf', (cars) => cars.likeAnyOf('name', ['The%', 'Fox%']), [1, 3]],
    ['ilike', (cars) => cars.ilike('name', '%FOX%'), [1, 3]],
    ['ilikeAllOf', (cars) => cars.ilikeAllOf('name', ['%FOX%', '%DOGS']), [3]],
    ['ilikeAnyOf', (cars) => cars.ilikeAnyOf('name', ['%LAZY%', '%QUICK%']), [1, 2]],
    ['regexMatch', (cars) => cars.regexMatch('name', '^[A-Z].*x$'), [1]],
    ['regexIMatch', (cars) => cars.regexIMatch('name', '^f'), [3]],
    ['is null', (cars) => cars.is('name', null), [4]],
    ['is true', (cars) => cars.is('sold', true), [1]],
    ['isDistinct', (cars) => cars.isDistinct('sold', true), [2, 3, 4]],
    ['in', (cars) => cars.in('name', ['Foxes and dogs', 'x,y', '"']), [3]],
    ['notIn', (cars) => cars.notIn('number', [1, 2]), [3, 4]],
    ['contains an array', (cars) => cars.contains('tags', ['b']), [1, 2]],
    ['contains numbers', (cars) => cars.contains('sizes', [1, 2]), [1]],
    ['contains an object', (cars) => cars.contains('data', { inner: { list: ['x'] } }), [1]],
    ['containedBy', (cars) => cars.containedBy('tags', ['a', 'b', 'e']), [1, 3]],
    ['overlaps', (cars) => cars.overlaps('tags', ['a', 'z']), [1]],
    ['overlaps numbers', (cars) => cars.overlaps('sizes', [3, 4]), [2]],
    ['textSearch', (cars) => cars.textSearch('name', "'fox' | 'dog'", { config: 'english' }), [1, 2, 3]],
    ['textSearch plain', (cars) => cars.textSearch('name', 'lazy dog', { type: 'plain', config: 'english' }), [2]],
    ['textSearch phrase', (cars) => cars.textSearch('name', 'brown fox', { type: 'phrase' }), [1]],
    ['textSearch websearch', (cars) => cars.textSearch('name', 'dog -lazy', { type: 'websearch', config: 'english' }), [3]],
    ['match', (cars) => cars.match({ number: 1, sold: true }), [1]],
    ['not', (cars) => cars.not('number', 'in', '(1,2)'), [3, 4]],
    ['or', (cars) => cars.or('number.eq.1,and(sold.is.false,tags.cs.{b})'), [1, 2]],
    ['or with a JSON path', (cars) => cars.or('data->>size.eq.9,name.is.null'), [2, 4]],
    ['a JSON path as text', (cars) => cars.eq('data->inner->list->>0', 'x'), [1]],
    ['a JSON path as JSON', (cars) => cars.gt('data->size', 9), [1]],
    ['filter', (cars) => cars.filter('number', 'eq(any)', '{1,3}'), [1, 3]],
  ])('%s', async (_, filter, expected) => {
    expect(await numbers(filter)).toEqual(expected);
  });

  it.each<[string, (cars: Cars) => Cars]>([
    ['rangeGt', (cars) => cars.rangeGt('number', '[1,2)')],
    ['rangeAdjacent', (cars) => cars.rangeAdjacent('built', '[2020-01-01,2020-02-01)')],
  ])('%s is refused of a property that is no range', async (_, filter) => {
    const { error, status } = await filter(client.from('car').select() as unknown as Cars);
    expect([status, error]).toEqual([
      400,
      { code: 'PGRST100', message: expect.stringContaining('compares ranges'), details: null, hint: null },
    ]);
  });
});

describe('postgrest-js', () => {
  it('selects, renames, casts, embeds and aggregates', async () => {
    const { data, error } = await client
      .from('car')
      .select('no:number, price::text, first:data->inner->list->>0, owner(name)')
      .eq('number', 1)
      .order('name', { referencedTable: 'owner', ascending: false })
      .limit(1, { referencedTable: 'owner' });
    expect([error, data]).toEqual([null, [{ no: 1, price: '10.50', first: 'x', owner: [{ name: 'Bob' }] }]]);
    expect((await client.from('owner').select('name, car!inner(number)').eq('car.number', 1).order('name')).data).toEqual([
      { name: 'Ada', car: { number: 1 } },
      { name: 'Bob', car: { number: 1 } },
    ]);
    expect((await client.from('car').select('owner(count)').eq('number', 1)).error).not.toBeNull();
    expect((await client.from('car').select('owner(count())').eq('number', 1)).data).toEqual([{ owner: [{ count: 2 }] }]);
  });

  it('shows every property, null where there is none', async () => {
    const { data } = await client.from('car').select().eq('number', 4).single();
    expect(data).toMatchObject({ number: 4, name: null, price: null, tags: null, data: null, revision: 1 });
  });

  it('pages by range, and counts', async () => {
    const page = await client.from('car').select('number', { count: 'exact' }).order('number').range(1, 2);
    expect([page.status, page.count, page.data]).toEqual([206, 4, [{ number: 2 }, { number: 3 }]]);
    expect((await client.from('car').select('*', { count: 'exact', head: true })).count).toBe(4);
    expect((await client.from('car').select('*', { count: 'planned', head: true })).count).toEqual(expect.any(Number));
    expect((await client.from('car').select('*', { count: 'estimated', head: true })).count).toBe(4);
    const beyond = await client.from('car').select('number', { count: 'exact' }).range(100, 101);
    expect([beyond.status, beyond.error?.code]).toEqual([416, 'PGRST103']);
  });

  it('sorts with nulls where they are wanted', async () => {
    const by = async (options: object) => {
      const { data } = await client.from('car').select('number').order('weight', options).order('number');
      return data?.map(({ number }) => number);
    };
    expect(await by({ ascending: true, nullsFirst: true })).toEqual([3, 4, 1, 2]);
    expect(await by({ ascending: false, nullsFirst: false })).toEqual([2, 1, 3, 4]);
  });

  it('takes one record, or none, or a table of values', async () => {
    expect((await client.from('car').select('number').eq('number', 1).single()).data).toEqual({ number: 1 });
    const two = await client.from('car').select('number').lt('number', 3).single();
    expect([two.status, two.error]).toEqual([
      406,
      {
        ...{ code: 'PGRST116', message: 'Cannot coerce the result to a single JSON object' },
        ...{ details: 'The result contains 2 rows', hint: null },
      },
    ]);
    expect(await client.from('car').select('number').eq('number', 0).maybeSingle()).toMatchObject({ data: null, error: null });
    expect((await client.from('car').select('number,name').eq('number', 3).csv()).data).toBe('number,name\n3,Foxes and dogs\n');
  });

  it('is told what is wrong in words it knows', async () => {
    const error = async (query: PromiseLike<{ status: number; error: { code: string } | null }>) => {
      const answer = await query;
      return [answer.status, answer.error?.code];
    };
    expect(await error(client.from('nobody').select())).toEqual([404, 'PGRST205']);
    expect(await error(client.from('car').select('nobody'))).toEqual([400, 'PGRST100']);
    expect(await error(client.from('car').select('nobody(*)'))).toEqual([400, 'PGRST200']);
    expect(await error(client.from('car').select('name::uuid'))).toEqual([400, 'PGRST100']);
    expect(await error(new PostgrestClient(`${test.service.url}/rest/v1`).from('car').select())).toEqual([401, 'PGRST302']);
    const forged = new PostgrestClient(`${test.service.url}/rest/v1`, { headers: { authorization: 'Bearer x.y.z' } });
    expect(await error(forged.from('car').select())).toEqual([401, 'PGRST301']);
    expect(await error(client.rpc('pg_sleep', { seconds: 1 }))).toEqual([404, 'PGRST125']);
    expect(await error(client.schema('audit').from('events').select())).toEqual([406, 'PGRST106']);
  });
});

/** Before version 22, Node has no WebSocket, which it asks for and nothing here uses. */
const supabaseClient = (key: string) =>
  createClient(test.service.url, key, {
    auth: { persistSession: false, autoRefreshToken: false },
    realtime: { transport: class {} as never },
  });

describe('supabase-js', () => {
  it('reads with its own headers, as the tenant of its key', async () => {
    const key = await test.token(['viewer'], tenant.id);
    const supabase = supabaseClient(key);
    const { data, error } = await supabase.from('owner').select('name, car(number, name)').not('car', 'is', null).order('name');
    expect([error, data]).toEqual([
      null,
      [
        { name: 'Ada', car: { number: 1, name: 'The quick brown fox' } },
        { name: 'Bob', car: { number: 1, name: 'The quick brown fox' } },
      ],
    ]);
  });

  it('of another tenant finds nothing of this one', async () => {
    const other = await test.tenant();
    const key = await test.token(['viewer'], other.id);
    const supabase = supabaseClient(key);
    expect((await supabase.from('car').select()).error?.code).toBe('PGRST205');
    await other.define('car', DOCUMENT);
    expect((await supabase.from('car').select()).data).toEqual([]);
  });
});
