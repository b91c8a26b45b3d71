/** PostgREST's own clients write through `/rest/v1`, unchanged: what they store is stored, and what they may not is refused in their words. */

import postgrestProvider, { defaultPrimaryKeys, defaultSchema } from '@raphiniert/ra-data-postgrest';
import { PostgrestClient } from '@supabase/postgrest-js';
import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import type { DataProvider } from 'ra-core';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let tenant: TestTenant;
let supabase: SupabaseClient;

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  await tenant.define('todo', {
    type: 'object',
    required: ['number'],
    properties: {
      number: { type: 'integer', unique: true },
      title: { type: 'string', maxLength: 20 },
      state: { type: 'string', enum: ['open', 'done'], default: 'open' },
      data: { type: 'object' },
      due: { type: ['string', 'null'], format: 'date' },
      parent: { type: 'integer', relation: { entity: 'todo', field: 'number' } },
    },
  });
  supabase = clientOf(await test.token(['editor'], tenant.id));
}, 60_000);

beforeEach(async () => {
  await supabase.from('todo').delete().not('parent', 'is', null);
  await supabase.from('todo').delete().not('id', 'is', null);
});

afterAll(() => test.stop());

/** Before version 22, Node has no WebSocket, which it asks for and nothing here uses. */
function clientOf(key: string): SupabaseClient {
  return createClient(test.service.url, key, {
    auth: { persistSession: false, autoRefreshToken: false },
    realtime: { transport: class {} as never },
  });
}

const todos = async () => (await supabase.from('todo').select('number,title,state').order('number')).data;

describe('supabase-js', () => {
  it('is refused what the role, the rules or the keys forbid', async () => {
    const viewer = clientOf(await test.token(['viewer'], tenant.id));
    const codes = async (writing: PromiseLike<{ status: number; error: { code: string } | null }>) => {
      const { status, error } = await writing;
      return [status, error?.code];
    };
    expect(await codes(viewer.from('todo').insert({ number: 1 }))).toEqual([403, '42501']);
    expect(await codes(viewer.from('todo').delete().eq('number', 1))).toEqual([403, '42501']);
    await supabase.from('todo').insert([{ number: 1 }, { number: 2, parent: 1 }]);
    expect(await codes(supabase.from('todo').insert({ number: 1 }))).toEqual([409, '23505']);
    expect(await codes(supabase.from('todo').insert({ number: 3, parent: 99 }))).toEqual([409, '23503']);
    expect(await codes(supabase.from('todo').delete().eq('number', 1))).toEqual([409, '23503']);
    expect(await codes(supabase.from('todo').insert({ number: 3, title: 'x'.repeat(21) }))).toEqual([422, '23514']);
    expect(await codes(supabase.from('todo').insert({ number: 3, nobody: 1 }))).toEqual([201, undefined]);
    expect((await codes(supabase.from('todo').update({ title: 'all' })))[0]).toBe(400);
    expect((await codes(supabase.from('todo').delete()))[0]).toBe(400);
    expect(await todos()).toHaveLength(3);
  });

  it('inserts one or many, silently or not', async () => {
    const silent = await supabase.from('todo').insert({ number: 1, title: 'one' });
    expect([silent.status, silent.data]).toEqual([201, null]);
    // What another of them has and one lacks is null, or the default when that is asked for.
    const many = [{ number: 2 }, { number: 3, state: 'done' }];
    const told = await supabase.from('todo').insert(many).select('number,state').order('number');
    expect(told.data).toEqual([{ number: 2, state: null }, many[1]]);
    const defaulted = many.map((todo) => ({ ...todo, number: todo.number + 10 }));
    const filled = await supabase.from('todo').insert(defaulted, { defaultToNull: false }).select('number,state').order('number');
    expect(filled.data).toEqual([{ number: 12, state: 'open' }, defaulted[1]]);
    const one = await supabase.from('todo').insert({ number: 4, title: 'four' }).select('number,title').single();
    expect(one.data).toEqual({ number: 4, title: 'four' });
  });

  it('upserts on a key', async () => {
    await supabase.from('todo').insert({ number: 1, title: 'old', state: 'done' });
    const merged = await supabase
      .from('todo')
      .upsert(
        [
          { number: 1, title: 'new' },
          { number: 2, title: 'two' },
        ],
        { onConflict: 'number' },
      )
      .select('number,title,revision')
      .order('number');
    expect([merged.error, merged.data]).toEqual([
      null,
      [
        { number: 1, title: 'new', revision: 2 },
        { number: 2, title: 'two', revision: 1 },
      ],
    ]);
    const ignored = await supabase
      .from('todo')
      .upsert([{ number: 1, title: 'newer' }, { number: 3 }], { onConflict: 'number', ignoreDuplicates: true })
      .select('number');
    expect(ignored.data).toEqual([{ number: 3 }]);
    expect((await todos())?.map(({ title }) => title)).toEqual(['new', 'two', null]);
  });

  it('updates and deletes whatever a filter finds', async () => {
    await supabase.from('todo').insert([1, 2, 3].map((number) => ({ number, title: `t${number}`, data: { a: 1, b: 2 } })));
    const updated = await supabase
      .from('todo')
      .update({ state: 'done', data: { c: 3 } })
      .gt('number', 1)
      .select('number,state,data')
      .order('number');
    // A value is replaced, not merged: it is a column to these clients.
    expect(updated.data).toEqual([2, 3].map((number) => ({ number, state: 'done', data: { c: 3 } })));
    expect((await supabase.from('todo').update({ title: null }).eq('number', 1)).status).toBe(204);
    const { count } = await supabase.from('todo').delete({ count: 'exact' }).eq('state', 'done');
    expect(count).toBe(2);
    expect(await todos()).toEqual([{ number: 1, title: null, state: 'open' }]);
  });

  it('of another tenant changes nothing of this one', async () => {
    await supabase.from('todo').insert({ number: 1, title: 'mine' });
    const other = await test.tenant();
    await other.define('todo', {
      type: 'object',
      properties: { number: { type: 'integer', unique: true }, title: { type: 'string' } },
    });
    const theirs = clientOf(await test.token(['admin'], other.id));
    expect((await theirs.from('todo').update({ title: 'theirs' }).eq('number', 1).select()).data).toEqual([]);
    expect((await theirs.from('todo').delete({ count: 'exact' }).eq('number', 1)).count).toBe(0);
    expect((await theirs.from('todo').upsert({ number: 1, title: 'theirs' }, { onConflict: 'number' })).error).toBeNull();
    expect(await todos()).toEqual([{ number: 1, title: 'mine', state: 'open' }]);
  });

  it('tries without doing', async () => {
    const client = new PostgrestClient(`${test.service.url}/rest/v1`, {
      headers: { authorization: `Bearer ${await test.token(['editor'], tenant.id)}` },
    });
    const tried = await client.from('todo').insert({ number: 9 }).select('number').rollback();
    expect([tried.error, tried.data, await todos()]).toEqual([null, [{ number: 9 }], []]);
  });
});

describe('ra-data-postgrest', () => {
  let provider: DataProvider;

  beforeAll(async () => {
    const authorization = `Bearer ${await test.token(['editor'], tenant.id)}`;
    /** As react-admin's fetchJson, without a browser. */
    const httpClient = async (url: string, options: { method?: string; body?: string; headers?: Headers } = {}) => {
      const headers = new Headers(options.headers);
      headers.set('authorization', authorization);
      if (options.body !== undefined && !headers.has('content-type')) headers.set('content-type', 'application/json');
      const response = await fetch(url, { ...options, headers });
      const body = await response.text();
      if (!response.ok) throw new Error(`${response.status} ${body}`);
      return { status: response.status, headers: response.headers, body, json: body === '' ? undefined : JSON.parse(body) };
    };
    provider = postgrestProvider({
      ...{
        apiUrl: `${test.service.url}/rest/v1`,
        httpClient,
        defaultListOp: 'eq',
        primaryKeys: defaultPrimaryKeys,
        schema: defaultSchema,
      },
    } as never);
  });

  it('creates, lists, reads, changes and deletes', async () => {
    const created: { id: string }[] = [];
    for (const number of [1, 2, 3]) created.push((await provider.create('todo', { data: { number, title: `t${number}` } })).data);
    const page = { pagination: { page: 1, perPage: 2 }, sort: { field: 'number', order: 'DESC' as const }, filter: {} };
    const list = await provider.getList('todo', page);
    expect([list.total, list.data.map(({ number }) => number)]).toEqual([3, [3, 2]]);
    const filtered = await provider.getList('todo', { ...page, filter: { 'title@like': 't1' } });
    expect([filtered.total, filtered.data]).toMatchObject([1, [{ title: 't1' }]]);
    const [first, second, third] = created.map(({ id }) => id) as [string, string, string];
    expect((await provider.getOne('todo', { id: first })).data).toMatchObject({ number: 1, title: 't1' });
    expect((await provider.getMany('todo', { ids: [first, second] })).data).toHaveLength(2);
    const previousData = (await provider.getOne('todo', { id: first })).data;
    const changed = await provider.update('todo', { id: first, data: { ...previousData, title: 'changed' }, previousData });
    expect(changed.data).toMatchObject({ id: first, title: 'changed' });
    await provider.updateMany('todo', { ids: [second, third], data: { state: 'done' } });
    await provider.update('todo', { id: third, data: { parent: 1 }, previousData: { id: third } });
    const referring = { target: 'parent', id: 1, ...page };
    expect((await provider.getManyReference('todo', referring)).data).toMatchObject([{ number: 3, state: 'done', parent: 1 }]);
    await provider.delete('todo', { id: third, previousData: { id: third } });
    await provider.deleteMany('todo', { ids: [first, second] });
    expect((await provider.getList('todo', page)).total).toBe(0);
  });
});
