/** Whole entities that are dropped: hidden with all their records, kept, brought back, and ended when their time is over. */

import { type Call, change, contents, document, driftOf, store } from '../harness/definitions.js';
import { refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { sweep } from '../harness/sweep.js';

let test: TestService;
let tenant: TestTenant;
let admin: Call;

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  admin = await tenant.as();
});

afterAll(() => test.stop());

const TITLE = { title: { type: 'string' } };
const STARS = { stars: { type: 'integer', minimum: 1 } };
const BOTH = document({ ...TITLE, ...STARS });
const LESS = document(TITLE);

const restore = (entity: string, body: object = {}) => admin('post', `/entities/${entity}/restore`).send(body);
const dropped = async () => (await admin('get', '/entities?status=dropped')).body.items;
const trailOf = async (query: string) => (await admin('get', `/audit?${query}`)).body.items;

async function tables(): Promise<string[]> {
  const { rows } = await test.database.admin('select tablename from pg_tables where schemaname = $1', [tenant.schemaName]);
  return rows.map((row) => row.tablename);
}

describe('dropping an entity', () => {
  const drop = (entity: string) => admin('delete', `/entities/${entity}?allow=destructive`);

  it('is refused without a word, with how many records would go; and while another entity refers to it', async () => {
    await tenant.define('parent', document({ ...TITLE, code: { type: 'integer', unique: true } }));
    await store(admin, 'parent', [{ code: 1 }, { code: 2 }]);
    const refused = await admin('delete', '/entities/parent');
    expect([refusal(refused), refused.body.needs, refused.body.plan.rows]).toEqual([
      '409 entity/not-allowed',
      ['destructive'],
      2,
    ]);
    expect(refused.body.plan.steps.length).toBeGreaterThan(2);
    await tenant.define('child', document({ of: { type: 'integer', relation: { entity: 'parent', field: 'code' } } }));
    const referred = await drop('parent');
    expect([refusal(referred), referred.body.errors[0].message]).toEqual([
      '409 entity/still-referenced',
      '"of" of "child" refers to it',
    ]);
    expect(refusal(await drop('nobody'))).toBe('404 entity/not-found');
    for (const role of ['viewer', 'editor', 'auditor', 'service'] as const) {
      expect(refusal(await (await tenant.as(role))('delete', '/entities/parent?allow=destructive'))).toBe('403 auth/forbidden');
    }
    expect((await contents(admin, 'parent')).length).toBe(2);
  });

  it('hides it and all its records, and restricts nobody any more', async () => {
    await store(admin, 'child', [{ of: 1 }]);
    const [parent] = (await admin('get', '/records/parent?code=eq.1')).body;
    expect(refusal(await admin('delete', `/records/parent/${parent.id}`))).toBe('409 record/still-referenced');
    expect((await drop('child')).status).toBe(204);
    for (const path of ['/entities/child', '/records/child', '/entities/child/versions', '/entities/child/drift']) {
      expect(refusal(await admin('get', path))).toBe('404 entity/not-found');
    }
    expect((await admin('get', '/entities')).body.items.map(({ name }: { name: string }) => name)).not.toContain('child');
    expect((await admin('get', '/openapi.json')).text).not.toContain('/records/child');
    expect(await tables()).not.toContain('child');
    expect(await dropped()).toMatchObject([{ name: 'child', version: 1 }]);
    expect((await admin('delete', `/records/parent/${parent.id}`)).status).toBe(204);
    expect(await trailOf('action=entity.dropped')).toMatchObject([{ entity: 'child', before: { version: 1 } }]);
  });

  it('is listed to those who ask for what was dropped, and not for anything else', async () => {
    for (const status of ['live', '', 'Dropped']) {
      expect(refusal(await admin('get', `/entities?status=${status}`))).toBe('400 request/invalid-query');
    }
    expect((await (await tenant.as('viewer'))('get', '/entities?status=dropped')).body.items).toEqual([
      { name: 'child', version: 1, droppedAt: expect.any(String), purgeAt: expect.any(String) },
    ]);
  });

  it('is not undone when it is only asked what that would do', async () => {
    const plan = await restore('child', { dryRun: true });
    expect([plan.status, plan.body.entity, plan.body.version]).toEqual([200, 'child', 1]);
    expect(plan.body.steps.at(0).sql).toMatch(/rename/);
    expect(await dropped()).toHaveLength(1);
    expect(refusal(await restore('parent', { dryRun: true }))).toBe('409 entity/exists');
    expect(refusal(await restore('nobody', { dryRun: true }))).toBe('404 entity/nothing-retained');
  });

  it('is undone only if what its records refer to is still there', async () => {
    expect(refusal(await restore('child'))).toBe('409 entity/plan-impossible');
    await store(admin, 'parent', [{ code: 1 }]);
    expect((await restore('child')).body).toMatchObject({ name: 'child', version: 1 });
    expect(await contents(admin, 'child')).toEqual([{ of: 1 }]);
    expect(refusal(await admin('post', '/records/child').send({ of: 9 }))).toBe('409 record/reference-missing');
    expect([await driftOf(admin, 'child'), await dropped()]).toEqual([[], []]);
    expect(await trailOf('action=entity.restored')).toMatchObject([{ entity: 'child', after: { version: 1 } }]);
  });

  it('frees its name, which restoring it asks for', async () => {
    const full = document({
      code: { type: 'string', unique: true, maxLength: 5 },
      up: { type: 'string', relation: { entity: 'named', field: 'code' } },
    });
    await tenant.define('named', { ...full, additionalProperties: true, indexes: [['-code']] });
    await store(admin, 'named', [{ code: 'old', up: 'old', wild: 1 }]);
    expect((await drop('named')).status).toBe(204);
    await tenant.define('named', full);
    await store(admin, 'named', [{ code: 'new' }]);
    expect(refusal(await restore('named'))).toBe('409 entity/exists');
    expect(await contents(admin, 'named')).toEqual([{ code: 'new' }]);
    await change(admin, 'renamed', {
      ...full,
      properties: { ...full.properties, up: { type: 'string', relation: { entity: 'renamed', field: 'code' } } },
      renamedFrom: 'named',
    });
    expect((await restore('named')).status).toBe(200);
    expect([await contents(admin, 'named'), await contents(admin, 'renamed')]).toEqual([
      [{ code: 'old', up: 'old', wild: 1 }],
      [{ code: 'new' }],
    ]);
    for (const entity of ['named', 'renamed']) expect(await driftOf(admin, entity)).toEqual([]);
    expect(refusal(await admin('post', '/records/named').send({ code: 'old' }))).toBe('409 record/duplicate');
    await change(admin, 'named', {
      ...full,
      additionalProperties: true,
      properties: { ...full.properties, wild: { type: 'integer' } },
    });
    expect(await contents(admin, 'named')).toEqual([{ code: 'old', up: 'old', wild: 1 }]);
  });

  it('ends by itself when its time is over, with what it kept of its own, and the trail tells', async () => {
    await tenant.define('mortal', BOTH);
    await store(admin, 'mortal', [{ stars: 1 }]);
    await change(admin, 'mortal', LESS, ['destructive']);
    expect((await drop('mortal')).status).toBe(204);
    const [{ rows }] = [
      await test.database.admin('select hidden_table from business_store_service.tenant_schemas where name = $1', ['mortal']),
    ];
    await test.database.admin(
      "update business_store_service.tenant_schemas set purge_at = now() - interval '1 second' where name = $1",
      ['mortal'],
    );
    expect(await tables()).toContain(rows[0].hidden_table);
    await sweep(test, async () => (await dropped()).length === 0);
    expect(await tables()).not.toContain(rows[0].hidden_table);
    expect(refusal(await restore('mortal'))).toBe('404 entity/nothing-retained');
    expect(
      (
        await test.database.admin(
          'select from business_store_service.retained_properties r join business_store_service.tenant_schemas s using (entity_id) where s.name = $1',
          ['mortal'],
        )
      ).rowCount,
    ).toBe(0);
    expect(await trailOf('action=entity.purged')).toMatchObject([{ entity: 'mortal', actor: 'business-store' }]);
    expect((await admin('put', '/entities/mortal').send(BOTH)).status).toBe(201);
  });

  it('is no other tenant’s to see or undo', async () => {
    const other = await test.tenant();
    await other.define('theirs', BOTH);
    const call = await other.as();
    await call('delete', '/entities/theirs?allow=destructive');
    expect(await dropped()).toEqual([]);
    expect(refusal(await restore('theirs'))).toBe('404 entity/nothing-retained');
    expect((await call('post', '/entities/theirs/restore').send({})).status).toBe(200);
  });
});
