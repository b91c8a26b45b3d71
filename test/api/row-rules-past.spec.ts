/** Row rules over what is past: a version is a caller's when it would be, by the rules of today and what it said then. */

import { randomUUID } from 'node:crypto';
import type { Response } from 'supertest';
import { type Call, change, document } from '../harness/definitions.js';
import { refusal } from '../harness/problem.js';
import { callAs, makeRole } from '../harness/row-callers.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let tenant: TestTenant;
let admin: Call;
let clerk: Call;

const text = { type: 'string' };
const FORBIDDEN = '403 record/row-forbidden';
const rowRules = { clerk: { read: { team: { in: { claim: 'teams' } } }, write: { owner: { eq: { claim: 'sub' } } } } };
const CASE = document({ title: text, owner: text, team: text }, { history: 'full', softDelete: true, rowRules });

beforeAll(async () => {
  test = await startTestService();
});

beforeEach(async () => {
  tenant = await test.tenant();
  admin = await tenant.as();
  await makeRole(tenant, 'clerk');
  await tenant.define('case', CASE);
  clerk = await callAs(test, tenant, { roles: ['clerk'], subject: 'kim', claims: { teams: ['a'] } });
});

afterAll(() => test.stop());

const add = async (body: Record<string, unknown>): Promise<string> =>
  (await admin('post', '/records/case').send(body).expect(201)).body.id;
const patch = (id: string, body: Record<string, unknown>) => admin('patch', `/records/case/${id}`).send(body).expect(200);
const remove = (id: string) => admin('delete', `/records/case/${id}`).expect(204);
const said = ({ status, body, headers }: Response) => [status, { ...body, instance: 0 }, headers['content-length']];
const history = async (call: Call, id: string) => (await call('get', `/records/case/${id}/history`).expect(200)).body.items;

describe("what is past and not the caller's is", () => {
  it('in no history: versions are shown that are its own, and nothing of what came between', async () => {
    const id = await add({ title: 'one', team: 'a' });
    await patch(id, { title: 'two', team: 'z' });
    await patch(id, { title: 'three' });
    await patch(id, { title: 'four', team: 'a' });
    const items = await history(clerk, id);
    expect(items.map(({ record }: { record: { title: string } }) => record.title)).toEqual(['four', 'one']);
    expect(items.map(({ changes }: { changes?: unknown }) => changes)).toEqual([undefined, undefined]);
    expect(JSON.stringify(items)).not.toMatch(/two|three|"z"/);
    expect(await history(admin, id)).toHaveLength(4);
  });

  it('no history at all, with the very same answer as of a random id', async () => {
    const id = await add({ title: 'one', team: 'z' });
    await patch(id, { title: 'two' });
    const [hidden, random] = [
      await clerk('get', `/records/case/${id}/history`),
      await clerk('get', `/records/case/${randomUUID()}/history`),
    ];
    expect(refusal(hidden)).toBe('404 record/not-found');
    expect(said(hidden)).toEqual(said(random));
  });

  it('paged past: each page is full, whatever lies between its versions', async () => {
    const id = await add({ title: '0', team: 'a' });
    for (let index = 1; index < 8; index++) await patch(id, { title: String(index), team: index % 3 === 0 ? 'a' : 'z' });
    const seen: string[] = [];
    let after = '';
    for (;;) {
      const { body } = await clerk('get', `/records/case/${id}/history?limit=1${after}`).expect(200);
      seen.push(...body.items.map(({ record }: { record: { title: string } }) => record.title));
      if (body.next === null) break;
      after = `&after=${encodeURIComponent(body.next)}`;
    }
    expect(seen).toEqual(['6', '3', '0']);
  });

  it('not among the deleted, not restored and not got', async () => {
    const hidden = await add({ title: 'hidden', team: 'z', owner: 'kim' });
    const seen = await add({ title: 'seen', team: 'a', owner: 'lee' });
    const own = await add({ title: 'own', team: 'a', owner: 'kim' });
    for (const id of [hidden, seen, own]) await remove(id);
    const { body } = await clerk('get', '/deleted/case?limit=2').expect(200);
    expect(body.items.map(({ record }: { record: { title: string } }) => record.title)).toEqual(['own', 'seen']);
    expect(body.next).toBeNull();
    for (const [method, path] of [
      ['get', ''],
      ['post', '/restore'],
    ] as const) {
      const [unseen, random] = [
        await clerk(method, `/deleted/case/${hidden}${path}`),
        await clerk(method, `/deleted/case/${randomUUID()}${path}`),
      ];
      expect(refusal(unseen)).toBe('404 record/not-deleted');
      expect(said(unseen)).toEqual(said(random));
    }
    expect(refusal(await clerk('post', `/deleted/case/${seen}/restore`))).toBe(FORBIDDEN);
    const away = clerk('post', `/deleted/case/${own}/restore`).send({ owner: 'lee' });
    expect(refusal(await away)).toBe(FORBIDDEN);
    await clerk('post', `/deleted/case/${own}/restore`).expect(200);
    expect((await admin('get', '/deleted/case').expect(200)).body.items).toHaveLength(2);
  });

  it('not purged by whoever has some records only', async () => {
    const id = await add({ title: 'own', team: 'a', owner: 'kim' });
    await patch(id, { title: 'other' });
    for (const each of [id, randomUUID()])
      expect(refusal(await clerk('delete', `/records/case/${each}/history`))).toBe(FORBIDDEN);
    await remove(id);
    for (const each of [id, randomUUID()]) expect(refusal(await clerk('delete', `/deleted/case/${each}`))).toBe(FORBIDDEN);
    await admin('delete', `/deleted/case/${id}`).expect(204);
  });

  it('not read as of then, by list and by id', async () => {
    const [own, gone] = [await add({ title: 'was own', team: 'a' }), await add({ title: 'was not', team: 'z' })];
    const { rows } = await test.database.admin("select to_json(clock_timestamp())#>>'{}' as at");
    const asOf = encodeURIComponent(rows[0].at);
    await patch(own, { title: 'is not', team: 'z' });
    await patch(gone, { title: 'is own', team: 'a' });
    const list = async (query: string) =>
      (await clerk('get', `/records/case?select=title${query}`).expect(200)).body.map(({ title }: { title: string }) => title);
    expect(await list('')).toEqual(['is own']);
    expect(await list(`&asOf=${asOf}`)).toEqual(['was own']);
    await clerk('get', `/records/case/${own}?asOf=${asOf}`).expect(200);
    expect(refusal(await clerk('get', `/records/case/${gone}?asOf=${asOf}`))).toBe('404 record/not-found');
    const counted = await clerk('get', `/records/case?asOf=${asOf}&limit=1`).set('prefer', 'count=planned').expect(200);
    expect(counted.headers['content-range']).toBe('0-0/1');
  });

  it('told apart under the names of today', async () => {
    const id = await add({ title: 'one', team: 'a' });
    await patch(id, { title: 'two', team: 'z' });
    const properties = { title: text, owner: text, group: { ...text, renamedFrom: 'team' } };
    const rules = { clerk: { read: { group: { in: { claim: 'teams' } } } } };
    await change(admin, 'case', document(properties, { history: 'full', softDelete: true, rowRules: rules }));
    expect((await history(clerk, id)).map(({ record }: { record: { title: string } }) => record.title)).toEqual(['one']);
  });
});

it('restores what went with a record only for those who have all of it', async () => {
  const relation = { entity: 'case', onDelete: 'cascade' };
  await tenant.define(
    'step',
    document(
      { case: { ...text, format: 'uuid', relation }, owner: text },
      { softDelete: true, rowRules: { clerk: { read: { owner: { eq: 'kim' } } } } },
    ),
  );
  const id = await add({ title: 'own', team: 'a', owner: 'kim' });
  await admin('post', '/records/step').send({ case: id, owner: 'lee' }).expect(201);
  await remove(id);
  for (const each of [id, randomUUID()]) expect(refusal(await clerk('post', `/deleted/case/${each}/restore`))).toBe(FORBIDDEN);
  await admin('post', `/deleted/case/${id}/restore`).expect(200);
});
