/** The trail: every change and every refusal, by whom and in which request, before and after; nothing else, nobody else's, never changed. */

import type { Role } from '../../src/access/principal.js';
import { refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

interface Entry {
  readonly id: string;
  readonly time: string;
  readonly action: string;
  readonly actor: string;
  readonly requestId: string;
  readonly recordId: string | null;
  readonly [member: string]: unknown;
}

let test: TestService;
let tenant: TestTenant;
let call: Awaited<ReturnType<TestTenant['as']>>;

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  call = await tenant.as();
  await tenant.define('note', NOTE);
});

afterAll(() => test.stop());

const NOTE = { type: 'object', properties: { title: { type: 'string', maxLength: 10 }, code: { type: 'string', unique: true } } };

/** Without what comes of sealing, some time after the event: see audit-chain.spec.ts. */
const trail = async (query = ''): Promise<Entry[]> => entriesOf((await call('get', `/audit?${query}`).expect(200)).body.items);
const entriesOf = (items: readonly Entry[]): Entry[] => items.map(({ seq: _, hash: __, ...entry }) => entry as Entry);
async function newest(): Promise<Entry> {
  return (await trail('limit=1'))[0] as Entry;
}

describe('the trail', () => {
  it.each<Role>(['viewer', 'editor', 'service'])('is not for the role %s', async (role) => {
    expect(refusal(await (await tenant.as(role))('get', '/audit'))).toBe('403 auth/forbidden');
  });

  it('of one tenant is not shown to another, nor to a system administrator', async () => {
    const other = await test.tenant();
    const theirs = (await (await other.as('auditor'))('get', '/audit')).body.items;
    expect(theirs.map(({ action }: Entry) => action)).toEqual(['tenant.created']);
    const path = `/api/v1/tenants/${tenant.id}/audit`;
    expect(refusal(await test.request(await test.token(['auditor'], other.id), 'get', path))).toBe('403 auth/tenant-mismatch');
    expect(refusal(await test.request(await test.token(['system_admin']), 'get', path))).toBe('403 auth/forbidden');
  });

  it('has an insert, a change and a deletion, with the actor, the request, before and after', async () => {
    const editor = await tenant.as('editor');
    const { id } = (await editor('post', '/records/note').set('x-request-id', 'insert-1').send({ title: 'a', extra: null })).body;
    expect(await newest()).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      ...{ actor: 'editor@test', requestId: 'insert-1', action: 'record.created', entity: 'note', recordId: id },
      after: { title: 'a', extra: null },
    });
    await editor('put', `/records/note/${id}`).set('x-request-id', 'put-1').send({ title: 'b' });
    expect(await newest()).toMatchObject({
      action: 'record.updated',
      requestId: 'put-1',
      before: { title: 'a', extra: null },
      after: { title: 'b' },
    });
    await editor('patch', `/records/note/${id}`).send({ code: 'x' });
    expect(await newest()).toMatchObject({ action: 'record.updated', before: { title: 'b' }, after: { title: 'b', code: 'x' } });
    await call('delete', `/records/note/${id}`).set('x-request-id', 'delete-1');
    const deleted = await newest();
    expect(deleted).toMatchObject({
      action: 'record.deleted',
      actor: 'admin@test',
      recordId: id,
      before: { title: 'b', code: 'x' },
    });
    expect(deleted).not.toHaveProperty('after');
    expect((await trail(`recordId=${id}`)).map(({ action }) => action)).toEqual([
      'record.deleted',
      'record.updated',
      'record.updated',
      'record.created',
    ]);
  });

  it('has one event for each record of an array, in one request', async () => {
    const records = Array.from({ length: 20 }, (_, i) => ({ title: `n ${i}` }));
    const { body } = await call('post', '/records/note').set('x-request-id', 'bulk-1').send(records);
    const events = (await trail('action=record.created&limit=20')).filter(({ requestId }) => requestId === 'bulk-1');
    expect(new Set(events.map(({ recordId }) => recordId))).toEqual(new Set(body.map(({ id }: { id: string }) => id)));
    expect(events.map(({ after }) => (after as { title: string }).title).sort()).toEqual(
      records.map(({ title }) => title).sort(),
    );
  });

  it('has nothing of what was refused or rolled back', async () => {
    await call('post', '/records/note').send({ code: 'taken' });
    const { id } = (await call('post', '/records/note').send({ title: 'x' })).body;
    const before = await newest();
    await call('post', '/records/note').send({ title: 'far too long for it' }).expect(422);
    await call('post', '/records/note')
      .send([{ title: 'ok' }, { code: 'taken' }])
      .expect(409);
    await call('patch', `/records/note/${id}`).send({ code: 'taken' }).expect(409);
    await call('patch', `/records/note/${id}`).set('if-match', '"9"').send({ title: 'y' }).expect(412);
    await call('delete', `/records/note/${before.id}`).expect(404);
    await call('put', '/entities/note').send({ type: 'object' }).expect(409);
    await call('get', '/records/note').expect(200);
    expect(await newest()).toEqual(before);
  });

  it('has what was denied, by whom and what it was', async () => {
    const viewer = await tenant.as('viewer');
    await viewer('post', '/records/note').set('x-request-id', 'denied-1').send({ title: 'never stored' }).expect(403);
    expect(await newest()).toMatchObject({
      ...{ action: 'access.denied', actor: 'viewer@test', requestId: 'denied-1', entity: null, recordId: null },
      detail: { operation: 'records.create', method: 'POST', roles: ['viewer'] },
    });
    await viewer('put', '/entities/note').send(NOTE).expect(403);
    expect(await newest()).toMatchObject({ action: 'access.denied', detail: { operation: 'entities.define' } });
    expect(JSON.stringify(await trail())).not.toContain('never stored');
  });

  it('has definitions with their documents, and what happened to the tenant', async () => {
    await tenant.define('other', NOTE);
    expect(await newest()).toMatchObject({
      action: 'entity.defined',
      entity: 'other',
      actor: 'admin@test',
      after: { version: 1, document: NOTE },
    });
    const system = await test.token(['system_admin']);
    for (const status of ['suspended', 'active'])
      await test.request(system, 'patch', `/api/v1/tenants/${tenant.id}`).send({ status }).expect(200);
    expect((await trail('limit=2')).map(({ action, actor }) => [action, actor])).toEqual([
      ['tenant.resumed', 'system_admin@test'],
      ['tenant.suspended', 'system_admin@test'],
    ]);
    expect((await trail('action=tenant.created')).length).toBe(1);
  });

  it('comes newest first in pages that miss none and repeat none, while more is written', async () => {
    const all = await trail('limit=200');
    const seen: Entry[] = [];
    for (let after: string | null = ''; after !== null; ) {
      const page: { items: Entry[]; next: string | null } = (
        await call('get', `/audit?limit=7${after ? `&after=${after}` : ''}`).expect(200)
      ).body;
      seen.push(...entriesOf(page.items));
      after = page.next;
      await call('post', '/records/note').send({});
    }
    expect(seen).toEqual(all);
    expect([...all].sort((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : 0))).toEqual(all);
    expect((await trail('entity=other')).every(({ entity }) => entity === 'other')).toBe(true);
  });

  it('refuses a query it does not understand', async () => {
    for (const query of [
      'limit=0',
      'limit=x',
      'after=1',
      'recordId=1',
      'nobody=1',
      'action=',
      'entity=a&entity=b',
      `entity=${'x'.repeat(201)}`,
    ]) {
      expect([query, refusal(await call('get', `/audit?${query}`))]).toEqual([query, '422 request/invalid']);
    }
    expect(refusal(await call('get', '/audit?entity=%00'))).toMatch(/^4(00|22) /);
  });
});
