/** The history of a record: one version for each change by whatever way it came, who and when and what, and none for what was not. */

import { randomUUID } from 'node:crypto';
import { type Call, change, contentOf } from '../harness/definitions.js';
import { eventually } from '../harness/eventually.js';
import { refusal } from '../harness/problem.js';
import { type Method, startTestService, type TestService, type TestTenant } from '../harness/service.js';

interface Item {
  readonly action: string;
  readonly at: string;
  readonly by: string;
  readonly revision: number;
  readonly version: number;
  readonly changes?: readonly { readonly op: string; readonly path: string; readonly value?: unknown }[];
  readonly record?: Record<string, unknown>;
}

let test: TestService;
let tenant: TestTenant;
let call: Call;

beforeAll(async () => {
  test = await startTestService();
});

beforeEach(async () => {
  tenant = await test.tenant();
  call = await tenant.as();
});

afterAll(() => test.stop());

/** Keeps its history, unless `rest` says otherwise. */
function entity(properties: object = {}, rest: object = {}) {
  return { type: 'object', history: 'full', properties: { name: { type: 'string' }, ...properties }, ...rest };
}
const to = (target: string, onDelete: string) => ({ type: 'string', format: 'uuid', relation: { entity: target, onDelete } });
const CODE = { code: { type: 'string', unique: true }, n: { type: 'integer' } };

const insert = async (of: string, record: object, as = call) =>
  (await as('post', `/records/${of}`).send(record).expect(201)).body as { id: string; created_at: string };
const patch = (of: string, id: string, body: object, as = call) => as('patch', `/records/${of}/${id}`).send(body);
const history = (of: string, id: string, query = '') => call('get', `/records/${of}/${id}/history${query}`);
const items = async (of: string, id: string): Promise<Item[]> => (await history(of, id).expect(200)).body.items;
/** Latest first, as `updated 2`. */
const told = async (of: string, id: string) => (await items(of, id)).map(({ action, revision }) => `${action} ${revision}`);

/** Every former version of an entity as it is stored, in order; from the first of a record to the last, none overlap. */
async function kept(of = 'note'): Promise<{ id: string; revision: string; began: string; ended: string; by: string }[]> {
  const { rows } = await test.database.admin(
    `select entity_id from business_store_service.tenant_schemas where tenant_id = $1 and name = $2`,
    [tenant.id, of],
  );
  const table = `~history~${BigInt(`0x${rows[0].entity_id.replaceAll('-', '')}`)
    .toString(36)
    .padStart(25, '0')}`;
  const found = await test.database.admin(
    `select id, revision, began_at::text as began, ended_at::text as ended, ended_by as by
    from "${tenant.schemaName}"."${table}"
    order by id, revision`,
  );
  return found.rows;
}

describe('a history is refused', () => {
  it('of an entity that keeps none, and of none at all', async () => {
    await tenant.define('plain', { type: 'object', softDelete: true, properties: {} });
    const { id } = await insert('plain', {});
    const answer = await history('plain', id);
    expect([refusal(answer), answer.body.entity]).toEqual(['409 past/not-kept', 'plain']);
    expect(refusal(await history('nobody', id))).toBe('404 entity/not-found');
  });

  it('of any other id, each with the very same answer', async () => {
    await tenant.define('note', entity());
    await tenant.define('other', entity());
    const stranger = await test.tenant();
    await stranger.define('note', entity());
    const theirs = await stranger.as();
    const foreign = await insert('note', { name: 'theirs' }, theirs);
    await patch('note', foreign.id, { name: 'secretly' }, theirs).expect(200);
    const gone = await insert('note', { name: 'theirs' }, theirs);
    await theirs('delete', `/records/note/${gone.id}`).expect(204);
    const elsewhere = await insert('other', {});
    const unknown = await history('note', randomUUID());
    expect(refusal(unknown)).toBe('404 record/not-found');
    for (const id of [foreign.id, gone.id, elsewhere.id, 'nonsense', '1', "x'--", '%00']) {
      const answer = await history('note', encodeURIComponent(id));
      expect([answer.status, { ...answer.body, instance: null }]).toEqual([404, { ...unknown.body, instance: null }]);
    }
    // Nor by what a page of theirs says.
    const behind = `?after=${encodeURIComponent(`2999-01-01T00:00:00Z,${foreign.id},9`)}`;
    expect((await history('note', foreign.id, behind)).body.items ?? []).toEqual([]);
  });

  it.each([
    'limit=0',
    'limit=501',
    'limit=1.5',
    'limit=1&limit=1',
    'after=x',
    'after=2026-01-01',
    'select=name',
    'asOf=2026-01-01',
  ])('with %s', async (query) => {
    await tenant.define('note', entity());
    const { id } = await insert('note', {});
    expect(refusal(await history('note', id, `?${query}`))).toBe('400 request/invalid-query');
  });

  it('to nobody who may read records', async () => {
    await tenant.define('note', entity());
    const { id } = await insert('note', {});
    for (const role of ['viewer', 'editor', 'auditor', 'service'] as const) {
      expect((await (await tenant.as(role))('get', `/records/note/${id}/history`)).status).toBe(200);
    }
  });
});

describe('a change that was refused, rehearsed or none', () => {
  it('leaves no version', async () => {
    await tenant.define('note', entity({ ...CODE, n: { type: 'integer', maximum: 9 } }, { concurrency: 'required' }));
    await tenant.define('seal', { type: 'object', properties: { note: to('note', 'restrict') } });
    const { id } = await insert('note', { name: 'a', code: 'A', n: 1 });
    await insert('note', { name: 'b', code: 'B' });
    await insert('seal', { note: id });
    const path = `/records/note/${id}`;
    const match = (method: Method, tag: string, of = path) => call(method, of).set('if-match', tag);
    for (const [status, answer] of [
      [428, await call('patch', path).send({ name: 'c' })],
      [412, await match('patch', '"9"').send({ name: 'c' })],
      [422, await match('patch', '"1"').send({ n: 10 })],
      [409, await match('patch', '"1"').send({ code: 'B' })],
      [409, await match('delete', '"1"')],
      [
        409,
        await match('patch', '"1"')
          .set('content-type', 'application/json-patch+json')
          .send('[{"op":"test","path":"/n","value":2}]'),
      ],
      [200, await match('patch', '"1"').set('prefer', 'tx=rollback').send({ name: 'c' })],
      [404, await match('patch', '"1"', `/records/note/${randomUUID()}`).send({ name: 'c' })],
    ] as const) {
      expect([answer.status, await told('note', id)]).toEqual([status, ['created 1']]);
    }
    await call('post', '/records/note?on_conflict=code')
      .set('prefer', 'resolution=ignore-duplicates')
      .send([{ code: 'A', n: 7 }]);
    expect([await told('note', id), await kept()]).toEqual([['created 1'], []]);
  });
});

describe('a version is kept', () => {
  const ways: [string, (id: string) => Promise<unknown>][] = [
    ['PATCH', (id) => patch('note', id, { n: 2 })],
    ['PUT', (id) => call('put', `/records/note/${id}`).send({ name: 'a', code: 'A', n: 2 })],
    [
      'a JSON patch',
      (id) =>
        call('patch', `/records/note/${id}`)
          .set('content-type', 'application/json-patch+json')
          .send('[{"op":"replace","path":"/n","value":2}]'),
    ],
    ['a change by filters', () => call('patch', '/records/note?code=eq.A').send({ n: 2 })],
    ['a PUT by a key', () => call('put', '/records/note?code=eq.A').send({ name: 'a', code: 'A', n: 2 })],
    [
      'an upsert',
      () => call('post', '/records/note?on_conflict=code').set('prefer', 'resolution=merge-duplicates').send({ code: 'A', n: 2 }),
    ],
    [
      'an upsert of many, some of them new',
      () =>
        call('post', '/records/note?on_conflict=code')
          .set('prefer', 'resolution=merge-duplicates')
          .send([{ code: 'X' }, { code: 'A', n: 2 }, { code: 'Y' }]),
    ],
    [
      'an import',
      async () => {
        const sent = await call('post', '/imports/note?on_conflict=code')
          .set('content-type', 'application/x-ndjson')
          .send('{"code":"A","n":2}\n{"code":"Z"}\n');
        await eventually(async () => (await call('get', `/imports/${sent.body.id}`)).body.state !== 'running');
        return sent;
      },
    ],
  ];

  it.each(ways)('by %s, once, with who and when and what', async (_, change) => {
    await tenant.define('note', entity(CODE));
    const created = await insert('note', { name: 'a', code: 'A', n: 1 }, await tenant.as('editor'));
    await change(created.id);
    const live = (await call('get', `/records/note/${created.id}`)).body;
    expect(live).toMatchObject({ revision: 2, n: 2, name: 'a' });
    expect(await items('note', created.id)).toEqual([
      {
        ...{ action: 'updated', at: live.updated_at, by: 'admin@test', revision: 2, version: 1, record: live },
        changes: [{ op: 'replace', path: '/n', value: 2 }],
      },
      { action: 'created', at: created.created_at, by: 'editor@test', revision: 1, version: 1, record: created },
    ]);
    const [former, ...more] = await kept();
    expect([former, more]).toEqual([expect.objectContaining({ id: created.id, revision: '1', by: 'admin@test' }), []]);
  });

  it('of what a deletion empties and takes along, and of each that a filter finds', async () => {
    await tenant.define('team', entity());
    await tenant.define('member', entity({ team: to('team', 'setNull') }));
    await tenant.define('badge', entity({ team: to('team', 'cascade') }));
    const teams = [await insert('team', { name: 'A' }), await insert('team', { name: 'B' })];
    const ids: string[] = [];
    for (const { id: team } of teams) {
      ids.push((await insert('member', { name: 'm', team })).id, (await insert('badge', { name: 'b', team })).id);
    }
    await call('delete', `/records/team/${teams[0]?.id}`).expect(204);
    await call('delete', '/records/team?name=eq.B').expect(204);
    for (const { id } of teams) expect(await told('team', id)).toEqual(['deleted 1', 'created 1']);
    for (const [index, id] of ids.entries()) {
      if (index % 2 === 1) expect(await told('badge', id)).toEqual(['deleted 1', 'created 1']);
      else
        expect((await items('member', id))[0]).toMatchObject({
          action: 'updated',
          revision: 2,
          changes: [{ op: 'remove', path: '/team' }],
        });
    }
    expect([(await kept('team')).length, (await kept('member')).length, (await kept('badge')).length]).toEqual([2, 2, 2]);
  });

  it('of a deletion, a restoration and what came after, in order and without a gap in the revisions', async () => {
    await tenant.define('note', entity({}, { softDelete: true }));
    const { id } = await insert('note', { name: 'a' });
    await patch('note', id, { name: 'b' });
    await (await tenant.as('editor'))('delete', `/records/note/${id}`).expect(204);
    await call('post', `/deleted/note/${id}/restore`).send({ name: 'c' }).expect(200);
    await patch('note', id, { name: 'd' });
    const found = await items('note', id);
    expect(found.map(({ action, revision, by }) => `${action} ${revision} ${by}`)).toEqual([
      ...['updated 4 admin@test', 'restored 3 admin@test'],
      ...['deleted 2 editor@test', 'updated 2 admin@test', 'created 1 admin@test'],
    ]);
    expect(found.map(({ changes }) => changes?.[0]?.value)).toEqual(['d', 'c', undefined, 'b', undefined]);
    expect(found[2]).not.toHaveProperty('record');
    const times = found.map(({ at }) => at);
    expect([...times].sort().reverse()).toEqual(times);
    const periods = await kept();
    expect(periods.map(({ revision }) => revision)).toEqual(['1', '2', '3']);
    expect(periods[0]?.ended).toBe(periods[1]?.began);
    expect((periods[1]?.ended as string) < (periods[2]?.began as string)).toBe(true);
  });

  it('of a record whose id was used before: that one was deleted, and this one created', async () => {
    await tenant.define('note', entity());
    const { id } = await insert('note', { name: 'old' });
    await call('delete', `/records/note/${id}`).expect(204);
    await insert('note', { id, name: 'new' });
    await patch('note', id, { name: 'newer' });
    const found = await items('note', id);
    expect(found.map(({ action, revision }) => `${action} ${revision}`)).toEqual([
      ...['updated 2', 'created 1', 'deleted 1', 'created 1'],
    ]);
    expect(found.map(({ changes }) => changes)).toEqual([
      [{ op: 'replace', path: '/name', value: 'newer' }],
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('once for each of many writers at one record, each where the one before ends', async () => {
    await tenant.define('note', entity(CODE));
    const { id } = await insert('note', { name: 'a', code: 'A', n: 0 });
    const another = await test.another();
    try {
      const token = await test.token(['admin'], tenant.id);
      const elsewhere = (n: number) =>
        fetch(`${another.url}/api/v1/tenants/${tenant.id}/records/note/${id}`, {
          method: 'PATCH',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: JSON.stringify({ n }),
        });
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, n) => {
          if (n % 4 === 0) return call('patch', '/records/note?code=eq.A').send({ n });
          if (n % 4 === 1) {
            const merge = call('post', '/records/note?on_conflict=code').set('prefer', 'resolution=merge-duplicates');
            return merge.send({ code: 'A', n });
          }
          return n % 4 === 2 ? patch('note', id, { n }) : elsewhere(n);
        }),
      );
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 40 }, () => 200));
    } finally {
      await another.stop();
    }
    const live = (await call('get', `/records/note/${id}`)).body;
    const periods = await kept();
    expect([live.revision, periods.map(({ revision }) => Number(revision))]).toEqual([
      41,
      Array.from({ length: 40 }, (_, n) => n + 1),
    ]);
    for (const [index, { began, ended }] of periods.entries()) {
      expect(began <= ended).toBe(true);
      if (index > 0) expect(began).toBe(periods[index - 1]?.ended);
    }
    const { rows } = await test.database.admin(`select $1::timestamptz::text as at`, [live.updated_at]);
    expect(Date.parse(rows[0].at)).toBe(Date.parse(periods.at(-1)?.ended as string));
  });
});

describe('a history', () => {
  it('is of one moment, however fast the record is being changed', async () => {
    await tenant.define('note', entity({ n: { type: 'integer' } }));
    const { id } = await insert('note', { n: 0 });
    let isOver = false;
    const seen: number[][] = [];
    const readers = Array.from({ length: 3 }, async () => {
      while (!isOver) seen.push((await items('note', id)).map(({ revision }) => revision));
    });
    for (let n = 1; n < 150; n++) await patch('note', id, { n });
    isOver = true;
    await Promise.all(readers);
    expect(new Set(seen.map(([latest]) => latest)).size).toBeGreaterThan(20);
    for (const revisions of seen) {
      const latest = revisions[0] as number;
      expect(revisions).toEqual(Array.from({ length: Math.min(latest, 50) }, (_, index) => latest - index));
    }
  });

  it('never tells what is never returned, nor what became so', async () => {
    const pin = { type: 'string', writeOnly: true };
    const keeping = (properties: object) => entity(properties, { softDelete: true });
    await tenant.define('note', keeping({ pin, word: { type: 'string' } }));
    const { id } = await insert('note', { name: 'a', pin: 'secret-1', word: 'secret-2', loose: 'secret-6' });
    await patch('note', id, { pin: 'secret-3', word: 'secret-4' });
    expect((await history('note', id)).text).not.toMatch(/secret-[13]/);
    expect((await items('note', id))[0]?.changes).toEqual([{ op: 'replace', path: '/word', value: 'secret-4' }]);
    await patch('note', id, { pin: 'secret-5' });
    expect((await items('note', id))[0]).toMatchObject({ revision: 3, changes: [] });
    await change(call, 'note', keeping({ pin, term: { ...pin, renamedFrom: 'word' }, loose: pin }), ['destructive']);
    expect((await history('note', id)).text).not.toContain('secret');
    await call('delete', `/records/note/${id}`).expect(204);
    expect((await call('get', `/deleted/note/${id}`)).text).not.toContain('secret');
    await change(call, 'note', keeping({}), ['destructive']);
    expect((await history('note', id)).text).not.toContain('secret');
    expect((await call('get', `/deleted/note/${id}`)).text).not.toContain('secret');
  });

  it('has undeclared members and tells null from absence', async () => {
    await tenant.define('note', entity({ n: { type: ['integer', 'null'] } }));
    const { id } = await insert('note', { name: 'a', loose: { deep: [1, { x: 2 }] } });
    await call('put', `/records/note/${id}`).send({ name: 'a', n: null, loose: { deep: [1, { x: 3 }] } });
    await call('put', `/records/note/${id}`).send({ name: 'a', 'a/b~c': 1 });
    const found = await items('note', id);
    expect(found.map(({ record }) => contentOf(record as object as Record<string, unknown>))).toEqual([
      { name: 'a', 'a/b~c': 1 },
      { name: 'a', n: null, loose: { deep: [1, { x: 3 }] } },
      { name: 'a', loose: { deep: [1, { x: 2 }] } },
    ]);
    const changes = found.map((item) => [...(item.changes ?? [])].sort((a, b) => (a.path < b.path ? -1 : 1)));
    expect(changes).toEqual([
      [
        { op: 'add', path: '/a~1b~0c', value: 1 },
        { op: 'remove', path: '/loose' },
        { op: 'remove', path: '/n' },
      ],
      [
        { op: 'replace', path: '/loose/deep', value: [1, { x: 3 }] },
        { op: 'add', path: '/n', value: null },
      ],
      [],
    ]);
  });

  it('shows each version by its own document, and a rename as no difference', async () => {
    await tenant.define('note', entity({ n: { type: 'integer' }, gone: { type: 'string' } }));
    const { id } = await insert('note', { name: 'a', n: 1, gone: 'g' });
    await change(call, 'note', entity({ count: { type: 'integer', renamedFrom: 'n' }, gone: { type: 'string' } }));
    await patch('note', id, { name: 'b' });
    await change(call, 'note', entity({ count: { type: 'string' } }), ['destructive']);
    await patch('note', id, { count: '7' });
    const found = await items('note', id);
    expect(found.map(({ version, revision, changes }) => [version, revision, changes])).toEqual([
      // Of the document that read it last: a change of the document is none of the record.
      [3, 3, [{ op: 'replace', path: '/count', value: '7' }]],
      [3, 2, [{ op: 'replace', path: '/name', value: 'b' }]],
      [2, 1, undefined],
    ]);
    expect(found.map(({ record }) => contentOf(record as Record<string, unknown>))).toEqual([
      { name: 'b', count: '7' },
      { name: 'b', count: '1' },
      { name: 'a', count: 1, gone: 'g' },
    ]);
  });

  it('goes on under the new name of its entity', async () => {
    await tenant.define('note', entity());
    const { id } = await insert('note', { name: 'a' });
    await patch('note', id, { name: 'b' });
    await change(call, 'memo', entity({}, { renamedFrom: 'note' }));
    await patch('memo', id, { name: 'c' });
    expect(await told('memo', id)).toEqual(['updated 3', 'updated 2', 'created 1']);
    expect(refusal(await history('note', id))).toBe('404 entity/not-found');
  });

  it('is paged without a gap and without a repetition, whatever a page takes', async () => {
    await tenant.define('note', entity({ n: { type: 'integer' } }, { softDelete: true }));
    const { id } = await insert('note', { n: 1 });
    for (let n = 2; n < 6; n++) await patch('note', id, { n });
    await call('delete', `/records/note/${id}`).expect(204);
    await call('post', `/deleted/note/${id}/restore`).send({ n: 6 });
    await patch('note', id, { n: 7 });
    const whole = await items('note', id);
    expect(whole).toHaveLength(8);
    for (const isLive of [true, false]) {
      const expected = isLive ? whole : await items('note', id);
      for (const limit of [1, 2, 3, 6, 7, 8]) {
        const found: Item[] = [];
        for (let after: string | null = ''; after !== null; ) {
          const { body } = await history('note', id, `?limit=${limit}${after && `&after=${encodeURIComponent(after)}`}`);
          expect(body.items.filter(({ action }: Item) => action !== 'deleted').length).toBeLessThanOrEqual(limit);
          found.push(...body.items);
          after = body.next;
        }
        expect([limit, found]).toEqual([limit, expected]);
      }
      if (isLive) await call('delete', `/records/note/${id}`).expect(204);
    }
  });

  it('is as long as its retention, and the record itself is always there', async () => {
    await tenant.define('note', entity({}, { retention: { historyDays: 2 } }));
    const { id } = await insert('note', { name: 'a' });
    await patch('note', id, { name: 'b' });
    const { rows } = await test.database.admin(
      `select relname from pg_class where relnamespace = $1::regnamespace and relkind = 'p'`,
      [tenant.schemaName],
    );
    const back = (hours: number) =>
      test.database.admin(
        `update "${tenant.schemaName}"."${rows[0].relname}" set ended_at = ended_at - make_interval(hours => $1)`,
        [hours],
      );
    await back(47);
    expect(await told('note', id)).toEqual(['updated 2', 'created 1']);
    await back(2);
    const [only, ...rest] = await items('note', id);
    expect([only?.action, only?.changes, rest]).toEqual(['updated', undefined, []]);
    await call('delete', `/records/note/${id}`).expect(204);
    expect(await told('note', id)).toEqual(['deleted 2', 'updated 2']);
  });

  it('ends when the document does not ask for it any more, and goes on when it does again', async () => {
    await tenant.define('note', entity());
    const { id } = await insert('note', { name: 'a' });
    await patch('note', id, { name: 'b' });
    await change(call, 'note', { type: 'object', properties: { name: { type: 'string' } } });
    await patch('note', id, { name: 'c' });
    expect(refusal(await history('note', id))).toBe('409 past/not-kept');
    await tenant.define('note', entity());
    await patch('note', id, { name: 'd' });
    expect(await told('note', id)).toEqual(['updated 4', 'updated 3', 'created 1']);
    expect((await items('note', id)).map(({ version }) => version)).toEqual([3, 3, 1]);
    // Revision 2 is not known: what it changed is not put down to whoever came next.
    expect((await items('note', id)).map(({ changes }) => changes)).toEqual([
      [{ op: 'replace', path: '/name', value: 'd' }],
      undefined,
      undefined,
    ]);
  });

  it('begins with what there was when the document first asked for it', async () => {
    await tenant.define('note', { type: 'object', properties: { name: { type: 'string' } } });
    const { id } = await insert('note', { name: 'a' });
    await patch('note', id, { name: 'b' });
    await tenant.define('note', entity());
    const [first, ...others] = await items('note', id);
    expect([first, others]).toEqual([expect.objectContaining({ action: 'updated', revision: 2 }), []]);
    expect(first).not.toHaveProperty('changes');
    await patch('note', id, { name: 'c' });
    expect(await told('note', id)).toEqual(['updated 3', 'updated 2']);
  });

  it('keeps every value as it was, digit for digit', async () => {
    await tenant.define(
      'note',
      entity({
        price: { type: 'string', format: 'decimal', precision: 30, scale: 10 },
        ratio: { type: 'number' },
        big: { type: 'integer' },
        at: { type: 'string', format: 'date-time' },
        day: { type: 'string', format: 'date' },
        yes: { type: 'boolean' },
        place: { type: 'object', properties: {} },
        tags: { type: 'array', items: { type: 'string' } },
      }),
    );
    const records = [
      {
        ...{
          name: '"\\\u2028😀\n\t\'; drop table x; --',
          price: '12345678901234567890.0123456789',
          ratio: 1e-300,
          big: 9007199254740991,
        },
        ...{
          at: '2026-02-28T23:59:59.999999Z',
          day: '0001-01-01',
          yes: false,
          place: { z: 1, a: { b: null } },
          tags: ['', 'NULL', '{}', ','],
        },
      },
      {
        name: '',
        price: '0.0000000000',
        ratio: 5e-324,
        big: -9007199254740991,
        tags: [],
        place: {},
        loose: { 'a"b': ["'", 1.5, null] },
      },
      { name: 'x'.repeat(200_000), loose: Array.from({ length: 5000 }, (_, n) => ({ n })) },
    ];
    const { id } = await insert('note', records[0] as object);
    const answers = [(await call('get', `/records/note/${id}`)).body];
    for (const record of records.slice(1)) {
      answers.unshift((await call('put', `/records/note/${id}`).send(record).expect(200)).body);
    }
    await patch('note', id, { name: 'end' });
    expect((await items('note', id)).slice(1).map(({ record }) => record)).toEqual(answers);
  });

  it('is kept under any names and of two hundred properties', async () => {
    const names = [
      ...'select user table "former" now $1 id_ body deletion revision_ began_at ended_at version former input'
        .replaceAll('"', '')
        .split(' '),
      ...['用户名', 'имя', 'العميل', 'kebab-case', 'toJSON', 'ß', 'SS', 'x'.repeat(40)],
    ].filter((name) => !name.startsWith('$'));
    const all = [...new Set([...names, ...Array.from({ length: 200 - names.length }, (_, n) => `p${n}`)])];
    const wide = Object.fromEntries(all.map((name) => [name, { type: 'string' }]));
    await tenant.define('wide', {
      type: 'object',
      history: 'full',
      softDelete: true,
      additionalProperties: false,
      properties: wide,
    });
    const of = 'wide';
    const record = Object.fromEntries(all.map((name, index) => [name, `it's "${index}" \\ $1 ${name}`]));
    const { id } = await insert(of, record);
    await patch(of, id, { select: 'changed' }).expect(200);
    await call('delete', `/records/${of}/${id}`).expect(204);
    await call('post', `/deleted/${of}/${id}/restore`).expect(200);
    const found = await items(of, id);
    expect(found.map(({ action }) => action)).toEqual(['restored', 'deleted', 'updated', 'created']);
    expect(contentOf(found[3]?.record as Record<string, unknown>)).toEqual(record);
    expect(contentOf(found[0]?.record as Record<string, unknown>)).toEqual({ ...record, select: 'changed' });
    const then = await call('get', `/records/${of}?asOf=${encodeURIComponent(found[3]?.at as string)}`);
    expect(then.body.map(contentOf)).toEqual([record]);
  });
});

describe('the history of a record', () => {
  it('cannot be ended by an editor, nor where none is kept, nor of what there is not', async () => {
    await tenant.define('note', entity());
    await tenant.define('plain', { type: 'object', properties: { name: { type: 'string' } } });
    const { id } = await insert('note', { name: 'a' });
    const editor = await tenant.as('editor');
    expect(refusal(await editor('delete', `/records/note/${id}/history`))).toBe('403 auth/forbidden');
    expect(refusal(await call('delete', `/records/plain/${id}/history`))).toBe('409 past/not-kept');
    for (const nobody of [randomUUID(), 'x']) {
      expect(refusal(await call('delete', `/records/note/${nobody}/history`))).toBe('404 record/not-found');
    }
  });

  it('is ended by an admin, of a record that lives and of one that is gone, and the trail says so', async () => {
    await tenant.define('note', entity());
    const [living, gone] = [await insert('note', { name: 'a' }), await insert('note', { name: 'b' })];
    for (const { id } of [living, gone]) await patch('note', id, { name: 'changed' }).expect(200);
    await call('delete', `/records/note/${gone.id}`).expect(204);
    await call('delete', `/records/note/${living.id}/history`).set('prefer', 'tx=rollback').expect(204);
    expect(await told('note', living.id)).toEqual(['updated 2', 'created 1']);
    for (const { id } of [living, gone, living]) await call('delete', `/records/note/${id}/history`).expect(204);
    expect(await told('note', living.id)).toEqual(['updated 2']);
    expect(refusal(await history('note', gone.id))).toBe('404 record/not-found');
    expect(await kept()).toEqual([]);
    const { items: trail } = (await call('get', '/audit?action=record.history-purged').expect(200)).body;
    expect(trail.map(({ recordId }: { recordId: string }) => recordId)).toEqual([gone.id, living.id]);
  });
});
