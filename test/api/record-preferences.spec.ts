/** What a write is asked beside its body: Prefer, columns and select; dry runs that keep nothing; JSON patches. On both surfaces. */

import { randomUUID } from 'node:crypto';
import { PostgrestClient } from '@supabase/postgrest-js';
import { faultsOf, refusal } from '../harness/problem.js';
import { type Method, startTestService, type TestService, type TestTenant } from '../harness/service.js';

type Call = Awaited<ReturnType<TestTenant['as']>>;

type Row = Record<string, unknown>;
/** As loose as a client without types, but for the version of PostgREST whose methods it has. */
interface Database {
  readonly public: {
    readonly Tables: { readonly item: { Row: Row; Insert: Row; Update: Row; Relationships: [] } };
    readonly Views: Record<never, never>;
    readonly Functions: Record<never, never>;
  };
}

let test: TestService;
let tenant: TestTenant;
let call: Call;
let rest: Call;
let client: PostgrestClient<Database, { PostgrestVersion: '13' }>;

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  call = await tenant.as('editor');
  const token = await test.token(['editor'], tenant.id);
  rest = (method: Method, path: string) => test.request(token, method, `/rest/v1${path}`);
  client = new PostgrestClient(`${test.service.url}/rest/v1`, { headers: { authorization: `Bearer ${token}` } });
  await tenant.define('maker', MAKER);
  await tenant.define('item', ITEM);
});

afterAll(() => test.stop());

const MAKER = { type: 'object', properties: { name: { type: 'string' } } };
const ITEM = {
  type: 'object',
  additionalProperties: false,
  required: ['name'],
  properties: {
    name: { type: 'string', maxLength: 20 },
    code: { type: 'string', unique: true },
    state: { type: 'string', default: 'new' },
    note: { type: ['string', 'null'], default: 'none' },
    data: { type: 'object' },
    pin: { type: 'string', writeOnly: true },
    made: { type: 'string', generated: 'actor' },
    maker: { type: 'string', format: 'uuid', relation: { entity: 'maker', onDelete: 'cascade' } },
  },
};

const insert = (body: object, prefer = '', query = '', as = call) =>
  as('post', `${as === rest ? '' : '/records'}/item${query}`)
    .set('prefer', prefer)
    .send(body);
const get = async (id: string) => (await call('get', `/records/item/${id}`)).body;
/** Everything the tenant has, in numbers: what a dry run leaves as it was. */
const counts = async () => {
  const { rows } = await test.database.admin(
    `select (select count(*)::int from "${tenant.schemaName}".item) as items,
      (select coalesce(sum(revision), 0)::int from "${tenant.schemaName}".item) as revisions,
      (select count(*)::int from audit.events where tenant_id = $1) as events,
      (select coalesce(sum(events), 0)::int from audit.pending where tenant_id = $1)
        + (select count(*)::int from audit.chain where tenant_id = $1) as marked`,
    [tenant.id],
  );
  return rows[0];
};

describe('Prefer: handling=strict', () => {
  it.each<[Method, string]>([
    ['post', ''],
    ['patch', '?name=eq.strict'],
    ['delete', '?name=eq.strict'],
    ['put', '?code=eq.strict'],
  ])('refuses on %s%s what it does not know, and does nothing', async (method, query) => {
    const before = await counts();
    const body = { name: 'strict', code: 'strict' };
    const answer = await call(method, `/records/item${query}`).set('prefer', 'handling=strict, colour=red').send(body);
    expect([refusal(answer), answer.body.detail]).toEqual([
      '400 request/invalid-header',
      expect.stringContaining('"colour=red"'),
    ]);
    expect(await counts()).toEqual(before);
  });

  it('takes what it knows, and reports what it followed', async () => {
    const answer = await insert({ name: 'a' }, 'handling=strict, return=minimal, missing=default, wait=5').expect(201);
    expect([answer.text, answer.headers['preference-applied']]).toEqual(['', 'missing=default, return=minimal, handling=strict']);
  });
});

describe('an insert', () => {
  it('refuses columns that do not exist, that are no list, and are given twice', async () => {
    for (const query of ['?columns=name,colour', '?columns=name,,code', '?columns=name&columns=code', '?columns=name"; --']) {
      expect(refusal(await insert({ name: 'a' }, '', query))).toBe('400 request/invalid-query');
    }
  });

  it('refuses a member that columns name and the store sets', async () => {
    expect(faultsOf(await insert({ name: 'a', made: 'me' }, '', '?columns=name,made'))).toEqual(['/made readOnly']);
  });

  it('refuses what select cannot be read from, before or after it is stored, and stores nothing', async () => {
    const before = await counts();
    for (const select of ['pin', 'colour', 'data->>size::integer', 'other(name)']) {
      const answer = await insert({ name: 'a', data: { size: 'x' } }, '', `?select=${select}`);
      expect(answer.status).toBe(400);
    }
    const one = rest('post', '/item?select=name,maker!inner(name)').set('accept', 'application/vnd.pgrst.object+json');
    expect((await one.set('prefer', 'return=representation').send({ name: 'a' })).status).toBe(406);
    const several = rest('post', '/item').set('accept', 'application/vnd.pgrst.object+json');
    expect((await several.send([{ name: 'a' }, { name: 'b' }])).status).toBe(406);
    expect((await rest('post', '/item').set('accept', 'image/png').send({ name: 'a' })).status).toBe(406);
    expect(await counts()).toEqual(before);
  });

  it('counts only the columns that are named', async () => {
    const { body } = await insert({ name: 'a', state: 'done', colour: 'red' }, '', '?columns=name').expect(201);
    expect([body.name, body.state]).toEqual(['a', 'new']);
  });

  it('of the service gives defaults to whatever is absent; below /rest/v1 a named column is null unless missing=default', async () => {
    const rows = [{ name: 'a', state: 'x', note: 'x' }, { name: 'b' }];
    const stated = async (prefer: string, query: string, as: Call) =>
      (await insert(rows, `return=representation, ${prefer}`, query, as).expect(201)).body.map(
        ({ state, note, made }: Record<string, unknown>) => [state, note, made],
      );
    const made = 'editor@test';
    expect(await stated('', '', call)).toEqual([
      ['x', 'x', made],
      ['new', 'none', made],
    ]);
    expect(await stated('', '', rest)).toEqual([
      ['x', 'x', made],
      [null, null, made],
    ]);
    expect(await stated('missing=default', '', rest)).toEqual([
      ['x', 'x', made],
      ['new', 'none', made],
    ]);
    expect(await stated('', '?columns=name,state', rest)).toEqual([
      ['x', 'none', made],
      [null, 'none', made],
    ]);
    const [, absent] = (await insert(rows, 'return=representation', '', rest)).body;
    expect(await get(absent.id)).not.toHaveProperty('state');
    expect((await get(absent.id)).note).toBeNull();
    const missing = await insert([{ name: 'a', code: null }, { code: null }], '', '', rest);
    expect([missing.status, missing.body.details]).toEqual([422, expect.stringContaining('/1/name')]);
  });

  it('answers as each surface does by itself, and otherwise as it is asked', async () => {
    const own = await insert({ name: 'a' }).expect(201);
    expect(own.body.name).toBe('a');
    const silent = await insert({ name: 'a' }, '', '', rest).expect(201);
    expect([silent.text, silent.headers.location, silent.headers['content-range']]).toEqual(['', undefined, '*/*']);
    const headers = await insert({ name: 'a' }, 'return=headers-only, count=exact', '', rest).expect(201);
    expect([headers.text, headers.headers['content-range']]).toEqual(['', '*/1']);
    const found = await test.request(await test.token(['viewer'], tenant.id), 'get', String(headers.headers.location));
    expect(found.body).toMatchObject([{ name: 'a', data: null }]);
    const ownHeaders = await insert({ name: 'a' }, 'return=headers-only').expect(201);
    expect([ownHeaders.text, ownHeaders.headers.etag]).toEqual(['', '"1"']);
    expect(String(ownHeaders.headers.location)).toMatch(new RegExp(`^/api/v1/tenants/${tenant.id}/records/item/[0-9a-f-]{36}$`));
  });

  it('shapes the answer by select, whatever has to be computed or embedded for it, in the order of the body', async () => {
    const maker = (await call('post', '/records/maker').send({ name: 'Ada' })).body.id;
    const rows = Array.from({ length: 5 }, (_, n) => ({ name: `n${n}`, data: { size: n }, ...(n % 2 ? { maker } : {}) }));
    expect((await insert(rows[0] as object, '', '?select=title:name,state')).body).toEqual({ title: 'n0', state: 'new' });
    expect((await insert(rows[1] as object, '', '?select=size:data->size,name::text,maker(name)')).body).toEqual({
      ...{ size: 1, name: 'n1', maker: { name: 'Ada' } },
    });
    const embedded = await insert(rows, 'return=representation', '?select=name,maker(name)', rest);
    expect(embedded.body).toEqual(rows.map(({ name }, n) => ({ name, maker: n % 2 ? { name: 'Ada' } : null })));
    const sorted = await insert(rows, '', '?select=name&order=name.desc');
    expect(sorted.body.map(({ name }: { name: string }) => name)).toEqual(['n4', 'n3', 'n2', 'n1', 'n0']);
    const narrowed = await insert(rows, '', '?select=name,maker!inner(name)&maker.name=eq.Ada');
    expect(narrowed.body.map(({ name }: { name: string }) => name)).toEqual(['n1', 'n3']);
    const counted = await insert(rows, '', '?select=count()');
    expect(counted.body).toEqual([{ count: 5 }]);
    expect((await insert([], 'return=representation', '?select=name', rest).expect(201)).body).toEqual([]);
  });

  it('answers with CSV and with one object below /rest/v1', async () => {
    const csv = rest('post', '/item?select=name,state').set('accept', 'text/csv').set('prefer', 'return=representation');
    expect((await csv.send([{ name: 'a' }, { name: 'b,c' }]).expect(201)).text).toBe('name,state\na,new\n"b,c",new\n');
    const one = rest('post', '/item?select=name').set('accept', 'application/vnd.pgrst.object+json');
    expect(
      JSON.parse(
        (
          await one
            .set('prefer', 'return=representation')
            .send([{ name: 'a' }])
            .expect(201)
        ).text,
      ),
    ).toEqual({ name: 'a' });
  });
});

describe('Prefer: tx=rollback', () => {
  it('is refused with an Idempotency-Key, and does nothing', async () => {
    const before = await counts();
    for (const [method, query] of [
      ['post', ''],
      ['patch', '?name=eq.a'],
      ['delete', '?name=eq.a'],
    ] as const) {
      const request = call(method, `/records/item${query}`).set('idempotency-key', randomUUID()).set('prefer', 'tx=rollback');
      expect(refusal(await request.send({ name: 'a' }))).toBe('400 request/invalid-header');
    }
    expect(await counts()).toEqual(before);
  });

  it('does everything, answers it, and keeps nothing of it', async () => {
    const { body: there } = await insert({ name: 'there', code: randomUUID() }).expect(201);
    await insert({ name: 'many' });
    await insert({ name: 'many' });
    const before = await counts();
    const dry = (method: Method, path: string, prefer = '') =>
      call(method, `/records/item${path}`).set('prefer', `tx=rollback, ${prefer}`);
    const answers = [
      await dry('post', '').send({ name: 'dry' }),
      await dry('post', '?select=name,maker(name)').send([{ name: 'dry' }]),
      await dry('post', '?on_conflict=code', 'resolution=merge-duplicates').send([
        { name: 'dry', code: there.code },
        { name: 'b', code: 'b' },
      ]),
      await dry('post', '?on_conflict=code', 'resolution=ignore-duplicates').send([{ name: 'dry', code: 'c' }]),
      await dry('put', `?code=eq.${there.code}`).send({ name: 'dry', code: there.code }),
      await dry('patch', '?name=eq.many').send({ state: 'dry' }),
      await dry('delete', '?name=eq.many', 'return=representation'),
      await dry('put', `/${there.id}`).send({ name: 'dry' }),
      await dry('patch', `/${there.id}`).send({ name: 'dry' }),
      await dry('delete', `/${there.id}`),
    ];
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201, 200, 200, 200, 200, 200, 204]);
    for (const { headers } of answers) expect(headers['preference-applied']).toContain('tx=rollback');
    expect(answers.slice(0, 9).map(({ body }) => (Array.isArray(body) ? body.length : body.name))).toEqual([
      'dry',
      1,
      2,
      1,
      'dry',
      2,
      2,
      'dry',
      'dry',
    ]);
    expect(answers[5]?.body[0]).toMatchObject({ state: 'dry', revision: 2 });
    expect(await counts()).toEqual(before);
    expect(await get(there.id)).toEqual(there);
  });

  it('is refused where the write would be', async () => {
    const { body } = await insert({ name: 'taken', code: randomUUID() });
    expect(refusal(await insert({ name: 'a', code: body.code }, 'tx=rollback'))).toBe('409 record/duplicate');
    expect(refusal(await insert({ name: '' as string, code: 1 }, 'tx=rollback'))).toBe('422 record/invalid');
  });

  it('leaves its connection as clean as any: what follows on it is kept', async () => {
    await Promise.all(
      Array.from({ length: 30 }, (_, n) => insert({ name: `n${n}` }, n % 2 ? 'tx=rollback' : 'tx=commit').expect(201)),
    );
    const { rows } = await test.database.admin(
      `select count(*)::int as n from "${tenant.schemaName}".item where name ~ '^n\\d+$'`,
    );
    await insert({ name: 'n99' }).expect(201);
    const { rows: after } = await test.database.admin(
      `select count(*)::int as n from "${tenant.schemaName}".item where name ~ '^n\\d+$'`,
    );
    expect(after[0].n).toBe(rows[0].n + 1);
  });
});

describe('a JSON patch', () => {
  const patch = (id: string, operations: unknown, as = call) =>
    as('patch', `/records/item/${id}`).set('content-type', 'application/json-patch+json').send(JSON.stringify(operations));

  it.each<[string, unknown, string[]]>([
    ['that is no array', {}, [' patch']],
    ['of something else', ['add'], ['/0 patch']],
    ['without an operation', [{ path: '/name', value: 'b' }], ['/0/op patch']],
    ['of an unknown one', [{ op: 'toString', path: '/name' }], ['/0/op patch']],
    ['without a path', [{ op: 'add', value: 1 }], ['/0/path patch']],
    ['without a value', [{ op: 'add', path: '/name' }], ['/0/value patch']],
    ['with a path that is none', [{ op: 'remove', path: 'name' }], ['/0/path patch']],
    ['with an escape that is none', [{ op: 'remove', path: '/a~2' }], ['/0/path patch']],
    [
      'at a place that is not there',
      [
        { op: 'test', path: '/name', value: 'a' },
        { op: 'replace', path: '/code', value: 'x' },
      ],
      ['/1/path patch'],
    ],
    ['below nothing', [{ op: 'add', path: '/data/a/b', value: 1 }], ['/0/path patch']],
    ['from a place that is not there', [{ op: 'move', from: '/code', path: '/name' }], ['/0/from patch']],
    ['at an inherited name', [{ op: 'remove', path: '/toString' }], ['/0/path patch']],
    ['at the prototype', [{ op: 'add', path: '/data/__proto__', value: { admin: true } }], ['/0/path patch']],
    ['at the constructor', [{ op: 'copy', from: '/constructor', path: '/note' }], ['/0/from patch']],
    ['at the length of an array', [{ op: 'remove', path: '/data/list/length' }], ['/0/path patch']],
    ['at an index that is none', [{ op: 'add', path: '/data/list/01', value: 1 }], ['/0/path patch']],
    ['beyond the end', [{ op: 'add', path: '/data/list/3', value: 1 }], ['/0/path patch']],
    ['of the whole', [{ op: 'remove', path: '' }], ['/0/path patch']],
    ['into itself', [{ op: 'move', from: '/data', path: '/data/list' }], ['/0 patch']],
    ['on what is never returned', [{ op: 'replace', path: '/pin', value: '2' }], ['/0/path patch']],
    ['with a value of the wrong type', [{ op: 'replace', path: '/name', value: 3 }], ['/name type']],
    ['of what the store sets', [{ op: 'replace', path: '/revision', value: 9 }], ['/revision readOnly']],
    ['of all there is', [{ op: 'replace', path: '', value: [] }], [' type']],
    ['that takes what is required', [{ op: 'remove', path: '/name' }], ['/name required']],
  ])('%s is refused with the operation', async (_, operations, faults) => {
    const { body } = await insert({ name: 'a', data: { list: [1, 2] }, pin: '1' });
    const answer = await patch(body.id, operations);
    expect([refusal(answer), faultsOf(answer)]).toEqual(['422 record/invalid', faults]);
    expect(await get(body.id)).toEqual(body);
  });

  it('is a conflict where a test fails, also of what is absent or never returned', async () => {
    const { body } = await insert({ name: 'a', pin: '1' });
    for (const [path, value] of [
      ['/name', 'b'],
      ['/code', null],
      ['/pin', '1'],
      ['', {}],
    ]) {
      const answer = await patch(body.id, [
        { op: 'replace', path: '/state', value: 'x' },
        { op: 'test', path, value },
      ]);
      expect([refusal(answer), faultsOf(answer)]).toEqual(['409 record/patch-failed', ['/1 test']]);
    }
    expect(await get(body.id)).toEqual(body);
  });

  it('of copies of copies does not fill the memory', async () => {
    const { body } = await insert({ name: 'a', data: { a: 'x'.repeat(1000) } });
    const doubling = Array.from({ length: 40 }, (_, n) => ({ op: 'copy', from: '/data', path: `/data/c${n}` }));
    expect(refusal(await patch(body.id, doubling))).toBe('422 record/invalid');
  });

  it('is refused for a stale tag, another tenant and a viewer', async () => {
    const { body } = await insert({ name: 'a' });
    const operations = [{ op: 'replace', path: '/name', value: 'b' }];
    expect(refusal(await patch(body.id, operations).set('if-match', '"7"'))).toBe('412 record/precondition-failed');
    expect(refusal(await patch(body.id, operations, await tenant.as('viewer')))).toBe('403 auth/forbidden');
    const other = await test.tenant();
    await other.define('item', { ...ITEM, properties: { name: { type: 'string' } } });
    expect(refusal(await patch(body.id, operations, await other.as('editor')))).toBe('404 record/not-found');
  });

  it('changes what it says, in order, and keeps what cannot be seen', async () => {
    const { body } = await insert({ name: 'a', note: null, pin: '1', data: { list: [1, 2], 'a/b': { '~': 1 } } });
    const answer = await patch(body.id, [
      { op: 'test', path: '/data/a~1b/~0', value: 1 },
      { op: 'test', path: '/note', value: null },
      { op: 'add', path: '/data/list/1', value: 9 },
      { op: 'add', path: '/data/list/-', value: { c: [] } },
      { op: 'move', from: '/data/list/0', path: '/data/first' },
      { op: 'copy', from: '/name', path: '/code' },
      { op: 'replace', path: '/name', value: 'b' },
      { op: 'remove', path: '/state' },
      { op: 'remove', path: '/note' },
    ]);
    expect(answer.status).toBe(200);
    const { state: _, note: __, ...kept } = body;
    expect(answer.body).toEqual({
      ...kept,
      ...{ name: 'b', code: 'a', revision: 2, updated_at: answer.body.updated_at },
      data: { list: [9, 2, { c: [] }], 'a/b': { '~': 1 }, first: 1 },
    });
    const { rows } = await test.database.admin(`select pin from "${tenant.schemaName}".item where id = $1`, [body.id]);
    expect(rows).toEqual([{ pin: '1' }]);
    const whole = await patch(body.id, [{ op: 'replace', path: '', value: { name: 'c' } }]).expect(200);
    expect([whole.body.name, 'data' in whole.body, whole.body.revision]).toEqual(['c', false, 3]);
  });

  it('is taken nowhere else, and PATCH says what it takes', async () => {
    const { body } = await insert({ name: 'a' });
    const other = await call('patch', `/records/item/${body.id}`).set('content-type', 'text/plain').send('x');
    expect([refusal(other), other.headers['accept-patch']]).toEqual([
      '415 request/unsupported-media-type',
      'application/merge-patch+json, application/json-patch+json, application/json',
    ]);
    const posted = await call('post', '/records/item').set('content-type', 'application/json-patch+json').send('{"name":"a"}');
    expect([refusal(posted), posted.headers['accept-patch']]).toEqual(['415 request/unsupported-media-type', undefined]);
  });
});

describe("PostgREST's client", () => {
  it('inserts, upserts, changes and deletes, and reads what it wrote', async () => {
    const inserted = await client.from('item').insert(
      [
        { name: 'js', code: 'js-1' },
        { name: 'js', state: 'old' },
      ],
      { count: 'exact' },
    );
    expect([inserted.status, inserted.error, inserted.data, inserted.count]).toEqual([201, null, null, 2]);
    const one = await client.from('item').insert({ name: 'js', code: 'js-2' }).select('name,code').single();
    expect(one.data).toEqual({ name: 'js', code: 'js-2' });
    const upserted = await client
      .from('item')
      .upsert(
        [
          { code: 'js-1', name: 'js', note: 'x' },
          { code: 'js-3', name: 'js', note: 'y' },
        ],
        { onConflict: 'code' },
      )
      .select('code,note,revision');
    expect([upserted.status, upserted.data]).toEqual([
      201,
      [
        { code: 'js-1', note: 'x', revision: 2 },
        { code: 'js-3', note: 'y', revision: 1 },
      ],
    ]);
    const ignored = await client
      .from('item')
      .upsert({ code: 'js-1', name: 'z' }, { onConflict: 'code', ignoreDuplicates: true })
      .select();
    expect([ignored.error, ignored.data]).toEqual([null, []]);
    const updated = await client
      .from('item')
      .update({ state: 'done' }, { count: 'exact' })
      .like('code', 'js-%')
      .select('code')
      .order('code');
    expect([updated.count, updated.data]).toEqual([3, [{ code: 'js-1' }, { code: 'js-2' }, { code: 'js-3' }]]);
    const limited = await client.from('item').update({ state: 'x' }).like('code', 'js-%').maxAffected(2);
    expect([limited.status, limited.error?.code]).toEqual([400, 'PGRST124']);
    const everything = await client.from('item').delete();
    expect([everything.status, everything.error?.code]).toEqual([400, 'PGRST100']);
    const dry = await client.from('item').delete().like('code', 'js-%').rollback().select('code');
    expect(dry.data).toHaveLength(3);
    const removed = await client.from('item').delete({ count: 'exact' }).like('code', 'js-%');
    expect([removed.status, removed.count]).toEqual([204, 3]);
    const twice = await client.from('item').upsert(
      [
        { code: 'js-9', name: 'a' },
        { code: 'js-9', name: 'b' },
      ],
      { onConflict: 'code' },
    );
    expect([twice.status, twice.error?.code]).toEqual([400, '21000']);
  });
});
