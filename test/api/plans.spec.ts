/** Plans: what is refused, what they promise and ask, and that they are applied as they were shown. */

import { type Call, change, contents, document, driftOf, planOf, store } from '../harness/definitions.js';
import { faultsOf, refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { createSurroundings } from '../harness/surroundings.js';
import { everythingOf } from '../harness/tenant-state.js';
import { tapWire, type WireTap } from '../harness/wire-tap.js';

let test: TestService;
/** What is said to Postgres by the control plane, and by those who work inside tenants. */
let tap: WireTap;
let inside: WireTap;
let tenant: TestTenant;
let admin: Call;

beforeAll(async () => {
  const around = await createSurroundings();
  [tap, inside] = await Promise.all([tapWire(around.database.controlUrl), tapWire(around.database.runtimeUrl)]);
  test = await startTestService({ DATABASE_CONTROL_URL: tap.url, DATABASE_URL: inside.url }, around);
  tenant = await test.tenant();
  admin = await tenant.as();
});

afterAll(async () => {
  await test.stop();
  await Promise.all([tap.stop(), inside.stop()]);
});

const TEXT = { type: 'string' };
const NOTE = document({ title: { type: 'string', maxLength: 20 }, stars: { type: 'integer' } });
const REQUIRED = { ...NOTE, required: ['title'] };

const apply = (call: Call, entity: string, wanted: object, hash: string, allow: readonly string[] = []) =>
  call('post', `/entities/${entity}/apply`).send({ document: wanted, hash, allow });

describe('a plan is refused', () => {
  it('for a document that is none, and for a relation that does not hold, each fault by its place', async () => {
    const invalid = await admin('post', '/entities/note/plan').send({ type: 'object', properties: { a: { type: 'strin' } } });
    expect([refusal(invalid), faultsOf(invalid)]).toEqual(['422 entity/invalid-document', ['/properties/a/type anyOf']]);
    const dangling = await admin('post', '/entities/note/plan').send(
      document({ at: { type: 'integer', relation: { entity: 'no' } } }),
    );
    expect([refusal(dangling), faultsOf(dangling)]).toEqual([
      '422 entity/invalid-document',
      ['/properties/at/relation/entity relation'],
    ]);
  });

  it('when another entity refers to what would go, lose its key, or change its type', async () => {
    await tenant.define('target', document({ code: { type: 'string', unique: true }, name: TEXT }));
    await tenant.define('source', document({ to: { type: 'string', relation: { entity: 'target', field: 'code' } } }));
    for (const wanted of [
      document({ name: TEXT }),
      document({ code: TEXT, name: TEXT }),
      document({ code: { type: 'integer', unique: true }, name: TEXT }),
      document({ other: { ...TEXT, unique: true }, name: TEXT }),
    ]) {
      const refused = await admin('post', '/entities/target/plan').send(wanted);
      expect([refusal(refused), faultsOf(refused)]).toEqual(['422 entity/invalid-document', ['/properties/code relation']]);
      expect(refused.body.errors[0].message).toContain('"to" of "source" refers to "code"');
    }
  });
});

describe('a plan', () => {
  const MIXED = {
    ...document({
      name: { ...TEXT, renamedFrom: 'title', maxLength: 30, unique: true },
      stars: { type: 'number', minimum: 0, index: true },
      kind: { ...TEXT, default: 'new', pattern: '^n' },
    }),
    required: ['kind'],
  };

  it('is of the document as it was sent, whatever names it holds inside', async () => {
    const inner = { type: 'object', default: { constructor: 1 } };
    await tenant.define('named', NOTE);
    const wanted = document({ ...NOTE.properties, inner });
    const { definition } = await change(admin, 'named', wanted);
    expect(definition.document).toEqual(wanted);
    expect((await admin('post', '/records/named').send({})).body.inner).toEqual({ constructor: 1 });
  });

  it('changes nothing, whatever it is about', async () => {
    await tenant.define('planned', NOTE);
    await store(admin, 'planned', [{ title: 'a', stars: 1 }, {}]);
    const before = await everythingOf(test.database, tenant);
    for (const wanted of [MIXED, REQUIRED, document({}), { ...NOTE, additionalProperties: true }])
      await planOf(admin, 'planned', wanted);
    await planOf(admin, 'unheard', NOTE);
    await planOf(admin, 'renamed', { ...NOTE, renamedFrom: 'planned' });
    expect(await everythingOf(test.database, tenant)).toEqual(before);
  });

  it('is the same when it is asked again, and is applied byte for byte', async () => {
    await tenant.define('truthful', document({ ...NOTE.properties, gone: TEXT }));
    await store(admin, 'truthful', [{ title: 'a', stars: 1, gone: 'g' }, {}]);
    const [plan, again] = [await planOf(admin, 'truthful', MIXED), await planOf(admin, 'truthful', MIXED)];
    expect(again.hash).toBe(plan.hash);
    tap.messages.length = 0;
    expect((await apply(admin, 'truthful', MIXED, plan.hash, ['destructive', 'drop:gone'])).status).toBe(200);
    // Whatever names the schema of the tenant, quoted as statements do: nothing else touched its tables.
    const sent = tap.messages.map(({ sql }) => sql).filter((sql) => sql.includes(`"${tenant.schemaName}"`));
    expect(sent).toEqual(plan.steps.map(({ sql }) => sql));
    expect(sent.length).toBeGreaterThan(8);
    expect(await driftOf(admin, 'truthful')).toEqual([]);
  });

  it('that prepares beside the table does so byte for byte: whatever else is said of it only reads', async () => {
    await tenant.define('prepared', document({ size: { type: 'number', unique: true, minimum: 1 } }));
    await store(admin, 'prepared', [{ size: 1 }, { size: 20 }]);
    const wanted = document({ size: { type: 'integer', unique: true, maximum: 20 } });
    const plan = await planOf(admin, 'prepared', wanted);
    expect(plan.steps.map(({ phase }) => phase)).toContain('prepare');
    for (const each of [tap, inside]) each.messages.length = 0;
    expect((await apply(admin, 'prepared', wanted, plan.hash)).status).toBe(200);
    const sent = [tap, inside]
      .flatMap(({ messages }) => messages.map(({ sql }) => sql))
      .filter((sql) => sql.includes(`"${tenant.schemaName}"`));
    const planned = plan.steps.map(({ sql }) => sql);
    expect(planned.filter((sql) => !sent.includes(sql))).toEqual([]);
    expect(sent.filter((sql) => !planned.includes(sql) && !/^select /.test(sql))).toEqual([]);
    expect(await contents(admin, 'prepared')).toEqual([{ size: 1 }, { size: 20 }]);
  });

  it('that was applied is told in the trail: who, from which version to which, and each change in words', async () => {
    const [event] = (await admin('get', '/audit?action=entity.defined&entity=prepared')).body.items;
    expect(event).toMatchObject({ actor: 'admin@test', before: { version: 1 }, after: { version: 2 } });
    expect(event.changes).toContainEqual(expect.stringContaining('the type of "size" changes from double precision to bigint'));
  });

  it('of a new entity is applied byte for byte, too', async () => {
    const wanted = document({ code: { ...TEXT, unique: true, maxLength: 3 }, stars: { type: 'integer', index: true } });
    const plan = await planOf(admin, 'brandNew', wanted);
    tap.messages.length = 0;
    expect((await apply(admin, 'brandNew', wanted, plan.hash)).status).toBe(201);
    const sent = tap.messages.map(({ sql }) => sql).filter((sql) => sql.includes(`"${tenant.schemaName}"`));
    expect(sent).toEqual(plan.steps.map(({ sql }) => sql));
  });

  it('tells how many records stand in the way, five of them by id, and a way out for each', async () => {
    await tenant.define('counted', NOTE);
    const ids = await store(admin, 'counted', [
      ...Array.from({ length: 7 }, () => ({ stars: 1 })),
      { title: 'a' },
      { title: 'b' },
    ]);
    const plan = await planOf(admin, 'counted', { ...NOTE, required: ['title', 'stars'] });
    expect([plan.rows, plan.possible, plan.compatibility.level]).toEqual([9, false, 'forward']);
    const found = plan.operations.map(({ property, failing }) => [property, failing[0]?.rows, failing[0]?.sample]);
    expect(found).toEqual([
      ['title', 7, ids.slice(0, 5)],
      ['stars', 2, ids.slice(7)],
    ]);
    for (const { failing } of plan.operations) expect(failing[0]?.wayOut).toContain('"default"');
    for (const { failing } of plan.steps.filter(({ operation }) => operation !== null)) expect(failing).toBeGreaterThan(0);
  });

  it('counts only what the caller’s tenant has', async () => {
    const other = await test.tenant();
    for (const each of [tenant, other]) await each.define('private', NOTE);
    await store(await other.as(), 'private', [{}, {}]);
    const plan = await planOf(admin, 'private', REQUIRED);
    expect([plan.rows, plan.possible]).toEqual([0, true]);
  });

  it('says what it locks, rewrites and loses, and how to go back', async () => {
    await tenant.define('told', NOTE);
    await store(admin, 'told', [{ title: '1', stars: 1 }, { title: '2' }]);
    const plan = await planOf(admin, 'told', document({ title: { type: 'integer' } }));
    expect(plan.needs).toEqual(['destructive']);
    const [drop, retype] = plan.operations;
    expect([drop?.kind, drop?.risk, retype?.kind]).toEqual([
      'drop-property',
      { level: 'destructive', reversible: 'yes' },
      'change-type',
    ]);
    expect(plan.steps[0]).toMatchObject({
      phase: 'switch',
      operation: null,
      lock: 'ACCESS EXCLUSIVE',
      blocks: 'reads and writes',
    });
    expect(plan.steps.find(({ sql }) => / type bigint /.test(sql))).toMatchObject({ rewrite: true, rows: 2, operation: 1 });
    expect(plan.steps.find(({ sql }) => /rename column "stars"/.test(sql))).toMatchObject({
      rows: 1,
      risk: 'destructive',
      operation: 0,
    });
    for (const step of plan.steps) expect(step.estimateMs).toBeGreaterThan(0);
    expect(plan.inverse.reversible).toBe('yes');
    expect(plan.inverse.steps.map(({ sql }) => sql).join('\n')).toMatch(/ type text [\s\S]*rename column "~2~stars" to "stars"/);
  });
});

describe('a question', () => {
  const swapped = document({ title: NOTE.properties.title, rating: { type: 'integer' } });

  it('is asked when a property goes while another of its type comes, and without an answer nothing is applied', async () => {
    await tenant.define('asked', NOTE);
    await store(admin, 'asked', [{ stars: 5 }]);
    const plan = await planOf(admin, 'asked', swapped);
    expect(plan.questions).toEqual([
      {
        property: 'stars',
        candidates: ['rating'],
        answer: 'drop:stars',
        message: expect.stringContaining('"renamedFrom": "stars"'),
      },
    ]);
    for (const allow of [[], ['destructive'], ['destructive', 'drop:title'], ['destructive', 'drop:rating']]) {
      const refused = await apply(admin, 'asked', swapped, plan.hash, allow);
      expect([refusal(refused), refused.body.questions]).toEqual(['409 entity/needs-answer', plan.questions]);
    }
    expect(refusal(await apply(admin, 'asked', swapped, plan.hash, ['drop:stars']))).toBe('409 entity/not-allowed');
    expect(await contents(admin, 'asked')).toEqual([{ stars: 5 }]);
  });

  it('is answered by drop, and nothing was renamed', async () => {
    await change(admin, 'asked', swapped, ['destructive', 'drop:stars']);
    expect(await contents(admin, 'asked')).toEqual([{}]);
    expect((await admin('get', '/entities/asked/retained')).body.items).toMatchObject([{ property: 'stars' }]);
  });

  it('is answered by renamedFrom, and nothing is lost', async () => {
    await tenant.define('answered', NOTE);
    await store(admin, 'answered', [{ stars: 5 }]);
    const renamed = document({ title: NOTE.properties.title, rating: { type: 'integer', renamedFrom: 'stars' } });
    const { plan } = await change(admin, 'answered', renamed);
    expect([plan.questions, plan.needs]).toEqual([[], []]);
    expect(await contents(admin, 'answered', '&rating=eq.5')).toEqual([{ rating: 5 }]);
  });
});
