/** Drift: what somebody changed in the database by hand is found and explained, and looking for it is in nobody's way. */

import { type ControlPlane, SystemTx } from '../../src/database/control-plane.js';
import type { RuntimePool } from '../../src/database/runtime-pool.js';
import { TenantTx } from '../../src/database/tenant-tx.js';
import { readChinook } from '../../src/demo/load-chinook.js';
import { entityDrift } from '../../src/entities/entity-drift.js';
import { ExpectedCatalogs } from '../../src/entities/expected-catalogs.js';
import { readEntity } from '../../src/model/document/read-entity.js';
import type { Entity, TenantHome } from '../../src/model/entity.js';
import { fingerprint, type TableCatalog } from '../../src/model/plan/catalog.js';
import { catalogStatement } from '../../src/model/plan/catalog-statement.js';
import type { Drift } from '../../src/model/plan/drift.js';
import { readCatalog } from '../../src/model/plan/read-catalog.js';
import { controlPlaneOf, withClient } from '../harness/database.js';
import { SABOTAGES } from '../harness/sabotages.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { ACTOR, failureOf, runtimePool } from '../harness/tenants.js';

let test: TestService;
let tenant: TestTenant;
let controlPlane: ControlPlane;
let pool: RuntimePool;
let home: TenantHome;

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  controlPlane = controlPlaneOf(test.database);
  await controlPlane.open();
  pool = runtimePool(test.database, 1);
  home = await homeOf(tenant);
  for (const { name, document } of await readChinook()) await tenant.define(name, document);
  await tenant.define('Memo', MEMO);
});

afterAll(async () => {
  await pool?.end();
  await controlPlane?.close();
  await test?.stop();
});

const MEMO = { type: 'object', properties: { text: { type: 'string' } } };

const NOTHING: ReadonlySet<string> = new Set();

async function homeOf({ id }: TestTenant): Promise<TenantHome> {
  const { rows } = await test.database.admin(
    `select id as "tenantId", schema_name as schema, role_name as role, owner_role_name as "ownerRole"
     from business_store_service.tenants
     where id = $1`,
    [id],
  );
  return rows[0];
}

async function entitiesOf(one: TestTenant): Promise<Entity[]> {
  const { body } = await (await one.as())('get', '/entities').expect(200);
  return body.items.map(({ name, document }: { name: string; document: never }) => readEntity(name, document));
}

/** Of every entity that has any. */
async function driftOf(one: TestTenant, retained = NOTHING): Promise<Record<string, Drift[]>> {
  return inspect(await homeOf(one), await entitiesOf(one), retained);
}

async function inspect(where: TenantHome, entities: readonly Entity[], retained = NOTHING): Promise<Record<string, Drift[]>> {
  const found = await entityDrift(controlPlane, ACTOR, where, () => ({ entities, retainedOf: () => retained }));
  return Object.fromEntries([...found].flatMap(([name, { drift }]) => (drift.length > 0 ? [[name, [...drift]]] : [])));
}

const inSchema = (sql: string): string =>
  sql.replaceAll('@', `${home.schema}.`).replaceAll('#', home.tenantId).replaceAll('~role', home.role);

const sabotage = (sql: string) => test.database.admin(inSchema(sql));

async function catalogsAsTenant(): Promise<TableCatalog[]> {
  return TenantTx.run(pool, home, ACTOR, { readOnly: true }, async (tx) =>
    readCatalog(await tx.last(catalogStatement(home.schema, null))),
  );
}

describe('a table as its document describes it has no drift', () => {
  it('in any entity of Chinook, one by one and together', async () => {
    const entities = await entitiesOf(tenant);
    const found = await entityDrift(controlPlane, ACTOR, home, () => ({ entities, retainedOf: () => NOTHING }));
    expect(entities).toHaveLength(12);
    expect([...found]).toEqual(entities.map(({ name }) => [name, { drift: [], preparing: [] }]));
  });

  it('under hostile names, with hostile values, in more entities than are looked at in one go', async () => {
    const hostile = await test.tenant();
    const names = [
      'select',
      'Created_At',
      'kebab-case',
      '用户名',
      'İ',
      '_private',
      'xmin',
      'TENANT_ID',
      `${'長'.repeat(20)}abcd`,
    ];
    const texts = ["'; drop table words; --", "E'\\x41'", '"', '\\', '$$', ' USING ', '\n', '😀', '', 'NOT VALID'];
    const property = { type: 'string', minLength: 0, maxLength: 300, enum: texts, index: true, unique: true };
    const properties = Object.fromEntries(names.map((name) => [name, property]));
    for (const entity of ['select', 'Case', 'case', 'y'.repeat(128), ...Array.from({ length: 20 }, (_, i) => `e${i}`)]) {
      await hostile.define(entity, entity.startsWith('e') ? MEMO : { type: 'object', properties });
    }
    expect(await driftOf(hostile)).toEqual({});
  });

  it('with every kind of column, bound and index', async () => {
    const kinds = await test.tenant();
    await kinds.define('target', { type: 'object', properties: { code: { type: 'string', unique: true } } });
    const formats = ['uuid', 'date', 'date-time', 'date-time-local', 'time', 'ipv4', 'byte'];
    await kinds.define('everything', {
      type: 'object',
      required: ['price', 'ratio', 'count'],
      properties: {
        ...Object.fromEntries(formats.map((format) => [format, { type: 'string', format, index: true }])),
        price: { type: 'string', format: 'decimal', precision: 10, scale: 2 },
        ratio: { type: 'number', exclusiveMinimum: -0.5, maximum: 1e300 },
        count: { type: 'integer', minimum: -9007199254740991, exclusiveMaximum: 5 },
        flag: { type: 'boolean', const: true },
        any: { index: { method: 'gin' } },
        code: { type: ['string', 'null'], relation: { entity: 'target', field: 'code', onDelete: 'setNull' } },
        self: { type: 'string', format: 'uuid', relation: { entity: 'everything', onDelete: 'cascade' } },
      },
      uniqueKeys: [['price', 'count']],
      indexes: [['count', '-created_at'], { fields: ['updated_at'], method: 'brin' }],
    });
    expect(await driftOf(kinds)).toEqual({});
  });

  it('after additive changes, with the guards they leave behind', async () => {
    const code = { type: 'string', unique: true };
    await tenant.define('Memo', { ...MEMO, properties: { ...MEMO.properties, code, rating: { type: 'integer', minimum: 1 } } });
    const { rows } = await sabotage(
      `select from pg_constraint where conrelid = '@"Memo"'::regclass and conname like '\\_extra%'`,
    );
    expect(rows).toHaveLength(2);
    expect(await driftOf(tenant)).toEqual({});
  });

  it('with its hidden columns, and with all constraints and policies as a dump spells them', async () => {
    await sabotage('alter table @"Memo" add column "~2~old" text');
    expect(await driftOf(tenant, new Set(['~2~old']))).not.toHaveProperty('Memo');
    await sabotage('alter table @"Memo" drop column "~2~old"');
    const { rows } = await sabotage(`select format('alter table %s drop constraint %I; alter table %1$s add constraint %2$I %s',
        conrelid::regclass, conname, pg_get_constraintdef(oid)) as again
      from pg_constraint
      where connamespace = '${home.schema}'::regnamespace and contype = 'c'
      union all select format('drop policy %I on %I.%I; create policy %1$I on %2$I.%3$I to %s using (%s) with check (%s)',
        policyname, schemaname, tablename, roles[1], qual, with_check)
      from pg_policies where schemaname = '${home.schema}'`);
    expect(rows.length).toBeGreaterThan(50);
    await sabotage(rows.map(({ again }) => again).join(';'));
    expect(await driftOf(tenant)).toEqual({});
  });
});

describe('sabotage', () => {
  let remembered: Entity[];

  beforeAll(async () => {
    remembered = await entitiesOf(tenant);
    await inspect(home, remembered);
  });

  it.each(SABOTAGES)('$what is explained, and changes the fingerprint', async ({ sql, undo, told }) => {
    const before = (await catalogsAsTenant()).map(fingerprint);
    await sabotage(sql);
    const drifts = Object.values(await driftOf(tenant)).flat();
    // Of documents whose tables it has made before, it says the same.
    expect(Object.values(await inspect(home, remembered)).flat()).toEqual(drifts);
    const during = (await catalogsAsTenant()).map(fingerprint);
    await sabotage(undo);
    expect(drifts.map(({ kind, object, name }) => `${kind} ${object} ${name}`)).toEqual(told.map(([what]) => what));
    for (const [i, [, words]] of told.entries()) expect(drifts[i]?.message).toMatch(words);
    expect(during).not.toEqual(before);
    expect([await driftOf(tenant), (await catalogsAsTenant()).map(fingerprint)]).toEqual([{}, before]);
  });
});

describe('a document whose table was made before, in whatever tenant', () => {
  it('is expected to look as if it were made in this one', async () => {
    const [one, other] = [await test.tenant(), await test.tenant()];
    const [from, to] = [await homeOf(one), await homeOf(other)];
    // The id and the role of a tenant stay what they are where the document itself has them.
    const hostile = { type: 'string', enum: [from.tenantId, from.role, to.tenantId, 'bss.tenant()'], unique: true };
    const documents = [...(await readChinook()), { name: 'Hostile', document: { type: 'object', properties: { hostile } } }];
    for (const each of [one, other]) for (const { name, document } of documents) await each.define(name, document);
    const [shared, own] = [await entitiesOf(other), await entitiesOf(other)];
    expect([await inspect(from, shared), await inspect(to, own)]).toEqual([{}, {}]);
    expect(shared).toHaveLength(12);
    const expectations = ExpectedCatalogs.of(controlPlane);
    for (const [i, entity] of shared.entries()) {
      const made = expectations.find(own[i] as Entity, to);
      expect(made).toMatchObject({ rowSecurity: true, policies: [{ definition: expect.stringContaining(to.role) }] });
      expect(expectations.find(entity, to)).toEqual(made);
    }
  });

  it('is not made again where there is no drift, and is where there is', async () => {
    const entities = await entitiesOf(tenant);
    await inspect(home, entities);
    const making = jest.spyOn(SystemTx.prototype, 'asOwner');
    expect(await inspect(home, entities)).toEqual({});
    expect(making).not.toHaveBeenCalled();
    await sabotage('alter table @"Memo" add column by_hand text');
    expect(await inspect(home, entities)).toEqual({ Memo: [expect.objectContaining({ kind: 'unexpected', name: 'by_hand' })] });
    expect(making).toHaveBeenCalled();
    making.mockRestore();
    await sabotage('alter table @"Memo" drop column by_hand');
  });
});

describe('looking for drift', () => {
  it('leaves nothing behind', async () => {
    const everything = `select oid from pg_class where relnamespace = '${home.schema}'::regnamespace order by 1`;
    const before = (await sabotage(everything)).rows;
    await driftOf(tenant);
    expect((await sabotage(everything)).rows).toEqual(before);
  });

  it('asks for no lock that a writer, or anything short of ACCESS EXCLUSIVE, would notice', async () => {
    await withClient(test.database.adminUrl, async (client) => {
      await client.query('begin');
      for (const { table } of await entitiesOf(tenant)) {
        await client.query(inSchema(`lock table @"${table}" in exclusive mode`));
      }
      expect(await driftOf(tenant)).toEqual({});
    });
  });

  it('waits for whoever holds ACCESS EXCLUSIVE, but not for ever', async () => {
    await withClient(test.database.adminUrl, async (client) => {
      await client.query(`begin; ${inSchema('lock table @"Track" in access exclusive mode')}`);
      expect(await failureOf(driftOf(tenant))).toBe('55P03');
    });
    expect(await driftOf(tenant)).toEqual({});
  });

  it('may be done twice at the same time', async () => {
    expect(await Promise.all([driftOf(tenant), driftOf(tenant), driftOf(tenant)])).toEqual([{}, {}, {}]);
  });
});

describe('the catalog statement', () => {
  it('tells a tenant’s role the same as the control plane, and nothing of tables that are not asked for', async () => {
    const asTenant = await catalogsAsTenant();
    const asControl = await controlPlane.inTenant(ACTOR, home, async (tx) =>
      readCatalog(await tx.run<{ catalog: string }>(catalogStatement(home.schema, ['Track', 'no such table', 'Album']))),
    );
    expect(asControl.map(({ table }) => table)).toEqual(['Album', 'Track']);
    expect(asTenant.filter(({ table }) => table === 'Track' || table === 'Album')).toEqual(asControl);
    expect(asTenant).toHaveLength(12);
  });

  it('lets go of every table at once, long before its transaction ends', async () => {
    await controlPlane.inTenant(ACTOR, home, async (tx) => {
      await tx.run(catalogStatement(home.schema, null));
      const locks = await tx.manager.query(
        `select relation::regclass::text
         from pg_locks
         where pid = pg_backend_pid()
           and relation in (select oid from pg_class where relnamespace = $1::regnamespace)`,
        [home.schema],
      );
      expect(locks).toEqual([]);
    });
  });
});
