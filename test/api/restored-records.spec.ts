/** A deleted record on its way back: as it was, under the document of today, or not at all. */

import { randomUUID } from 'node:crypto';
import { type Call, change, contentOf } from '../harness/definitions.js';
import { Deletions, keeping, relationTo } from '../harness/deletions.js';
import { faultsOf, refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

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

it('takes no body, from clients too that always name its type', async () => {
  await tenant.define('note', keeping());
  const { id } = await records.removed('note', { name: 'a' });
  const typed = { 'content-type': 'application/json', 'content-length': '0' };
  const nothing = await call('post', '/records/note').set(typed);
  expect([refusal(nothing), nothing.body.detail]).toEqual([
    '400 request/malformed-json',
    'The body is empty; send a JSON value.',
  ]);
  await call('post', `/deleted/note/${id}/restore`).set(typed).expect(200);
  expect(await records.names('note')).toEqual(['a']);
});

describe('a restoration is refused', () => {
  it('when it was restored already; of many at once one restores it, and the others find none', async () => {
    await tenant.define('note', keeping());
    const { id } = await records.removed('note', { name: 'a' });
    const answers = await Promise.all(Array.from({ length: 6 }, () => records.restore('note', id)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 404, 404, 404, 404, 404]);
    expect(refusal(await records.restore('note', id))).toBe('404 record/not-deleted');
    expect([await records.names('note'), (await records.trail()).length]).toEqual([['a'], 1]);
  });

  it('while a live record has its id, or a value that only one may have, and stays as it is', async () => {
    await tenant.define(
      'note',
      keeping({ code: { type: 'string', unique: true }, at: { type: 'integer' } }, { uniqueKeys: [['name', 'at']] }),
    );
    const first = await records.removed('note', { name: 'first', code: 'A' });
    await records.insert('note', { id: first.id, name: 'again' });
    expect(refusal(await records.restore('note', first.id))).toBe('409 record/duplicate');
    const second = await records.removed('note', { name: 'second', code: 'A' });
    await records.insert('note', { name: 'taker', code: 'A' });
    const taken = await records.restore('note', second.id);
    expect([refusal(taken), faultsOf(taken)]).toEqual(['409 record/duplicate', ['/code unique']]);
    const third = await records.removed('note', { name: 'third', at: 3 });
    await records.insert('note', { name: 'third', at: 3 });
    expect(faultsOf(await records.restore('note', third.id))).toEqual(['/name unique', '/at unique']);
    expect(await records.deletedNames('note')).toEqual(['first', 'second', 'third']);
    expect([await records.names('note'), await records.trail()]).toEqual([['again', 'taker', 'third'], []]);
    expect((await records.restore('note', second.id, { code: 'B' })).body).toMatchObject({ name: 'second', code: 'B' });
  });

  it('while what it refers to is not there, and comes back once it is', async () => {
    await tenant.define('album', keeping());
    await tenant.define('track', keeping({ album: relationTo('album') }));
    const album = await records.insert('album', { name: 'album' });
    const track = await records.removed('track', { name: 'track', album: album.id });
    await records.remove('album', album);
    const answer = await records.restore('track', track.id);
    expect([refusal(answer), faultsOf(answer)]).toEqual(['409 record/reference-missing', ['/album relation']]);
    expect([await records.deletedNames('track'), await records.names('track')]).toEqual([['track'], []]);
    await records.restore('album', album.id).expect(200);
    await records.restore('track', track.id).expect(200);
  });

  it('when it is not valid any more, and with a merge patch that makes it so it is not', async () => {
    await tenant.define('note', keeping({ stars: { type: 'integer' } }));
    const { id } = await records.removed('note', { name: 'a', stars: 3, colour: 'red' });
    await change(
      call,
      'note',
      keeping({ stars: { type: 'integer', maximum: 2 }, kind: { type: 'string' } }, { required: ['kind'] }),
      ['destructive'],
    );
    const answer = await records.restore('note', id);
    expect([refusal(answer), faultsOf(answer).sort()]).toEqual(['422 record/invalid', ['/kind required', '/stars maximum']]);
    expect(answer.body.detail).toContain(`The note ${id} is not valid under the document of today`);
    expect(faultsOf(await records.restore('note', id, { kind: 'k', stars: 9 }))).toEqual(['/stars maximum']);
    expect(await records.deletedNames('note')).toEqual(['a']);
    const restored = await records.restore('note', id, { kind: 'k', stars: 1, colour: null });
    expect([restored.status, contentOf(restored.body)]).toEqual([200, { name: 'a', stars: 1, kind: 'k' }]);
  });

  it('with a patch that is none, or that sets what the store sets', async () => {
    await tenant.define(
      'note',
      keeping({ made: { type: 'string', generated: 'actor' }, origin: { type: 'string', immutable: true } }),
    );
    const { id } = await records.removed('note', { name: 'a', origin: 'x' });
    for (const [patch, faults] of [
      [{ id: randomUUID() }, ['/id readOnly']],
      [{ revision: 7 }, ['/revision readOnly']],
      [{ created_at: '2020-01-01T00:00:00Z', updated_by: 'me' }, ['/created_at readOnly', '/updated_by readOnly']],
      [{ tenant_id: tenant.id }, ['/tenant_id readOnly']],
      [{ made: 'me' }, ['/made readOnly']],
      [{ origin: 'y' }, ['/origin immutable']],
      [{ name: 7 }, ['/name type']],
      [[], [' type']],
    ] as const) {
      const answer = await records.restore('note', id, patch);
      expect([refusal(answer), faultsOf(answer).sort()]).toEqual(['422 record/invalid', faults]);
    }
    expect(refusal(await call('post', `/deleted/note/${id}/restore`).set('content-type', 'text/plain').send('x'))).toBe(
      '415 request/unsupported-media-type',
    );
    expect(await records.deletedNames('note')).toEqual(['a']);
    expect((await records.restore('note', id, { name: 'b' })).body).toMatchObject({ name: 'b', origin: 'x', made: 'admin@test' });
  });
});

describe('a restored record', () => {
  it('goes on from where it was: its revision, who created it and when; the trail tells who brought it back', async () => {
    await tenant.define('note', keeping());
    const editor = await tenant.as('editor');
    const { body: note } = await editor('post', '/records/note').send({ name: 'a' });
    await editor('patch', `/records/note/${note.id}`).send({ name: 'b' });
    await records.remove('note', note);
    const answer = await records.restore('note', note.id);
    const { created_at, created_by, id } = note;
    expect([answer.status, answer.headers.etag]).toEqual([200, '"3"']);
    expect(answer.body).toEqual({
      ...{ id, created_at, created_by },
      updated_at: expect.any(String),
      updated_by: 'admin@test',
      revision: 3,
      name: 'b',
    });
    expect((await call('get', `/records/note/${id}`)).body).toEqual(answer.body);
    await call('patch', `/records/note/${id}`).set('if-match', '"3"').send({ name: 'c' }).expect(200);
    expect(await records.trail()).toEqual([
      { action: 'record.restored', entity: 'note', record_id: id, actor: 'admin@test', body: { after: { name: 'b' } } },
    ]);
    await records.remove('note', note);
    expect((await records.restore('note', id)).body).toMatchObject({ revision: 5, name: 'c' });
    expect(await records.deletedNames('note')).toEqual([]);
  });

  it('answers alike when it is asked again under one Idempotency-Key, and is rehearsed where that is preferred', async () => {
    await tenant.define('note', keeping());
    const { id } = await records.removed('note', { name: 'a' });
    const rehearsed = await records.restore('note', id).set('prefer', 'tx=rollback');
    expect([rehearsed.status, rehearsed.headers['preference-applied'], await records.names('note')]).toEqual([
      200,
      'tx=rollback',
      [],
    ]);
    const purged = await call('delete', `/deleted/note/${id}`).set('prefer', 'tx=rollback');
    expect([purged.status, purged.headers['preference-applied'], await records.deletedNames('note')]).toEqual([
      204,
      'tx=rollback',
      ['a'],
    ]);
    const key = randomUUID();
    const [first, second] = [
      await records.restore('note', id).set('idempotency-key', key),
      await records.restore('note', id).set('idempotency-key', key),
    ];
    expect([first.status, second.status, second.text]).toEqual([200, 200, first.text]);
    expect(await records.trail()).toHaveLength(1);
  });

  it('has the members of today: renamed, dropped, taken back, of another type', async () => {
    await tenant.define(
      'note',
      keeping({ title: { type: 'string' }, n: { type: 'integer' }, gone: { type: 'string' }, back: { type: 'string' } }),
    );
    const story = async (members: object): Promise<string> => (await records.removed('note', members)).id;
    const id = await story({ name: 'a', title: 't', n: 7, gone: 'g', back: 'b', loose: { x: 1 } });
    const empty = await story({ name: 'b' });
    const back = { back: { type: 'string' } };
    await change(call, 'note', keeping({ label: { type: 'string', renamedFrom: 'title' }, n: { type: 'integer' }, ...back }), [
      'destructive',
    ]);
    await change(call, 'note', keeping({ label: { type: 'string' }, n: { type: 'string' } }), ['destructive']);
    expect((await call('post', '/entities/note/restore').send({ property: 'back' })).status).toBeLessThan(300);
    const shown = (await call('get', `/deleted/note/${id}`)).body;
    expect([shown.version, contentOf(shown.record)]).toEqual([
      1,
      { name: 'a', title: 't', n: 7, gone: 'g', back: 'b', loose: { x: 1 } },
    ]);
    const restored = await records.restore('note', id);
    expect(contentOf(restored.body)).toEqual({ name: 'a', label: 't', n: '7', back: 'b', loose: { x: 1 } });
    expect((await call('get', `/records/note?label=eq.t&n=eq.7&back=eq.b&select=id`)).body).toEqual([{ id }]);
    expect(contentOf((await records.restore('note', empty)).body)).toEqual({ name: 'b' });
  });

  it('comes back under the new name of its entity, and after the entity itself was dropped and restored', async () => {
    await tenant.define('note', keeping());
    const { id } = await records.removed('note', { name: 'a' });
    const other = await records.removed('note', { name: 'b' });
    await change(call, 'memo', keeping({}, { renamedFrom: 'note' }));
    await records.restore('memo', id).expect(200);
    await call('delete', '/entities/memo?allow=destructive').expect((answer) => expect(answer.status).toBeLessThan(300));
    expect(refusal(await records.restore('memo', other.id))).toBe('404 entity/not-found');
    await call('post', '/entities/memo/restore')
      .send({})
      .expect((answer) => expect(answer.status).toBeLessThan(300));
    await records.restore('memo', other.id).expect(200);
    expect(await records.names('memo')).toEqual(['a', 'b']);
  });

  it('is out of reach while its entity keeps nothing, and there again once it does', async () => {
    await tenant.define('note', keeping());
    const { id } = await records.removed('note', { name: 'a' });
    await change(call, 'note', keeping({}, { softDelete: false }));
    await records.removed('note', { name: 'unkept' });
    expect(refusal(await records.restore('note', id))).toBe('409 past/not-kept');
    await tenant.define('note', keeping());
    expect(await records.deletedNames('note')).toEqual(['a']);
    await records.restore('note', id).expect(200);
  });
});
