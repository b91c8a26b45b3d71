/** Entities that change their name, and admins who change one entity at the same moment: the history stays linear. */

import supertest from 'supertest';
import type { RunningService } from '../../src/start.js';
import { type Call, change, contents, document, driftOf, planOf, store } from '../harness/definitions.js';
import { refusal } from '../harness/problem.js';
import { type Method, startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let second: RunningService;
let tenant: TestTenant;
let admin: Call;
let there: Call;

beforeAll(async () => {
  test = await startTestService();
  second = await test.another();
  tenant = await test.tenant();
  admin = await tenant.as();
  const token = await test.token(['admin'], tenant.id);
  there = (method: Method, path: string) =>
    supertest(second.url)[method](`/api/v1/tenants/${tenant.id}${path}`).set('authorization', `Bearer ${token}`);
});

afterAll(async () => {
  await second.stop();
  await test.stop();
});

const text = (words: object = {}) => ({ type: 'string', ...words });
const integer = (words: object = {}) => ({ type: 'integer', ...words });

const rollback = (entity: string, version: number, body: object = {}) =>
  admin('post', `/entities/${entity}/rollback`).send({ version, ...body });
const versions = async (entity: string, query = '') => (await admin('get', `/entities/${entity}/versions${query}`)).body;
const numbers = async (entity: string): Promise<number[]> =>
  (await versions(entity)).items.map(({ version }: { version: number }) => version);

describe('a renamed entity', () => {
  it('keeps its records and its history; those that refer to it follow, with a version of their own', async () => {
    await tenant.define(
      'author',
      document({ code: text({ unique: true }), mentor: text({ relation: { entity: 'author', field: 'code' } }) }),
    );
    await tenant.define('book', document({ by: text({ relation: { entity: 'author', field: 'code', onDelete: 'cascade' } }) }));
    await store(admin, 'author', [{ code: 'a' }, { code: 'b', mentor: 'a' }]);
    await store(admin, 'book', [{ by: 'a' }]);
    const renamed = {
      ...document({
        sign: text({ unique: true, renamedFrom: 'code' }),
        mentor: text({ relation: { entity: 'writer', field: 'sign' } }),
      }),
      renamedFrom: 'author',
    };
    const { plan, definition } = await change(admin, 'writer', renamed);
    expect([plan.alsoChanges, definition.name, definition.version]).toEqual([[{ entity: 'book', toVersion: 2 }], 'writer', 2]);
    expect(refusal(await admin('get', '/records/author'))).toBe('404 entity/not-found');
    expect(await contents(admin, 'writer')).toEqual([{ sign: 'a' }, { sign: 'b', mentor: 'a' }]);
    const book = (await admin('get', '/entities/book')).body;
    expect([book.version, book.document.properties.by.relation]).toEqual([
      2,
      { entity: 'writer', field: 'sign', onDelete: 'cascade' },
    ]);
    expect([await numbers('writer'), await numbers('book')]).toEqual([
      [2, 1],
      [2, 1],
    ]);
    for (const entity of ['writer', 'book']) expect(await driftOf(admin, entity)).toEqual([]);
    expect(refusal(await admin('post', '/records/book').send({ by: 'c' }))).toBe('409 record/reference-missing');
    const [a, b] = (await admin('get', '/records/writer?order=id')).body;
    expect(refusal(await admin('delete', `/records/writer/${a.id}`))).toBe('409 record/still-referenced');
    for (const { id } of [b, a]) expect((await admin('delete', `/records/writer/${id}`)).status).toBe(204);
    expect(await contents(admin, 'book')).toEqual([]);
    expect((await admin('put', '/entities/author').send(document({ x: text() }))).status).toBe(201);
  });

  it('is called again as it was, with all that refers to it, when it is rolled back; unless the name is taken', async () => {
    const loop = (name: string) =>
      document({ code: text({ unique: true }), up: text({ relation: { entity: name, field: 'code' } }) });
    await tenant.define('branch', loop('branch'));
    await tenant.define('leaf', document({ on: text({ relation: { entity: 'branch', field: 'code' } }) }));
    await store(admin, 'branch', [{ code: 'a', up: 'a' }]);
    await store(admin, 'leaf', [{ on: 'a' }]);
    await change(admin, 'twig', { ...loop('twig'), renamedFrom: 'branch' });
    await tenant.define('branch', document({ x: text() }));
    const refused = await rollback('twig', 1);
    expect([refused.status, await numbers('twig')]).toEqual([409, [2, 1]]);
    await admin('delete', '/entities/branch?allow=destructive');
    const back = await rollback('twig', 1);
    expect([back.status, back.body]).toMatchObject([200, { name: 'branch', version: 3, document: loop('branch') }]);
    expect((await admin('get', '/entities/leaf')).body).toMatchObject({
      version: 3,
      document: { properties: { on: { relation: { entity: 'branch' } } } },
    });
    expect(refusal(await admin('get', '/records/twig'))).toBe('404 entity/not-found');
    expect([await contents(admin, 'branch'), await contents(admin, 'leaf')]).toEqual([[{ code: 'a', up: 'a' }], [{ on: 'a' }]]);
    for (const entity of ['branch', 'leaf']) expect(await driftOf(admin, entity)).toEqual([]);
  });

  it('cannot take a name that is taken', async () => {
    for (const name of ['left', 'right']) await tenant.define(name, document({ a: text() }));
    const plan = await planOf(admin, 'right', { ...document({ a: text() }), renamedFrom: 'left' });
    // The name there is wins: what was said of the past is only said.
    expect([plan.fromVersion, plan.operations.map(({ kind }) => kind), plan.alsoChanges]).toEqual([1, ['change-words'], []]);
    expect((await admin('get', '/entities')).body.items.map(({ name }: { name: string }) => name)).toEqual(
      expect.arrayContaining(['left', 'right']),
    );
  });
});

describe('two admins who publish at once', () => {
  it('by hash: one wins, the other is told with the plan there is now; the history is linear, round after round', async () => {
    await tenant.define('raced', document({ a: text() }));
    for (let round = 1; round <= 20; round++) {
      const { properties } = (await admin('get', '/entities/raced')).body.document;
      const wanted = ['left', 'right'].map((side) => document({ ...properties, [`${side}${round}`]: integer() }));
      const hashes = await Promise.all(wanted.map(async (each) => (await planOf(admin, 'raced', each)).hash));
      const answers = await Promise.all(
        [admin, there].map((call, i) => call('post', '/entities/raced/apply').send({ document: wanted[i], hash: hashes[i] })),
      );
      const [won, lost] = answers.sort((x, y) => x.status - y.status);
      expect([won?.status, won?.body.version]).toEqual([200, round + 1]);
      expect(refusal(lost as (typeof answers)[0])).toBe('409 entity/plan-stale');
      expect([lost?.body.plan.fromVersion, lost?.body.plan.possible]).toEqual([round + 1, true]);
    }
    expect((await versions('raced')).items.map(({ version }: { version: number }) => version)).toEqual(
      Array.from({ length: 21 }, (_, i) => 21 - i),
    );
    expect(await driftOf(admin, 'raced')).toEqual([]);
  });

  it('a rollback beside a change: neither is lost unnoticed', async () => {
    await tenant.define('both', document({ a: text() }));
    await change(admin, 'both', document({ a: text(), b: text() }));
    for (let round = 0; round < 10; round++) {
      const { version, document: now } = (await admin('get', '/entities/both')).body;
      const wanted = { ...now, properties: { ...now.properties, [`p${round}`]: integer() } };
      const [back, forth] = await Promise.all([
        rollback('both', version - 1, { allow: ['destructive'] }),
        there('put', '/entities/both').send(wanted),
      ]);
      const after = (await admin('get', '/entities/both')).body;
      const won = [back, forth].filter(({ status }) => status === 200).length;
      expect([after.version, won >= 1]).toEqual([version + won, true]);
      for (const answer of [back, forth].filter(({ status }) => status !== 200)) {
        expect(refusal(answer)).toMatch(/^409 entity\/(plan-stale|needs-plan|needs-answer|not-allowed)$/);
      }
    }
    expect(await driftOf(admin, 'both')).toEqual([]);
  });
});
