/** Upserts: under which keys, what becomes of records that are there, what two at once do, and that the trail tells exactly that. */

import { randomUUID } from 'node:crypto';
import type { Role } from '../../src/access/principal.js';
import { withClient } from '../harness/database.js';
import { eventually } from '../harness/eventually.js';
import { faultsOf, refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

type Call = Awaited<ReturnType<TestTenant['as']>>;

let test: TestService;
let tenant: TestTenant;
let call: Call;

beforeAll(async () => {
  test = await startTestService({ MAX_INSERT_ROWS: '2000' });
  tenant = await test.tenant();
  call = await tenant.as('editor');
  await tenant.define('product', PRODUCT);
  await tenant.define('locked', {
    type: 'object',
    concurrency: 'required',
    properties: { code: { type: 'string', unique: true } },
  });
});

afterAll(() => test.stop());

const PRODUCT = {
  type: 'object',
  additionalProperties: false,
  required: ['name'],
  properties: {
    sku: { type: 'string', unique: true },
    name: { type: 'string', maxLength: 20 },
    site: { type: 'string' },
    slot: { type: 'integer' },
    price: { type: 'string', format: 'decimal', precision: 8, scale: 2, unique: true },
    note: { type: ['string', 'null'] },
    state: { type: 'string', default: 'new' },
    origin: { type: 'string', immutable: true },
    pin: { type: 'string', writeOnly: true },
    made: { type: 'string', generated: 'actor' },
  },
  uniqueKeys: [['site', 'slot']],
};

let serial = 0;
const sku = () => `sku-${++serial}`;
const MERGE = 'resolution=merge-duplicates';
const IGNORE = 'resolution=ignore-duplicates';

function upsert(body: unknown, prefer = MERGE, query = '?on_conflict=sku', as = call) {
  return as('post', `/records/product${query}`)
    .set('prefer', prefer)
    .send(body as object);
}
async function bySku(value: string): Promise<Record<string, unknown>> {
  return (await call('get', `/records/product?sku=eq.${value}`).expect(200)).body[0];
}
const trail = async (id: string) => {
  const { rows } = await test.database.admin(
    'select action, body::json as body from audit.events where tenant_id = $1 and record_id = $2 order by event_id',
    [tenant.id, id],
  );
  return rows as { action: string; body: { before?: Record<string, unknown>; after?: Record<string, unknown> } }[];
};
const events = async () =>
  (await test.database.admin('select count(*)::int as n from audit.events where tenant_id = $1', [tenant.id])).rows[0]
    .n as number;

describe('an upsert is refused', () => {
  it.each([
    ['name', '"name" is no unique key of "product", whose keys are "id", "sku", "price", "site,slot".'],
    ['site', '"site" is no unique key'],
    ['sku,site', '"sku" and "site" is no unique key'],
    ['id,sku', '"id" and "sku" is no unique key'],
    ['tenant_id', '"tenant_id" is no unique key'],
    ['sku,sku', 'a name is given twice'],
    ['"sku""', 'a comma or the end is expected'],
    ['sku) do nothing; drop table x; --', 'a comma or the end is expected'],
    ['"sku\\") do nothing; --"', 'is no unique key'],
    ['', 'a property name is expected'],
  ])('on the key %j', async (names, said) => {
    const answer = await upsert({ sku: sku(), name: 'a' }, MERGE, `?on_conflict=${encodeURIComponent(names)}`);
    expect(refusal(answer)).toBe('400 request/invalid-query');
    expect(answer.body.detail).toContain(said);
  });

  it('on a key without a resolution, with filters, with a page, and on columns that do not exist', async () => {
    const body = { sku: sku(), name: 'a' };
    for (const [query, prefer] of [
      ['?on_conflict=sku', 'return=minimal'],
      ['?sku=eq.a', MERGE],
      ['?limit=1', MERGE],
      ['?columns=sku,colour', MERGE],
      ['?columns=sku);%20drop%20table%20x', MERGE],
    ] as const) {
      expect(refusal(await upsert(body, prefer, query))).toBe('400 request/invalid-query');
    }
    expect(await bySku(body.sku)).toBeUndefined();
  });

  it.each<Role>(['viewer', 'auditor'])('from the role %s', async (role) => {
    const reader = await tenant.as(role);
    expect(refusal(await upsert({ sku: sku(), name: 'a' }, MERGE, '', reader))).toBe('403 auth/forbidden');
    expect(refusal(await reader('put', '/records/product?sku=eq.a').send({ sku: 'a', name: 'a' }))).toBe('403 auth/forbidden');
  });

  it('of one key twice in a body, by its text and by its value, and leaves nothing behind', async () => {
    const [one, two] = [sku(), sku()];
    const before = await events();
    const texts = await upsert([
      { sku: one, name: 'a' },
      { sku: two, name: 'b' },
      { sku: one, name: 'c' },
    ]);
    expect([refusal(texts), faultsOf(texts)]).toEqual(['400 record/key-repeated', ['/0/sku unique', '/2/sku unique']]);
    const twice = [
      { price: '1.5', name: 'a' },
      { price: '1.50', name: 'b' },
    ];
    const fresh = await upsert(twice, MERGE, '?on_conflict=price');
    expect(refusal(fresh)).toBe('400 record/key-repeated');
    expect([await bySku(one), await events()]).toEqual([undefined, before]);
    await call('post', '/records/product').send({ price: '1.50', name: 'there' }).expect(201);
    expect(refusal(await upsert(twice, MERGE, '?on_conflict=price'))).toBe('400 record/key-repeated');
  });

  it('where the record would not be valid as a whole: what is new, what is merged, what may not change', async () => {
    const code = sku();
    await upsert({ sku: code, name: 'a', origin: 'x' }).expect(201);
    const answer = await upsert([
      { sku: code, name: 'x'.repeat(21) },
      { sku: sku(), note: 'no name' },
      { sku: sku(), name: 'a', colour: 'red' },
    ]);
    expect([refusal(answer), faultsOf(answer)]).toEqual([
      '422 record/invalid',
      ['/0/name maxLength', '/1/name required', '/2/colour additionalProperties'],
    ]);
    const changed = await upsert({ sku: code, origin: 'y', revision: 7, made: 'me' });
    expect(faultsOf(changed).sort()).toEqual(['/made readOnly', '/origin immutable', '/revision readOnly']);
    expect(faultsOf(await upsert([{ sku: 3, name: 'a' }, 'text']))).toEqual(['/0/sku type', '/1 type']);
    expect(await bySku(code)).toMatchObject({ name: 'a', origin: 'x', revision: 1 });
  });

  it('when another unique value is taken, and when its own id is', async () => {
    const [one, two] = [sku(), sku()];
    const first = (await upsert({ sku: one, name: 'a', site: 'taken', slot: 1 }).expect(201)).body;
    await upsert({ sku: two, name: 'b' }).expect(201);
    const answer = await upsert({ sku: two, site: 'taken', slot: 1 });
    expect([refusal(answer), faultsOf(answer)]).toEqual(['409 record/duplicate', ['/site unique', '/slot unique']]);
    expect(faultsOf(await upsert({ sku: sku(), name: 'c', id: first.id }))).toEqual(['/id unique']);
  });

  it('with If-Match, and where records are changed only with it', async () => {
    const answer = await upsert({ sku: sku(), name: 'a' }).set('if-match', '"1"');
    expect(refusal(answer)).toBe('400 request/invalid-header');
    const locked = () => call('post', '/records/locked?on_conflict=code').set('prefer', MERGE).send({ code: 'a' });
    await locked().expect(201);
    expect(refusal(await locked())).toBe('428 record/precondition-required');
  });

  it('of more records than one request takes', async () => {
    const body = Array.from({ length: 2001 }, () => ({ name: 'a' }));
    expect(refusal(await upsert(body))).toBe('413 record/too-many');
  });

  it('and another tenant is not touched nor known: a foreign id is like one that nobody has', async () => {
    const other = await test.tenant();
    await other.define('product', PRODUCT);
    const theirs = await other.as('editor');
    const foreign = (await theirs('post', '/records/product').send({ name: 'theirs', sku: 'same' }).expect(201)).body;
    const answers = [];
    for (const id of [foreign.id, randomUUID()]) {
      const { status, body } = await upsert([{ id, name: 'mine' }], MERGE, '');
      answers.push([status, body[0].revision, body[0].id === id, body[0].name]);
    }
    expect(answers[0]).toEqual(answers[1]);
    const ids = [];
    for (const id of [foreign.id, randomUUID()]) ids.push((await upsert([{ id, note: 'x' }], MERGE, '')).status);
    expect(ids).toEqual([200, 422]);
    await upsert({ sku: 'same', name: 'mine' }).expect(201);
    expect((await theirs('get', `/records/product/${foreign.id}`)).body).toEqual(foreign);
  });
});

describe('merge-duplicates', () => {
  it('stores what is new and merges into what is there, by the id unless a key is named', async () => {
    const id = randomUUID();
    const created = await upsert({ id, name: 'a', note: 'kept', pin: '1' }, MERGE, '').expect(201);
    expect(created.headers['preference-applied']).toBe(MERGE);
    expect(created.body).toMatchObject({ id, revision: 1, state: 'new', made: 'editor@test' });
    const merged = await upsert({ id: id.toUpperCase(), name: 'b' }, MERGE, '').expect(200);
    expect(merged.body).toEqual({ ...created.body, name: 'b', revision: 2, updated_at: merged.body.updated_at });
    expect(await trail(id)).toEqual([
      { action: 'record.created', body: { after: { name: 'a', note: 'kept', state: 'new', made: 'editor@test' } } },
      {
        action: 'record.updated',
        body: {
          before: { name: 'a', note: 'kept', state: 'new', made: 'editor@test' },
          after: { name: 'b', note: 'kept', state: 'new', made: 'editor@test' },
        },
      },
    ]);
  });

  it('does both in one body, in its order, with 201 as long as one is new', async () => {
    const codes = Array.from({ length: 6 }, sku);
    await upsert(codes.slice(0, 3).map((code) => ({ sku: code, name: 'old', state: 'done' }))).expect(201);
    const mixed = [codes[5], codes[0], codes[4], codes[2], codes[3], codes[1]].map((code) => ({ sku: code, name: 'now' }));
    const { body } = await upsert(mixed).expect(201);
    expect(body.map((record: Record<string, unknown>) => [record.sku, record.revision, record.state])).toEqual(
      mixed.map(({ sku: code }) => (codes.indexOf(code as string) < 3 ? [code, 2, 'done'] : [code, 1, 'new'])),
    );
    await upsert(mixed).expect(200);
  });

  it('knows a key of two members, one by its value rather than its text, and none where a member is missing', async () => {
    const query = '?on_conflict=slot,site';
    const one = (await upsert({ site: 'a', slot: 1, name: 'one' }, MERGE, query).expect(201)).body;
    expect((await upsert({ slot: 1, site: 'a', name: 'two' }, MERGE, query).expect(200)).body.id).toBe(one.id);
    await upsert({ site: 'a', name: 'three' }, MERGE, query).expect(201);
    await upsert(
      [
        { slot: 1, name: 'four' },
        { slot: 1, name: 'five' },
      ],
      MERGE,
      query,
    ).expect(201);
    await upsert({ price: '7.5', name: 'a' }, MERGE, '?on_conflict=price').expect(201);
    expect((await upsert({ price: '7.50', name: 'b' }, MERGE, '?on_conflict=price').expect(200)).body.revision).toBe(2);
  });

  it('takes a record as it was read, and refuses nothing that is as it was', async () => {
    const code = sku();
    const { body } = await upsert({ sku: code, name: 'a', origin: 'x', pin: 'secret' }).expect(201);
    const again = await upsert({ ...body, name: 'b' }).expect(200);
    expect(again.body).toMatchObject({ id: body.id, name: 'b', origin: 'x', revision: 2 });
    const { rows } = await test.database.admin(`select pin from "${tenant.schemaName}".product where id = $1`, [body.id]);
    expect(rows).toEqual([{ pin: 'secret' }]);
  });

  it('of one key by fifty at once creates one record, and every change of it has its revision and its event', async () => {
    const code = sku();
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => upsert({ sku: code, name: `by ${n}` })));
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(49).fill(200), 201]);
    const record = await bySku(code);
    expect(record.revision).toBe(50);
    const told = await trail(record.id as string);
    expect(told.map(({ action }) => action)).toEqual(expect.arrayContaining(['record.created', 'record.updated']));
    expect(told.filter(({ action }) => action === 'record.created')).toHaveLength(1);
    expect(told).toHaveLength(50);
    // Each began where another one ended.
    const ends = told.map(({ body }) => body.after?.name);
    const begins = told.flatMap(({ body }) => (body.before ? [body.before.name] : []));
    expect(begins.sort()).toEqual(ends.filter((name) => name !== record.name).sort());
  });

  it.each(['merge', 'ignore'])('meets a record that another transaction inserts meanwhile: %s', async (resolution) => {
    const code = sku();
    const table = `"${tenant.schemaName}".product`;
    const answer = await withClient(test.database.adminUrl, async (client) => {
      await client.query('begin');
      await client.query(
        `insert into ${table} (tenant_id, id, sku, name, note, created_at, updated_at, created_by, updated_by, revision)
        values ($1, gen_random_uuid(), $2, 'theirs', 'kept', now(), now(), 'them', 'them', 1)`,
        [tenant.id, code],
      );
      // Sent by being awaited.
      const sent = upsert([{ sku: code, name: 'ours' }], `resolution=${resolution}-duplicates`).then((it) => it);
      await eventually(async () => {
        const { rows } = await test.database.admin(
          "select 1 from pg_stat_activity where wait_event = 'transactionid' and datname = current_database()",
        );
        return rows.length > 0;
      });
      await client.query('commit');
      return sent;
    });
    const record = await bySku(code);
    const told = await trail(record.id as string);
    if (resolution === 'ignore') {
      expect([answer.status, answer.body, told]).toEqual([200, [], []]);
      expect(record).toMatchObject({ name: 'theirs', revision: 1, updated_by: 'them' });
      return;
    }
    expect([answer.status, answer.body]).toEqual([200, [record]]);
    expect(record).toMatchObject({ name: 'ours', note: 'kept', revision: 2, created_by: 'them' });
    expect(told).toEqual([
      {
        action: 'record.updated',
        body: { before: { name: 'theirs', note: 'kept', sku: code }, after: { name: 'ours', note: 'kept', sku: code } },
      },
    ]);
  });

  it('of the same keys in different orders at once lets everybody through', async () => {
    const codes = Array.from({ length: 20 }, sku);
    const bodies = Array.from({ length: 10 }, (_, n) => {
      const turned = [...codes.slice(n * 2), ...codes.slice(0, n * 2)];
      return (n % 2 ? turned.reverse() : turned).map((code) => ({ sku: code, name: `by ${n}` }));
    });
    const answers = await Promise.all(bodies.map((body) => upsert(body)));
    expect(answers.filter(({ status }) => status === 201 || status === 200)).toHaveLength(10);
    for (const code of codes) expect((await bySku(code)).revision).toBe(10);
  });

  it('of a thousand records stores and then merges all of them', async () => {
    const body = Array.from({ length: 1000 }, (_, slot) => ({ site: 'many', slot, name: 'first' }));
    const query = '?on_conflict=site,slot';
    await upsert(body, `${MERGE}, return=minimal`, query).expect(201);
    await upsert(
      body.map((record) => ({ ...record, name: 'then' })),
      `${MERGE}, return=minimal`,
      query,
    ).expect(200);
    const { headers, body: found } = await call('get', '/records/product?site=eq.many&name=eq.then&revision=eq.2').set(
      'prefer',
      'count=exact',
    );
    expect([found.length, headers['content-range']]).toEqual([1000, '0-999/1000']);
  });
});

describe('properties named like anything in the statements', () => {
  const NAMES = 'k0 c0 ordinal input existing excluded written changed found event_id body extra record'.split(' ');

  it.each(NAMES)('are keys and values like others: %s', async (name) => {
    const properties = Object.fromEntries(NAMES.map((each) => [each, { type: 'string' }]));
    const entity = `of_${name}`;
    await tenant.define(entity, { type: 'object', properties: { ...properties, [name]: { type: 'string', unique: true } } });
    const values = (value: string) => Object.fromEntries(NAMES.map((each) => [each, each === name ? 'key' : value]));
    const send = (value: string) =>
      call('post', `/records/${entity}?on_conflict=${name}`).set('prefer', MERGE).send(values(value));
    expect((await send('a').expect(201)).body).toMatchObject(values('a'));
    expect((await send('b').expect(200)).body).toMatchObject({ ...values('b'), revision: 2 });
    const changed = await call('patch', `/records/${entity}?${name}=eq.key`).send(values('c')).expect(200);
    expect(changed.body).toMatchObject([{ ...values('c'), revision: 3 }]);
    await call('delete', `/records/${entity}?${name}=eq.key`).expect(204);
  });
});

describe('ignore-duplicates', () => {
  it('leaves what is there, and answers and tells of what is new alone', async () => {
    const [one, two] = [sku(), sku()];
    const there = (await upsert({ sku: one, name: 'old' }).expect(201)).body;
    const before = await events();
    const { body } = await upsert(
      [
        { sku: one, name: 'new' },
        { sku: two, name: 'new' },
        { sku: two, name: 'newer' },
      ],
      IGNORE,
    ).expect(201);
    expect(body.map(({ sku: code, name }: Record<string, unknown>) => [code, name])).toEqual([[two, 'new']]);
    expect(await events()).toBe(before + 1);
    expect(await bySku(one)).toEqual(there);
    const none = await upsert([{ sku: one, name: 'new' }], IGNORE).expect(200);
    expect([none.body, await events()]).toEqual([[], before + 1]);
    expect((await upsert({ sku: one, name: 'new' }, IGNORE).expect(204)).text).toBe('');
  });

  it('below /rest/v1 is 201 with nothing new too, where merging is 200, as PostgREST has it', async () => {
    const code = sku();
    await upsert({ sku: code, name: 'old' }).expect(201);
    const bearer = await test.token(['editor'], tenant.id);
    const rest = (resolution: string, body: object) =>
      test
        .request(bearer, 'post', '/rest/v1/product?on_conflict=sku')
        .set('prefer', `${resolution}, return=representation`)
        .send(body);
    const ignored = await rest(IGNORE, [{ sku: code, name: 'new' }]).expect(201);
    expect([ignored.body, ignored.headers['preference-applied']]).toEqual([[], `${IGNORE}, return=representation`]);
    await rest(MERGE, [{ sku: code, name: 'new' }]).expect(200);
    await rest(MERGE, []).expect(200);
  });

  it('refuses what would not be valid, there or not', async () => {
    const code = sku();
    await upsert({ sku: code, name: 'a' }).expect(201);
    expect(faultsOf(await upsert([{ sku: code }], IGNORE))).toEqual(['/0/name required']);
  });
});

describe('PUT by a key', () => {
  it.each([
    ['', {}],
    ['?sku=neq.a', { sku: 'a' }],
    ['?sku=not.eq.a', { sku: 'a' }],
    ['?name=eq.a', { name: 'a' }],
    ['?sku=eq.a&name=eq.a', { sku: 'a', name: 'a' }],
    ['?sku=in.(a)', { sku: 'a' }],
    ['?or=(sku.eq.a,sku.eq.b)', { sku: 'a' }],
    ['?site=eq.a', { site: 'a' }],
    ['?sku=eq.a&limit=1', { sku: 'a' }],
    ['?sku=eq.a&sku=eq.a', { sku: 'a' }],
  ])('is refused by %j', async (query, body) => {
    const answer = await call('put', `/records/product${query}`).send({ name: 'a', ...body });
    expect(refusal(answer)).toBe('400 request/invalid-query');
  });

  it('is refused with a body about another record, without the key, and of two', async () => {
    for (const body of [{ sku: 'b', name: 'a' }, { name: 'a' }, { sku: 3, name: 'a' }, { sku: null, name: 'a' }]) {
      expect(faultsOf(await call('put', '/records/product?sku=eq.a').send(body))).toEqual(['/sku key']);
    }
    const two = await call('put', '/records/product?sku=eq.a').send([{ sku: 'a' }, { sku: 'a' }]);
    expect(refusal(two)).toBe('422 record/invalid');
  });

  it('stores a record and then replaces it whole, with its tag as a condition where it is sent', async () => {
    const code = sku();
    const put = (body: object) => call('put', `/records/product?sku=eq.${code}`).send({ sku: code, ...body });
    expect(refusal(await put({ name: 'a' }).set('if-match', '"1"'))).toBe('412 record/precondition-failed');
    const created = await put({ name: 'a', note: 'x', pin: '1' }).expect(201);
    expect([created.headers.etag, created.body.note]).toEqual(['"1"', 'x']);
    const replaced = await put({ name: 'b' }).set('if-match', '"1"').expect(200);
    expect([replaced.headers.etag, replaced.body.id, 'note' in replaced.body]).toEqual(['"2"', created.body.id, false]);
    expect(refusal(await put({ name: 'c' }).set('if-match', '"1"'))).toBe('412 record/precondition-failed');
    expect((await trail(created.body.id)).map(({ action }) => action)).toEqual(['record.created', 'record.updated']);
  });

  it('knows the id and keys of several members', async () => {
    const id = randomUUID();
    await call('put', `/records/product?id=eq.${id}`).send({ id, name: 'a' }).expect(201);
    await call('put', `/records/product?id=eq.${id}`).send({ id, name: 'b' }).expect(200);
    const keyed = { site: 'put', slot: 4, name: 'a' };
    await call('put', '/records/product?slot=eq.4&site=eq.put').send(keyed).expect(201);
    await call('put', '/records/product?slot=eq.4&site=eq.put').set('prefer', 'return=minimal').send(keyed).expect(204);
  });

  it('changes a record that is changed only with If-Match with it', async () => {
    const put = () => call('put', '/records/locked?code=eq.put').send({ code: 'put' });
    await put().expect(201);
    expect(refusal(await put())).toBe('428 record/precondition-required');
    expect((await put().set('if-match', '"1"').expect(200)).body.revision).toBe(2);
  });
});
