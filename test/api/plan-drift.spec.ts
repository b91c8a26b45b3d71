/** Changes of a table that somebody altered by hand, or that is being prepared for another: told with 409, nothing half done. */

import { withClient } from '../harness/database.js';
import { type Call, change, contents, document, driftOf, planOf, store } from '../harness/definitions.js';
import { eventually } from '../harness/eventually.js';
import { refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let tenant: TestTenant;
let admin: Call;
let entities = 0;

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  admin = await tenant.as();
});

afterAll(() => test.stop());

const FULL = document({
  title: { type: 'string', unique: true, maxLength: 9 },
  stars: { type: 'integer', index: true },
  size: { type: 'integer' },
});
const { title, stars, size } = FULL.properties;
const DRIFTED = '409 entity/drifted';

/** A table with one record, altered by hand; `@` is its schema and a dot. */
async function altered(sql: string): Promise<string> {
  const entity = `altered${++entities}`;
  await tenant.define(entity, FULL);
  await store(admin, entity, [{ title: 'a', stars: 1, size: 2 }]);
  await test.database.admin(sql.replaceAll('@', `"${tenant.schemaName}".`).replaceAll('#', entity));
  return entity;
}

const ALLOW = ['destructive', 'drop:stars', 'drop:size'];

/** Planned if it can be, and applied; what comes of it. */
async function outcome(entity: string, wanted: object): Promise<string> {
  const plan = await admin('post', `/entities/${entity}/plan`).send(wanted);
  if (plan.status !== 200) return refusal(plan);
  const applied = await admin('post', `/entities/${entity}/apply`).send({ document: wanted, hash: plan.body.hash, allow: ALLOW });
  return applied.status === 200 ? 'applied' : refusal(applied);
}

describe('a change of a table altered by hand is refused and told apart, when it is about', () => {
  it.each<[string, string, object]>([
    ['a column that is gone', 'alter table @# drop column stars', document({ title, size })],
    [
      'another column than the one that is gone',
      'alter table @# drop column stars',
      document({ title, stars, size: { type: 'number' } }),
    ],
    ['a key that is gone', 'alter table @# drop constraint "#.title.key"', document({ stars, size })],
    ['an index that is gone', 'drop index @"#.stars.idx"', document({ title, rating: { ...stars, renamedFrom: 'stars' }, size })],
    [
      'a check that is gone',
      'alter table @# drop constraint "#.title.length.check"',
      document({ title: { ...title, maxLength: 8 }, stars, size }),
    ],
    [
      'a column of a name that is taken',
      'alter table @# add column rating text',
      document({ title, stars, size, rating: { type: 'string' } }),
    ],
    [
      'an index of a name that is taken',
      'create index "#.size.idx" on @# (stars)',
      document({ title, stars, size: { ...size, index: true } }),
    ],
    [
      'values that a rule made by hand refuses',
      'alter table @# add constraint by_hand check (size < 3)',
      document({ title, stars, size: { type: 'string' } }),
    ],
    [
      'values that a rule made by hand would refuse',
      'alter table @# add constraint by_hand check (stars is not null or size is null)',
      document({ title, stars, size: { ...size, default: 5 } }, { required: ['size'] }),
    ],
  ])('%s', async (what, sql, wanted) => {
    const entity = await altered(sql);
    if (what.includes('would'))
      await test.database.admin(
        `insert into "${tenant.schemaName}"."${entity}" select tenant_id, gen_random_uuid(), null, null, null, null, created_at, updated_at, created_by, updated_by, revision from "${tenant.schemaName}"."${entity}"`,
      );
    expect(await outcome(entity, wanted)).toBe(DRIFTED);
    expect((await admin('get', `/entities/${entity}`)).body).toMatchObject({ version: 1, document: FULL });
    expect((await driftOf(admin, entity)).length).toBeGreaterThan(0);
  });

  it('its end: neither dropped nor counted, and not restored under a name that was taken by hand', async () => {
    const gone = await altered('drop table @#');
    expect(refusal(await admin('delete', `/entities/${gone}`))).toBe(DRIFTED);
    const keyless = await altered('alter table @# drop constraint "#.title.key"');
    for (const entity of [gone, keyless])
      expect(refusal(await admin('delete', `/entities/${entity}?allow=destructive`))).toBe(DRIFTED);
    expect(await contents(admin, keyless)).toHaveLength(1);
    const taken = await altered('select 1');
    await admin('delete', `/entities/${taken}?allow=destructive`);
    await test.database.admin(`create table "${tenant.schemaName}"."${taken}" ()`);
    expect(refusal(await admin('post', `/entities/${taken}/restore`).send({}))).toBe(DRIFTED);
    await test.database.admin(`drop table "${tenant.schemaName}"."${taken}"`);
    expect((await admin('post', `/entities/${taken}/restore`).send({})).status).toBe(200);
  });

  it('a hidden column that is gone: not restored, and purged all the same', async () => {
    const entity = await altered('select 1');
    await change(admin, entity, document({ title, size }), ALLOW);
    await test.database.admin(`alter table "${tenant.schemaName}"."${entity}" drop column "~2~stars"`);
    expect(refusal(await admin('post', `/entities/${entity}/restore`).send({ property: 'stars' }))).toBe(DRIFTED);
    expect((await admin('post', `/entities/${entity}/retained/stars/purge`)).status).toBe(204);
    expect(await driftOf(admin, entity)).toEqual([]);
  });
});

describe('a change of a table altered by hand is applied', () => {
  it.each<[string, string]>([
    ['when what is gone has nothing to do with it', 'drop index @"#.stars.idx"; alter table @# drop constraint "#.title.key"'],
    [
      'when something was added that is not in its way',
      'create index by_hand on @# (size); alter table @# add column by_hand text',
    ],
  ])('%s', async (_, sql) => {
    const entity = await altered(sql);
    const wanted = document({ title, stars, size: { type: 'number' }, more: { type: 'string' } });
    expect(await outcome(entity, wanted)).toBe('applied');
    expect(await contents(admin, entity)).toEqual([{ title: 'a', stars: 1, size: 2 }]);
    expect((await driftOf(admin, entity)).length).toBeGreaterThan(0);
  });
});

describe('while another change is being prepared', () => {
  const prepare = (entity: string, status: string) =>
    test.database.admin(
      `insert into business_store_service.schema_changes
         (tenant_id, change_id, entity_id, entity, from_version, document, hash, plan, allow, status, created_by, request_id, lease_holder, lease_until)
       select tenant_id, gen_random_uuid(), entity_id, name, version, '{}', '', '{"answer":{"steps":[]}}', '{}', $3, 'x', 'x', gen_random_uuid(), 'infinity'
       from business_store_service.tenant_schemas where tenant_id = $1 and name = $2`,
      [tenant.id, entity, status],
    );
  const over = () =>
    test.database.admin(
      "update business_store_service.schema_changes set status = 'aborted' where status in ('running', 'aborting')",
    );

  it.each(['running', 'aborting'])('(%s) nothing is changed, dropped, purged or renamed under it', async (status) => {
    const entity = await altered('select 1');
    await change(admin, entity, document({ title, size }), ALLOW);
    const other = `other${entities}`;
    await tenant.define(other, document({ to: { type: 'string', relation: { entity, field: 'title' } } }));
    await prepare(entity, status);
    await prepare(other, status);
    const wanted = document({ title, size, more: { type: 'string' } });
    const { hash } = await planOf(admin, entity, wanted);
    const attempts = () => [
      admin('put', `/entities/${entity}`).send(wanted),
      admin('post', `/entities/${entity}/apply`).send({ document: wanted, hash }),
      admin('delete', `/entities/${other}?allow=destructive`),
      admin('post', `/entities/${entity}/retained/stars/purge`),
      admin('post', `/entities/${entity}/restore`).send({ property: 'stars' }),
      admin('post', `/entities/${entity}/rollback`).send({ version: 1 }),
    ];
    for (const attempt of attempts()) expect(refusal(await attempt)).toBe('409 entity/change-in-progress');
    await over();
    await prepare(other, status);
    // Its name is in the document of the other.
    const renamed = { ...document({ title, size }), renamedFrom: entity };
    const plan = await planOf(admin, `${entity}x`, renamed);
    const renaming = () => admin('post', `/entities/${entity}x/apply`).send({ document: renamed, hash: plan.hash });
    expect(refusal(await renaming())).toBe('409 entity/change-in-progress');
    await over();
    expect((await renaming()).status).toBe(200);
    for (const each of [`${entity}x`, other]) expect(await driftOf(admin, each)).toEqual([]);
  });
});

describe('what a change prepares', () => {
  /** More than are changed in one transaction. */
  const MANY = 10_001;

  /** As soon as it is so, what the drift of the entity is answered with. */
  async function comesTo(entity: string, isSo: (answer: Looked) => boolean): Promise<Looked> {
    let looked: Looked | null = null;
    await eventually(async () => {
      looked = (await admin('get', `/entities/${entity}/drift`).expect(200)).body as Looked;
      return isSo(looked);
    });
    return looked as unknown as Looked;
  }

  interface Looked {
    readonly items: readonly { readonly kind: string; readonly name: string }[];
    readonly preparing: readonly { readonly object: string; readonly name: string; readonly change: string }[];
  }

  it('is no drift as long as it is under way, unlike what another has left; called off, it says so and nothing of it is left', async () => {
    await tenant.define('large', document({ stars: { type: 'integer' } }));
    const records = Array.from({ length: MANY }, (_, stars) => ({ stars }));
    for (const some of [records.slice(0, 6_000), records.slice(6_000)]) await store(admin, 'large', some);
    await test.database.admin(`alter table "${tenant.schemaName}".large add column "left~new" text`);
    const wanted = document({ stars: { type: 'string', index: true } });
    const { hash } = await planOf(admin, 'large', wanted);
    await withClient(test.database.adminUrl, async (client) => {
      // Somebody's long report: an index that is built beside it is not done before its end.
      await client.query('begin isolation level repeatable read');
      await client.query('select from pg_class limit 1');
      const apply = admin('post', '/entities/large/apply').set('prefer', 'respond-async');
      const { body } = await apply.send({ document: wanted, hash, allow: ['destructive', 'blocking'] }).expect(202);
      const isBuilding = ({ preparing }: Looked) => preparing.some(({ object }) => object === 'index');
      const { items, preparing } = await comesTo('large', isBuilding);
      expect(items).toMatchObject([{ kind: 'unfinished', name: 'left~new' }]);
      expect(preparing).toContainEqual({
        ...{ object: 'column', name: 'stars~new', change: body.change.id },
        message: `the column "stars~new" belongs to the change ${body.change.id}, which is being prepared`,
      });
      await admin('post', `/entities/large/changes/${body.change.id}/abort`).expect(202);
      const ended = await comesTo('large', (looked) => looked.preparing.length === 0);
      expect(ended.items).toMatchObject([{ kind: 'unfinished', name: 'left~new' }]);
      const { body: change } = await admin('get', `/entities/large/changes/${body.change.id}`);
      expect(change).toMatchObject({ status: 'aborted', error: { type: 'urn:bss:problem:entity/change-aborted', status: 409 } });
    });
  });

  it('is drift once the change is over, and nobody has taken it away', async () => {
    const entity = await altered('create index "#.stars.idx~new" on @# (size)');
    await test.database.admin(
      `insert into business_store_service.schema_changes
         (tenant_id, change_id, entity_id, entity, from_version, document, hash, plan, allow, created_by, request_id, lease_holder, lease_until)
       select tenant_id, gen_random_uuid(), entity_id, name, version, '{}', '', $3, '{}', 'x', 'x', gen_random_uuid(), 'infinity'
       from business_store_service.tenant_schemas where tenant_id = $1 and name = $2`,
      [
        tenant.id,
        entity,
        { answer: { steps: [] }, statements: [{}, { makes: { kind: 'index', name: `${entity}.stars.idx~new` } }] },
      ],
    );
    const look = async () => (await admin('get', `/entities/${entity}/drift`)).body;
    const end = (status: string) =>
      test.database.admin('update business_store_service.schema_changes set status = $1 where entity = $2', [status, entity]);
    for (const status of ['running', 'aborting']) {
      await end(status);
      expect(await look()).toMatchObject({ items: [], preparing: [{ object: 'index', name: `${entity}.stars.idx~new` }] });
    }
    for (const status of ['failed', 'aborted']) {
      await end(status);
      expect(await look()).toMatchObject({ items: [{ kind: 'unfinished', name: `${entity}.stars.idx~new` }], preparing: [] });
    }
  });
});
