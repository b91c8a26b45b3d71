/** Properties that are dropped: hidden at once, kept for their retention, brought back by one call, and ended in time. */

import { type Call, change, contents, document, driftOf, planOf, store } from '../harness/definitions.js';
import { faultsOf, refusal } from '../harness/problem.js';
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
const retained = async (entity: string) => (await admin('get', `/entities/${entity}/retained`)).body.items;
const trailOf = async (query: string) => (await admin('get', `/audit?${query}`)).body.items;

async function columnsOf(table: string): Promise<string[]> {
  const { rows } = await test.database.admin(
    'select column_name from information_schema.columns where table_schema = $1 and table_name = $2',
    [tenant.schemaName, table],
  );
  return rows.map((row) => row.column_name);
}

/** Defined, filled and lessened by its property `stars`. */
async function without(
  entity: string,
  records: readonly object[] = [{ title: 'a', stars: 1 }, { title: 'b' }],
  full: object = BOTH,
) {
  await tenant.define(entity, full);
  const ids = await store(admin, entity, records);
  await change(admin, entity, LESS, ['destructive']);
  return ids;
}

describe('dropping a property', () => {
  it('is refused until it is allowed in so many words, and by nothing else', async () => {
    await tenant.define('careful', BOTH);
    const { hash, needs } = await planOf(admin, 'careful', LESS);
    expect(needs).toEqual(['destructive']);
    for (const allow of [undefined, [], ['blocking'], ['drop:stars'], ['Destructive']]) {
      const refused = await admin('post', '/entities/careful/apply').send({ document: LESS, hash, ...(allow && { allow }) });
      expect([refusal(refused), refused.body.needs]).toEqual(['409 entity/not-allowed', ['destructive']]);
    }
    expect(refusal(await admin('put', '/entities/careful').send(LESS))).toBe('409 entity/needs-plan');
    expect(await columnsOf('careful')).toContain('stars');
  });

  it('hides it everywhere at once, and records are written without it', async () => {
    const [id] = await without('hidden', [{ title: 'a', stars: 5 }], { ...BOTH, required: ['stars'] });
    expect((await admin('get', `/records/hidden/${id}`)).body).not.toHaveProperty('stars');
    expect(await contents(admin, 'hidden')).toEqual([{ title: 'a' }]);
    for (const query of ['stars=eq.5', 'select=stars', 'order=stars', 'or=(stars.eq.5,title.eq.a)']) {
      expect(refusal(await admin('get', `/records/hidden?${query}`))).toBe('400 request/invalid-query');
    }
    const { Hidden, ...others } = (await admin('get', '/openapi.json')).body.components.schemas;
    expect(JSON.stringify([Hidden, others['Hidden.Input'], others['Hidden.Patch']])).not.toMatch(/stars|~/);
    expect((await admin('post', '/records/hidden').send({ title: 'new' })).status).toBe(201);
    expect(faultsOf(await admin('post', '/records/hidden').send({ stars: 1 }))).toEqual(['/stars additionalProperties']);
    await admin('patch', `/records/hidden/${id}`).send({ title: 'b' });
    await admin('delete', `/records/hidden/${id}`);
    const [deleted, updated] = await trailOf(`recordId=${id}`);
    expect([deleted, updated]).toMatchObject([{ before: { title: 'b' } }, { before: { title: 'a' }, after: { title: 'b' } }]);
    expect(await driftOf(admin, 'hidden')).toEqual([]);
  });

  it('is told: what is kept, since when and until when, and to admins only', async () => {
    await without('listed');
    const [kept, ...more] = await retained('listed');
    expect([kept, more]).toEqual([
      {
        property: 'stars',
        definition: STARS.stars,
        required: false,
        droppedVersion: 2,
        droppedAt: expect.any(String),
        purgeAt: expect.any(String),
      },
      [],
    ]);
    expect(Math.round((Date.parse(kept.purgeAt) - Date.parse(kept.droppedAt)) / 86_400_000)).toBe(30);
    expect(refusal(await (await tenant.as('viewer'))('get', '/entities/listed/retained'))).toBe('403 auth/forbidden');
  });
});

describe('restoring a property', () => {
  it('is refused for what nobody dropped, what is there again, and a required one that newer records lack: with a way out', async () => {
    await without('refusing');
    expect(refusal(await restore('refusing', { property: 'title' }))).toBe('404 entity/nothing-retained');
    expect(refusal(await restore('refusing', { property: 'nothing' }))).toBe('404 entity/nothing-retained');
    expect(refusal(await restore('nobody', { property: 'stars' }))).toBe('404 entity/not-found');
    expect(refusal(await restore('refusing', { property: 'stars', force: true }))).toBe('422 request/invalid');
    await change(admin, 'refusing', document({ ...TITLE, stars: { type: 'string' } }));
    expect(refusal(await restore('refusing', { property: 'stars' }))).toBe('404 entity/nothing-retained');

    await without('lacking', [{ stars: 1 }], { ...BOTH, required: ['stars'] });
    const [newer] = await store(admin, 'lacking', [{ title: 'newer' }]);
    const refused = await restore('lacking', { property: 'stars' });
    expect(refusal(refused)).toBe('409 entity/plan-impossible');
    expect(refused.body.failing).toEqual([
      expect.objectContaining({
        property: 'stars',
        rows: 1,
        sample: [newer],
        wayOut: 'restore it as optional, fill it, and require it then',
      }),
    ]);
    expect(await contents(admin, 'lacking')).toEqual([{}, { title: 'newer' }]);
  });

  it('changes nothing when it is only asked what it would do', async () => {
    await without('asked');
    const plan = await restore('asked', { property: 'stars', dryRun: true });
    expect([plan.status, plan.body.possible, plan.body.operations[0].kind]).toEqual([200, true, 'restore-property']);
    expect(await contents(admin, 'asked')).toEqual([{ title: 'a' }, { title: 'b' }]);
    expect((await retained('asked')).length).toBe(1);
  });

  it('brings back what records held, with its rules, keys and relations, as a new version', async () => {
    await tenant.define('target', document({ code: { type: 'integer', unique: true } }));
    await store(admin, 'target', [{ code: 1 }]);
    const relation = { type: 'integer', minimum: 1, unique: true, relation: { entity: 'target', field: 'code' } };
    await without('back', [{ title: 'a', stars: 1 }, { title: 'b' }], { ...document({ ...TITLE, stars: relation }) });
    await store(admin, 'back', [{ title: 'meanwhile' }]);
    const restored = await restore('back', { property: 'stars' });
    expect([restored.status, restored.body]).toMatchObject([
      200,
      { version: 3, document: { properties: { ...TITLE, stars: relation } } },
    ]);
    expect(await contents(admin, 'back')).toEqual([{ title: 'a', stars: 1 }, { title: 'b' }, { title: 'meanwhile' }]);
    expect((await contents(admin, 'back', '&stars=eq.1')).length).toBe(1);
    expect(faultsOf(await admin('post', '/records/back').send({ stars: 0 }))).toEqual(['/stars minimum']);
    expect(refusal(await admin('post', '/records/back').send({ stars: 1 }))).toBe('409 record/duplicate');
    expect(refusal(await admin('post', '/records/back').send({ stars: 2 }))).toBe('409 record/reference-missing');
    expect([await retained('back'), await driftOf(admin, 'back')]).toEqual([[], []]);
  });

  it('is refused when a value points at what was deleted meanwhile', async () => {
    await tenant.define('gone', document({ code: { type: 'integer', unique: true } }));
    const [target] = await store(admin, 'gone', [{ code: 1 }]);
    const relation = { type: 'integer', relation: { entity: 'gone', field: 'code' } };
    const [dangling] = await without('dangling', [{ stars: 1 }], document({ ...TITLE, stars: relation }));
    expect((await admin('delete', `/records/gone/${target}`)).status).toBe(204);
    const refused = await restore('dangling', { property: 'stars' });
    expect([refusal(refused), refused.body.failing[0].sample]).toEqual(['409 entity/plan-impossible', [dangling]]);
  });

  it('of a name that was dropped twice brings back the newer, then the older', async () => {
    await without('twice');
    await change(admin, 'twice', document({ ...TITLE, stars: { type: 'string' } }));
    await admin('post', '/records/twice').send({ stars: 'text' });
    await change(admin, 'twice', LESS, ['destructive']);
    expect((await retained('twice')).map(({ droppedVersion }: { droppedVersion: number }) => droppedVersion)).toEqual([4, 2]);
    expect((await restore('twice', { property: 'stars' })).status).toBe(200);
    expect((await contents(admin, 'twice', '&stars=eq.text')).length).toBe(1);
    const renamed = document({ ...TITLE, words: { type: 'string', renamedFrom: 'stars' } });
    await change(admin, 'twice', renamed);
    expect((await restore('twice', { property: 'stars' })).status).toBe(200);
    expect(await contents(admin, 'twice')).toEqual(
      expect.arrayContaining([{ title: 'a', stars: 1 }, { title: 'b' }, { words: 'text' }]),
    );
    expect(await driftOf(admin, 'twice')).toEqual([]);
  });

  it('validates what comes back under rules that came meanwhile', async () => {
    const [id] = await without('ruled', [{ title: 'a', stars: 3 }]);
    await change(admin, 'ruled', { ...LESS, maxProperties: 1 });
    const refused = await restore('ruled', { property: 'stars' });
    expect([refusal(refused), refused.body.failing[0].sample]).toEqual(['409 entity/plan-impossible', [id]]);
  });
});

describe('purging a property', () => {
  it('is refused to everybody but an admin, and for what is not kept', async () => {
    await without('precious');
    for (const role of ['viewer', 'editor', 'auditor', 'service'] as const) {
      const refused = await (await tenant.as(role))('post', '/entities/precious/retained/stars/purge');
      expect(refusal(refused)).toBe('403 auth/forbidden');
    }
    expect(refusal(await admin('post', '/entities/precious/retained/title/purge'))).toBe('404 entity/nothing-retained');
    expect(await contents(admin, 'precious')).toEqual([{ title: 'a' }, { title: 'b' }]);
    expect((await retained('precious')).length).toBe(1);
  });

  it('by a call ends it for good, and the trail tells', async () => {
    await without('purged');
    expect((await admin('post', '/entities/purged/retained/stars/purge')).status).toBe(204);
    expect((await columnsOf('purged')).filter((name) => /stars/.test(name))).toEqual([]);
    expect(await retained('purged')).toEqual([]);
    expect(refusal(await restore('purged', { property: 'stars' }))).toBe('404 entity/nothing-retained');
    expect(await trailOf('action=property.purged&entity=purged')).toMatchObject([{ before: { property: 'stars' } }]);
    expect(await driftOf(admin, 'purged')).toEqual([]);
  });

  it('happens by itself when its time is over, also after the entity was renamed, and not a day earlier', async () => {
    await without('timely');
    await change(admin, 'timelier', { ...LESS, renamedFrom: 'timely' });
    await without('later');
    const age = (entity: string, interval: string) =>
      test.database.admin(
        `update business_store_service.retained_properties as r set purge_at = now() ${interval}
         from business_store_service.tenant_schemas as s where s.entity_id = r.entity_id and s.name = $1 and s.tenant_id = $2`,
        [entity, tenant.id],
      );
    await age('timelier', "- interval '1 second'");
    await age('later', "+ interval '1 day'");
    await sweep(test, async () => (await retained('timelier')).length === 0);
    expect((await columnsOf('timelier')).filter((name) => /stars/.test(name))).toEqual([]);
    expect((await columnsOf('later')).filter((name) => /stars/.test(name))).toHaveLength(1);
    expect(refusal(await restore('timelier', { property: 'stars' }))).toBe('404 entity/nothing-retained');
    expect(await trailOf('action=property.purged&entity=timelier')).toMatchObject([{ before: { property: 'stars' } }]);
    expect((await restore('later', { property: 'stars' })).status).toBe(200);
  });
});
