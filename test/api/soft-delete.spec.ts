/** Records that were deleted and are kept: out of every sight but one, for as long as it was said. */

import { randomUUID } from 'node:crypto';
import type { Role } from '../../src/access/principal.js';
import { type Call, contentOf } from '../harness/definitions.js';
import { Deletions, keeping, relationTo, type Stored } from '../harness/deletions.js';
import { refusal } from '../harness/problem.js';
import { type Method, startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let tenant: TestTenant;
let call: Call;
let records: Deletions;

beforeAll(async () => {
  test = await startTestService();
});

beforeEach(async () => {
  tenant = await test.tenant();
  call = await tenant.as();
  records = new Deletions(test, tenant, call);
});

afterAll(() => test.stop());

/** A refusal without what names the request. */
const said = ({ body }: { body: Record<string, unknown> }) => ({ ...body, instance: null });

describe('a deleted record is refused', () => {
  const asked: [string, Method, (of: string, id: string) => string][] = [
    ['got', 'get', (of, id) => `/deleted/${of}/${id}`],
    ['restored', 'post', (of, id) => `/deleted/${of}/${id}/restore`],
    ['purged', 'delete', (of, id) => `/deleted/${of}/${id}`],
  ];

  it.each([['listed', 'get' as Method, (of: string) => `/deleted/${of}`], ...asked] as typeof asked)(
    'to be %s where none is kept, or no entity is',
    async (_, method, path) => {
      await tenant.define('plain', { type: 'object', properties: { name: { type: 'string' } } });
      const { id } = await records.removed('plain', { name: 'a' });
      for (const each of [id, randomUUID(), 'nonsense']) {
        const answer = await call(method, path('plain', each));
        expect([refusal(answer), answer.body.entity]).toEqual(['409 past/not-kept', 'plain']);
      }
      expect(refusal(await call(method, path('nobody', id)))).toBe('404 entity/not-found');
    },
  );

  it.each(asked)('to be %s by any other id, each with the very same answer', async (_, method, path) => {
    await tenant.define('note', keeping());
    await tenant.define('other', keeping());
    const stranger = await test.tenant();
    await stranger.define('note', keeping());
    const theirs = await stranger.as();
    const foreign = (await theirs('post', '/records/note').send({ name: 'theirs' })).body.id;
    await theirs('delete', `/records/note/${foreign}`).expect(204);
    const live = await records.insert('note', { name: 'live' });
    const elsewhere = await records.removed('other', { name: 'elsewhere' });
    const unknown = await call(method, path('note', randomUUID()));
    expect(refusal(unknown)).toBe('404 record/not-deleted');
    for (const id of [foreign, live.id, elsewhere.id, 'nonsense', `${live.id}'--`, '1', '%00', 'null', '*']) {
      const answer = await call(method, path('note', encodeURIComponent(id)));
      expect([answer.status, said(answer), answer.headers['content-length']]).toEqual([
        404,
        said(unknown),
        unknown.headers['content-length'],
      ]);
    }
    expect((await theirs('get', `/deleted/note/${foreign}`)).status).toBe(200);
    expect((await call('get', '/deleted/note')).body.items).toEqual([]);
    expect(await records.trail()).toEqual([]);
  });

  it.each([
    'limit=0',
    'limit=501',
    'limit=x',
    'limit=1&limit=1',
    'after=x',
    'after=',
    'select=id',
    'name=eq.a',
    'asOf=2026-01-01',
  ])('in a list with %s', async (query) => {
    await tenant.define('note', keeping());
    expect(refusal(await call('get', `/deleted/note?${query}`))).toBe('400 request/invalid-query');
  });

  it.each<[Role, number[]]>([
    ['viewer', [200, 403, 403]],
    ['auditor', [200, 403, 403]],
    ['editor', [200, 200, 403]],
    ['service', [200, 200, 403]],
  ])('to the role %s as far as it goes: reading, restoring, purging', async (role, expected) => {
    await tenant.define('note', keeping());
    const { id } = await records.removed('note', { name: 'a' });
    const as = await tenant.as(role);
    const statuses = [];
    for (const [, method, path] of asked) {
      if (method === 'delete') await call('delete', `/records/note/${id}`);
      statuses.push((await as(method, path('note', id))).status);
    }
    expect(statuses).toEqual(expected);
  });

  it('to be changed: it is not there', async () => {
    await tenant.define('note', keeping({ code: { type: 'string', unique: true } }));
    const { id } = await records.removed('note', { name: 'a', code: 'A' });
    const path = `/records/note/${id}`;
    for (const answer of [
      await call('get', path),
      await call('patch', path).send({ name: 'b' }),
      await call('put', path).send({ name: 'b' }),
      await call('delete', path),
    ]) {
      expect(refusal(answer)).toBe('404 record/not-found');
    }
    expect((await call('patch', '/records/note?code=eq.A').send({ name: 'b' })).body).toEqual([]);
    expect(await records.deletedNames('note')).toEqual(['a']);
  });

  it('beyond its retention, to be listed, read and restored', async () => {
    await tenant.define('note', keeping({}, { retention: { deletedDays: 3 } }));
    const { id } = await records.removed('note', { name: 'a' });
    const { deletedAt, keptUntil } = (await call('get', `/deleted/note/${id}`)).body;
    expect(Date.parse(keptUntil) - Date.parse(deletedAt)).toBe(3 * 86_400_000);
    await records.age(2.5);
    expect(await records.deletedNames('note')).toEqual(['a']);
    await records.age(0.6);
    expect(await records.deletedNames('note')).toEqual([]);
    for (const [, method, path] of asked.slice(0, 2))
      expect(refusal(await call(method, path('note', id)))).toBe('404 record/not-deleted');
    expect(await records.names('note')).toEqual([]);
  });
});

describe('a deleted record', () => {
  it('is in no list, embed, count, export, sum and upsert, and its unique value is free', async () => {
    await tenant.define('album', keeping({ code: { type: 'string', unique: true }, price: { type: 'integer' } }));
    await tenant.define('track', keeping({ album: relationTo('album', 'restrict', { inverse: 'tracks' }) }));
    const album = await records.insert('album', { name: 'album', code: 'A', price: 1 });
    await records.insert('track', { name: 'kept', album: album.id });
    await records.remove('track', await records.insert('track', { name: 'gone', album: album.id }));
    await records.removed('album', { name: 'gone', code: 'B', price: 10 });
    const text = async (path: string) => (await call('get', path).expect(200)).text;
    expect(await text('/records/album?select=name,tracks(name)')).toBe('[{"name":"album","tracks":[{"name":"kept"}]}]');
    expect(await text('/records/album?select=price.sum(),count()')).toBe('[{"sum":1,"count":1}]');
    expect((await call('get', '/records/album?limit=1').set('prefer', 'count=exact')).headers['content-range']).toBe('0-0/1');
    for (const path of [
      '/records/album?code=eq.B',
      '/records/track?name=eq.gone',
      '/records/album?or=(name.eq.gone,price.gt.5)',
    ]) {
      expect(await text(path)).toBe('[]');
    }
    expect(await text('/exports/album?format=ndjson')).not.toContain('gone');
    const merged = await call('post', '/records/album?on_conflict=code')
      .set('prefer', 'resolution=merge-duplicates')
      .send({ code: 'B', name: 'new' });
    expect([merged.status, merged.body.revision, merged.body.price]).toEqual([201, 1, undefined]);
    expect(await records.deletedNames('album')).toEqual(['gone']);
  });

  it('is kept as it was when it was deleted, with who did it and when, and lists the latest first', async () => {
    await tenant.define('note', keeping({ pin: { type: 'string', writeOnly: true } }));
    const note = await records.insert('note', { name: 'a', pin: 'secret', colour: ['red'], nothing: null });
    const { body: patched } = await call('patch', `/records/note/${note.id}`).send({ name: 'b' });
    await (await tenant.as('editor'))('delete', `/records/note/${note.id}`).expect(204);
    await records.removed('note', { name: 'c' });
    const { items, next } = await records.list('note');
    expect([items.map(({ record }: { record: Stored }) => record.name), next]).toEqual([['c', 'b'], null]);
    const { body, text } = await call('get', `/deleted/note/${note.id.toUpperCase()}`);
    expect(body).toEqual({
      ...{ id: note.id, deletedAt: expect.any(String), deletedBy: 'editor@test', deletion: expect.any(String) },
      ...{ keptUntil: null, version: 1, record: patched },
    });
    expect(body).toEqual(items[1]);
    expect(body.deletedAt > patched.updated_at).toBe(true);
    expect(text).not.toContain('secret');
    expect(contentOf((await records.restore('note', note.id, { name: 'd' })).body)).toEqual({
      name: 'd',
      colour: ['red'],
      nothing: null,
    });
    const stored = await test.database.admin(`select pin from "${tenant.schemaName}".note where id = $1`, [note.id]);
    expect(stored.rows).toEqual([{ pin: 'secret' }]);
    const { rows } = await test.database.admin(
      `select count(*)::int as n from audit.events where tenant_id = $1 and body::text like '%secret%'`,
      [tenant.id],
    );
    expect(rows[0].n).toBe(0);
  });

  it('that never was deleted after all is not kept: a rehearsal, a refusal, a precondition', async () => {
    await tenant.define('album', keeping());
    await tenant.define('track', keeping({ album: relationTo('album') }));
    await tenant.define('careful', keeping({}, { concurrency: 'required' }));
    const album = await records.insert('album', { name: 'album' });
    await records.insert('track', { name: 'track', album: album.id });
    const careful = await records.insert('careful', { name: 'careful' });
    const rehearsed = await call('delete', '/records/track?name=eq.track').set('prefer', 'tx=rollback');
    expect(rehearsed.headers['preference-applied']).toContain('tx=rollback');
    expect(refusal(await call('delete', `/records/album/${album.id}`))).toBe('409 record/still-referenced');
    expect(refusal(await call('delete', `/records/careful/${careful.id}`))).toBe('428 record/precondition-required');
    expect(refusal(await call('delete', `/records/careful/${careful.id}`).set('if-match', '"9"'))).toBe(
      '412 record/precondition-failed',
    );
    for (const each of ['album', 'track', 'careful']) expect([each, await records.deletedNames(each)]).toEqual([each, []]);
    await call('delete', `/records/careful/${careful.id}`).set('if-match', '"1"').expect(204);
    expect(await records.deletedNames('careful')).toEqual(['careful']);
  });

  it('found by a filter is kept with all the others, as one deletion', async () => {
    await tenant.define('note', keeping({ n: { type: 'integer' } }));
    await call('post', '/records/note').send(Array.from({ length: 9 }, (_, n) => ({ name: `n${n}`, n })));
    await call('delete', '/records/note?n=lt.7').expect(204);
    const { items } = await records.list('note');
    expect(await records.deletedNames('note')).toEqual(['n0', 'n1', 'n2', 'n3', 'n4', 'n5', 'n6']);
    expect(new Set(items.map(({ deletion }: { deletion: string }) => deletion)).size).toBe(1);
    await records.restore('note', items[0].id).expect(200);
    expect([(await records.names('note')).length, (await records.deletedNames('note')).length]).toEqual([3, 6]);
  });

  it('is paged without a gap and without a repetition, also through one deletion', async () => {
    await tenant.define('note', keeping({ n: { type: 'integer' } }));
    await call('post', '/records/note').send(Array.from({ length: 11 }, (_, n) => ({ name: `n${n}`, n })));
    await call('delete', '/records/note?n=lt.7').expect(204);
    await call('delete', '/records/note?n=lt.9').expect(204);
    await call('delete', '/records/note?n=lt.99').expect(204);
    const whole = (await records.list('note')).items.map(({ id }: Stored) => id);
    expect(whole).toHaveLength(11);
    for (const limit of [1, 3, 11]) {
      const found: string[] = [];
      let pages = 0;
      for (let after: string | null = ''; after !== null; pages++) {
        const page = await records.list('note', `?limit=${limit}${after && `&after=${encodeURIComponent(after)}`}`);
        found.push(...page.items.map(({ id }: Stored) => id));
        after = page.next;
      }
      expect([found, pages]).toEqual([whole, Math.ceil(11 / limit)]);
    }
  });
});
