/** The history of an entity: one version after the other, any two compared, and any old one put in force again. */

import { type Call, change, contentOf, contents, document, driftOf, store } from '../harness/definitions.js';
import { refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let tenant: TestTenant;
let admin: Call;

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  admin = await tenant.as();
});

afterAll(() => test.stop());

const text = (words: object = {}) => ({ type: 'string', ...words });
const integer = (words: object = {}) => ({ type: 'integer', ...words });

const rollback = (entity: string, version: number, body: object = {}) =>
  admin('post', `/entities/${entity}/rollback`).send({ version, ...body });
const versions = async (entity: string, query = '') => (await admin('get', `/entities/${entity}/versions${query}`)).body;
const numbers = async (entity: string): Promise<number[]> =>
  (await versions(entity)).items.map(({ version }: { version: number }) => version);

/** `kind pointer` of each difference, and what it means to clients. */
async function diff(entity: string, from: number, to: number): Promise<[string, string[]]> {
  const { body } = await admin('get', `/entities/${entity}/diff?from=${from}&to=${to}`);
  return [
    body.compatibility.level,
    body.changes.map(({ kind, pointer }: { kind: string; pointer: string }) => `${kind} ${pointer}`),
  ];
}

/** title → name → label over five versions, `stars` dropped, `color` added on the way. */
const STORY = [
  document({ title: text(), stars: integer(), kind: text() }, { required: ['kind'] }),
  document({ name: text({ renamedFrom: 'title' }), stars: integer(), kind: text() }, { required: ['kind'] }),
  document({ name: text({ renamedFrom: 'title' }), kind: text() }, { required: ['kind'] }),
  document(
    { name: text({ renamedFrom: 'title' }), kind: text(), color: text({ enum: ['red', 'blue'] }) },
    { required: ['kind'] },
  ),
  document(
    { label: text({ renamedFrom: 'name' }), kind: text(), color: text({ enum: ['red', 'blue'] }) },
    { required: ['kind'] },
  ),
] as const;

async function tell(entity: string): Promise<void> {
  await tenant.define(entity, STORY[0]);
  await store(admin, entity, [
    { title: 'a', stars: 1, kind: 'k' },
    { title: 'b', kind: 'l' },
  ]);
  for (const each of STORY.slice(1)) await change(admin, entity, each, ['destructive']);
  await store(admin, entity, [{ label: 'c', kind: 'm', color: 'red' }]);
}

describe('a version is refused', () => {
  it('that never was, in a list, a comparison and a rollback, and one in force cannot be rolled back to', async () => {
    await tenant.define('short', STORY[0]);
    for (const path of ['/versions/2', '/versions/99999999999', '/diff?from=1&to=2', '/diff?from=7&to=1']) {
      expect(refusal(await admin('get', `/entities/short${path}`))).toBe('404 entity/version-not-found');
    }
    for (const version of [1, 2]) expect(refusal(await rollback('short', version))).toBe('404 entity/version-not-found');
    for (const path of ['/versions?limit=0', '/versions?before=x', '/diff?from=1', '/diff?from=0&to=1', '/diff?from=1&to=1.5']) {
      expect(refusal(await admin('get', `/entities/short${path}`))).toBe('422 request/invalid');
    }
    expect(refusal(await admin('get', '/entities/short/versions/one'))).toBe('400 request/malformed');
    for (const body of [{}, { version: 0 }, { version: '1' }, { version: 1, hash: 'x' }, { version: 1, force: true }]) {
      expect(refusal(await admin('post', '/entities/short/rollback').send(body))).toBe('422 request/invalid');
    }
    expect(refusal(await rollback('nobody', 1))).toBe('404 entity/not-found');
  });

  it('to another tenant, and a rollback to everybody but an admin', async () => {
    await tenant.define('ours', STORY[0]);
    await change(admin, 'ours', STORY[1]);
    for (const role of ['viewer', 'editor', 'auditor', 'service'] as const) {
      const call = await tenant.as(role);
      expect((await call('get', '/entities/ours/versions')).body.items).toHaveLength(2);
      expect(refusal(await call('post', '/entities/ours/rollback').send({ version: 1 }))).toBe('403 auth/forbidden');
    }
    const other = await (await test.tenant()).as();
    expect(refusal(await other('get', '/entities/ours/versions'))).toBe('404 entity/not-found');
    expect(await numbers('ours')).toEqual([2, 1]);
  });
});

describe('versions', () => {
  it('are listed newest first, page by page, each with who and when, and read back as they were written', async () => {
    await tell('told');
    const { items, next } = await versions('told');
    expect([items.map(({ version }: { version: number }) => version), next]).toEqual([[5, 4, 3, 2, 1], null]);
    const times = items.map(({ createdAt }: { createdAt: string }) => Date.parse(createdAt));
    expect([...times].sort((a, b) => b - a)).toEqual(times);
    for (const [index, wanted] of STORY.entries()) {
      const { body } = await admin('get', `/entities/told/versions/${index + 1}`);
      expect(body).toEqual({
        ...{ version: index + 1, name: 'told', createdAt: expect.any(String), createdBy: 'admin@test' },
        document: wanted,
      });
    }
    const page = await versions('told', '?limit=2');
    expect([page.items.length, page.next]).toEqual([2, 4]);
    expect(
      (await versions('told', `?limit=3&before=${page.next}`)).items.map(({ version }: { version: number }) => version),
    ).toEqual([3, 2, 1]);
  });

  it('are compared in both directions, renames followed across what lies between', async () => {
    expect(await diff('told', 1, 2)).toEqual(['breaking', ['property-renamed /properties/name/renamedFrom']]);
    expect(await diff('told', 2, 1)).toEqual(['breaking', ['property-renamed /properties/title/renamedFrom']]);
    expect(await diff('told', 3, 4)).toEqual(['backward', ['property-added /properties/color']]);
    expect(await diff('told', 4, 3)).toEqual(['breaking', ['property-removed /properties/color']]);
    expect((await diff('told', 1, 5))[1]).toEqual([
      'property-renamed /properties/label/renamedFrom',
      'property-added /properties/color',
      'property-removed /properties/stars',
    ]);
    expect((await diff('told', 5, 1))[1]).toEqual([
      'property-renamed /properties/title/renamedFrom',
      'property-added /properties/stars',
      'property-removed /properties/color',
    ]);
    expect(await diff('told', 4, 4)).toEqual(['full', []]);
  });

  it('say that a property is another one when its name was given again', async () => {
    await tenant.define('again', document({ a: text(), b: integer() }));
    await change(admin, 'again', document({ b: integer() }), ['destructive']);
    await change(admin, 'again', document({ a: text({ renamedFrom: 'c' }), b: integer() }));
    expect((await diff('again', 1, 3))[1]).toContain('annotation-changed /properties/a/renamedFrom');
    const asked = await rollback('again', 1, { allow: ['destructive'] });
    expect([refusal(asked), asked.body.questions[0].answer]).toEqual(['409 entity/needs-answer', 'keep:a']);
    expect((await rollback('again', 1, { allow: ['destructive', 'keep:a'] })).status).toBe(200);
  });
});

describe('a rollback', () => {
  it('is asked first, changes nothing then, and applies nothing but what was asked', async () => {
    await tell('dry');
    const plan = (await rollback('dry', 1, { dryRun: true })).body;
    expect(plan.operations.map(({ kind, property }: { kind: string; property: string }) => `${kind} ${property}`)).toEqual([
      'drop-property color',
      'rename-property title',
      'restore-property stars',
    ]);
    expect([plan.possible, plan.questions, plan.needs, plan.fromVersion, plan.toVersion]).toEqual([
      true,
      [],
      ['destructive'],
      5,
      6,
    ]);
    expect(await numbers('dry')).toHaveLength(5);
    const unasked = await rollback('dry', 1);
    expect([refusal(unasked), unasked.body.plan.hash]).toEqual(['409 entity/not-allowed', plan.hash]);
    expect(refusal(await rollback('dry', 2, { hash: plan.hash, allow: ['destructive'] }))).toBe('409 entity/plan-stale');
    expect((await rollback('dry', 1, { hash: plan.hash, allow: ['destructive'] })).body.version).toBe(6);
  });

  it('over several versions with renames and drops in between brings back what records held', async () => {
    await tell('back');
    const done = await rollback('back', 1, { allow: ['destructive'] });
    expect([done.status, done.body]).toMatchObject([200, { version: 6, document: STORY[0] }]);
    expect(await contents(admin, 'back')).toEqual([
      { title: 'a', stars: 1, kind: 'k' },
      { title: 'b', kind: 'l' },
      { title: 'c', kind: 'm' },
    ]);
    expect((await contents(admin, 'back', '&title=eq.c')).length).toBe(1);
    expect(refusal(await admin('post', '/records/back').send({ label: 'd', kind: 'k' }))).toBe('422 record/invalid');
    expect([await numbers('back'), await driftOf(admin, 'back')]).toEqual([[6, 5, 4, 3, 2, 1], []]);
    expect((await admin('get', '/entities/back/retained')).body.items).toMatchObject([{ property: 'color', droppedVersion: 6 }]);
  });

  it('of a rollback brings back what that one dropped', async () => {
    await tenant.define('forth', document({ a: text() }));
    await change(admin, 'forth', document({ a: text(), b: integer() }));
    await store(admin, 'forth', [{ a: 'x', b: 1 }]);
    expect((await rollback('forth', 1, { allow: ['destructive'] })).body.version).toBe(3);
    expect(await contents(admin, 'forth')).toEqual([{ a: 'x' }]);
    expect((await rollback('forth', 2)).body.version).toBe(4);
    expect(await contents(admin, 'forth')).toEqual([{ a: 'x', b: 1 }]);
    expect(await numbers('forth')).toEqual([4, 3, 2, 1]);
  });

  it('and the way forth again lose nothing, renames included', async () => {
    await tell('redo');
    const before = (await admin('get', '/records/redo?order=id')).body;
    expect((await rollback('redo', 1, { allow: ['destructive'] })).body.version).toBe(6);
    const [first] = (await admin('get', '/records/redo?order=id')).body;
    await admin('patch', `/records/redo/${first.id}`).send({ title: 'changed' });
    expect((await diff('redo', 5, 6))[1]).toContain('property-renamed /properties/title/renamedFrom');
    const again = await rollback('redo', 5, { allow: ['destructive'] });
    expect([again.status, again.body]).toMatchObject([200, { version: 7, document: STORY[4] }]);
    expect((await admin('get', '/records/redo?order=id')).body.map(contentOf)).toEqual(
      before.map((record: Record<string, unknown>, i: number) => ({
        ...contentOf(record),
        ...(i === 0 && { label: 'changed' }),
      })),
    );
    expect(await driftOf(admin, 'redo')).toEqual([]);
  });

  it('of a type brings back every value exactly', async () => {
    await tenant.define('typed', document({ n: text(), on: text() }));
    await store(admin, 'typed', [{ n: '7', on: '2026-02-28' }, { n: '-12' }]);
    await change(admin, 'typed', document({ n: integer(), on: text({ format: 'date' }) }));
    expect((await rollback('typed', 1)).status).toBe(200);
    expect(await contents(admin, 'typed')).toEqual([{ n: '7', on: '2026-02-28' }, { n: '-12' }]);
  });

  it('that cannot be says why, by the records in its way, and what is gone for good', async () => {
    await tenant.define('stuck', document({ n: integer(), a: text() }, { required: ['a'] }));
    await store(admin, 'stuck', [{ n: 1, a: 'x' }]);
    await change(admin, 'stuck', document({ n: text() }), ['destructive']);
    const [wordy] = await store(admin, 'stuck', [{ n: 'seven' }]);
    const refused = await rollback('stuck', 1);
    expect(refusal(refused)).toBe('409 entity/plan-impossible');
    expect(
      refused.body.failing.map(({ property, rows, sample }: { property: string; rows: number; sample: string[] }) => [
        property,
        rows,
        sample,
      ]),
    ).toEqual([
      ['n', 1, [wordy]],
      ['a', 1, [wordy]],
    ]);
    await admin('delete', `/records/stuck/${wordy}`);
    await admin('post', '/entities/stuck/retained/a/purge');
    const purged = await rollback('stuck', 1);
    expect([refusal(purged), purged.body.failing[0].property, purged.body.failing[0].wayOut]).toEqual([
      ...['409 entity/plan-impossible', 'a'],
      expect.stringContaining('"default"'),
    ]);
  });

  it('to a relation whose target is gone says so', async () => {
    await tenant.define('target', document({ code: text({ unique: true }) }));
    await tenant.define('source', document({ to: text({ relation: { entity: 'target', field: 'code' } }) }));
    await change(admin, 'source', document({ to: text() }));
    await admin('delete', '/entities/target?allow=destructive');
    const refused = await rollback('source', 1);
    expect([refusal(refused), refused.body.errors[0].pointer]).toEqual([
      '422 entity/invalid-document',
      '/properties/to/relation/entity',
    ]);
  });
});

describe('a rollback to a property that went another way', () => {
  const words = (names: readonly string[], renamedFrom?: string) =>
    document(Object.fromEntries(names.map((name) => [name, text(renamedFrom && name !== 'kind' ? { renamedFrom } : {})])));

  it('brings back under its first name what was dropped under another', async () => {
    await tenant.define('moved', words(['a', 'kind']));
    await store(admin, 'moved', [{ a: 'kept', kind: 'k' }]);
    await change(admin, 'moved', words(['b', 'kind'], 'a'));
    await change(admin, 'moved', words(['kind']), ['destructive']);
    expect((await rollback('moved', 1)).status).toBe(200);
    expect(await contents(admin, 'moved')).toEqual([{ a: 'kept', kind: 'k' }]);
    expect(await driftOf(admin, 'moved')).toEqual([]);
  });

  it('renames what came back in between', async () => {
    await tenant.define('returned', words(['a', 'kind']));
    await store(admin, 'returned', [{ a: 'kept', kind: 'k' }]);
    await change(admin, 'returned', words(['b', 'kind'], 'a'));
    await change(admin, 'returned', words(['kind']), ['destructive']);
    await admin('post', '/entities/returned/restore').send({ property: 'b' });
    expect((await rollback('returned', 1)).status).toBe(200);
    expect(await contents(admin, 'returned')).toEqual([{ a: 'kept', kind: 'k' }]);
  });

  it('gives the entity the name it had', async () => {
    await tenant.define('first', words(['a', 'kind']));
    await store(admin, 'first', [{ a: 'kept', kind: 'k' }]);
    await change(admin, 'second', { ...words(['a', 'kind']), renamedFrom: 'first' });
    expect((await rollback('second', 1)).body).toMatchObject({ name: 'first', version: 3 });
    expect(await contents(admin, 'first')).toEqual([{ a: 'kept', kind: 'k' }]);
    expect((await versions('first')).items.map(({ name }: { name: string }) => name)).toEqual(['first', 'second', 'first']);
  });
});
