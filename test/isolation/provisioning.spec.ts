import { ControlPlane } from '../../src/database/control-plane.js';
import { problemOf } from '../../src/database/sqlstate.js';
import { WakeUp } from '../../src/database/wake-up.js';
import { EntityVersionRow, TenantSchemaRow } from '../../src/entities/entity.rows.js';
import { Problem } from '../../src/platform/problem.js';
import { uuidV7 } from '../../src/platform/uuid.js';
import { TenantRow } from '../../src/tenants/tenant.row.js';
import { TenantDirectory } from '../../src/tenants/tenant-directory.js';
import { TenantsService } from '../../src/tenants/tenants.service.js';
import { createTestDatabase, type TestDatabase, withClient } from '../harness/database.js';
import { ACTOR } from '../harness/tenants.js';
import { tapWire, type Verdict, type WireTap } from '../harness/wire-tap.js';

/** A tenant is there completely or not at all, whatever dies while it is made. */

let database: TestDatabase;
let tap: WireTap;
let controlPlane: ControlPlane;
let directory: TenantDirectory;
let service: TenantsService;

beforeAll(async () => {
  database = await createTestDatabase();
  tap = await tapWire(database.controlUrl);
  controlPlane = new ControlPlane({
    url: tap.url,
    contextKeys: [database.contextKey],
    entities: [TenantRow, TenantSchemaRow, EntityVersionRow],
  });
  await controlPlane.open();
  directory = new TenantDirectory(controlPlane, new WakeUp(database.controlUrl, () => {}), () => {});
  service = new TenantsService(controlPlane, directory);
  // The pool's goodbye to a connection that was cut is of no interest.
  jest.spyOn(console, 'warn').mockImplementation(() => {});
});

afterAll(async () => {
  jest.restoreAllMocks();
  await controlPlane.close();
  await tap.stop();
  await database.drop();
});

/** Everything in the cluster that could belong to a tenant of this database, counted. */
async function traces(): Promise<Record<string, number>> {
  const { rows } = await database.admin(`
    with home as (select oid, nspowner from pg_namespace where nspname like 't\\_%')
    select (select count(*) from business_store_service.tenants)::int as rows,
           (select count(*) from home)::int as schemas,
           (select count(*) from home join pg_roles on pg_roles.oid = nspowner where rolname like 'own\\_%')::int as owners,
           (select count(*) from home, aclexplode((select nspacl from pg_namespace as n where n.oid = home.oid))
             join pg_roles on pg_roles.oid = grantee
             where rolname like 'tn\\_%' and privilege_type = 'USAGE'
               and pg_has_role('bss_app_00', grantee, 'member') and pg_has_role(grantee, 'bss_tenant', 'usage'))::int as roles,
           (select count(*) from audit.events where action = 'tenant.created')::int as events,
           (select count(*) from audit.pending)::int as pending`);
  return rows[0];
}

const complete = (tenants: number) => ({
  rows: tenants,
  schemas: tenants,
  owners: tenants,
  roles: tenants,
  events: tenants,
  pending: tenants,
});

/** Roles are the cluster's, and other test files make some: told apart by the names that were sent. */
async function orphanedRoles(): Promise<string[]> {
  const made = tap.messages.flatMap(({ sql }) => /^create role "(\w+)"/.exec(sql)?.[1] ?? []);
  const { rows } = await database.admin(
    `select rolname from pg_roles
     where rolname = any ($1)
       and rolname not in (select role_name from business_store_service.tenants union select owner_role_name from business_store_service.tenants)`,
    [made],
  );
  return rows.map(({ rolname }) => rolname);
}

/** Runs one creation and returns how many statements it sent, judging each by its number, from 1. */
async function creating(
  slug: string,
  judge: (index: number) => Verdict,
): Promise<{ statements: string[]; outcome: TenantRow | Error }> {
  const statements: string[] = [];
  tap.judge = ({ type, sql }) => {
    if (type !== 'Q' && type !== 'P') return 'pass';
    statements.push(sql);
    return judge(statements.length);
  };
  const outcome = await service.create(ACTOR, { slug, name: slug }).catch((error: Error) => error);
  tap.judge = () => 'pass';
  return { statements, outcome };
}

it('is tested as the login of the control plane, which is no superuser', async () => {
  const { rows } = await withClient(database.controlUrl, (client) =>
    client.query('select rolname, rolsuper, rolbypassrls from pg_roles where rolname = current_user'),
  );
  expect(rows).toEqual([{ rolname: 'bss_migrator', rolsuper: false, rolbypassrls: false }]);
});

describe('creating a tenant while the connection dies', () => {
  let count = 0;
  let tenants = 1;

  beforeAll(async () => {
    const { statements, outcome } = await creating('undisturbed', () => 'pass');
    expect(outcome).toMatchObject({ slug: 'undisturbed', status: 'active' });
    expect([statements[0], statements.at(-1)]).toEqual(['START TRANSACTION', 'commit']);
    expect(await traces()).toEqual(complete(1));
    count = statements.length;
    expect(count).toBeGreaterThan(12);
  });

  it('before any of its statements, COMMIT included, leaves nothing, and it can be created again', async () => {
    for (let index = 1; index <= count; index++) {
      const slug = `before-${index}`;
      const { outcome } = await creating(slug, (number) => (number === index ? 'cut before' : 'pass'));
      expect(problemOf(outcome)?.code).toBe('database/unavailable');
      expect([index, await settled(tenants)]).toEqual([index, complete(tenants)]);
      expect(await service.create(ACTOR, { slug, name: slug })).toMatchObject({ slug });
      expect([index, await traces()]).toEqual([index, complete(++tenants)]);
    }
    expect(await orphanedRoles()).toEqual([]);
  }, 30_000);

  it('after any of its statements leaves nothing, but after COMMIT leaves all of it, and creating it again says so', async () => {
    for (let index = 1; index <= count; index++) {
      const slug = `after-${index}`;
      const { outcome } = await creating(slug, (number) => (number === index ? 'cut after' : 'pass'));
      expect(problemOf(outcome)?.code).toBe('database/unavailable');
      const committed = index === count;
      expect([index, await settled(tenants + (committed ? 1 : 0))]).toEqual([index, complete(tenants + (committed ? 1 : 0))]);
      tenants++;
      const again = await service.create(ACTOR, { slug, name: slug }).catch((error: Error) => error);
      expect(again).toMatchObject(committed ? { code: 'tenant/exists' } : { slug });
      expect([index, await traces()]).toEqual([index, complete(tenants)]);
    }
    expect(await orphanedRoles()).toEqual([]);
  }, 30_000);

  /** The server notices a lost client a moment later. */
  async function settled(expected: number): Promise<Record<string, number>> {
    for (let tries = 0; ; tries++) {
      const found = await traces();
      if (tries === 20 || JSON.stringify(found) === JSON.stringify(complete(expected))) return found;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
});

describe('a slug', () => {
  it('that is taken is refused with the tenant that has it, and leaves nothing behind', async () => {
    const first = await service.create(ACTOR, { slug: 'taken', name: 'First' });
    const before = await traces();
    const refusal = await service.create(ACTOR, { slug: 'taken', name: 'Second' }).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(Problem);
    expect(refusal).toMatchObject({ code: 'tenant/exists', status: 409, extensions: { tenantId: first.id } });
    expect(await traces()).toEqual(before);
    expect(await orphanedRoles()).toEqual([]);
  });

  it('that five ask for at once goes to one of them, and the others learn to whom', async () => {
    const before = (await traces()).rows as number;
    const outcomes = await Promise.allSettled(
      [1, 2, 3, 4, 5].map((n) => service.create(ACTOR, { slug: 'wanted', name: `Number ${n}` })),
    );
    const created = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect([created.length, refused.length]).toEqual([1, 4]);
    for (const refusal of refused)
      expect(refusal).toMatchObject({ code: 'tenant/exists', extensions: { tenantId: created[0]!.id } });
    expect(await traces()).toEqual(complete(before + 1));
  });

  it('does not keep others from being created at the same time', async () => {
    const slugs = Array.from({ length: 8 }, (_, n) => `crowd-${n}`);
    const created = await Promise.all(slugs.map((slug) => service.create(ACTOR, { slug, name: slug })));
    expect(created.map(({ slug }) => slug)).toEqual(slugs);
    expect(new Set(created.map(({ schemaName }) => schemaName)).size).toBe(8);
  });
});

describe('a tenant', () => {
  const events = async (tenantId: string) =>
    (
      await database.admin(
        'select action, actor, request_id, body::json from audit.events where tenant_id = $1 order by occurred_at',
        [tenantId],
      )
    ).rows;

  it('that does not exist cannot be read or changed, whatever its id looks like', async () => {
    for (const id of [uuidV7(), 'nobody', '', "' or true --", '00000000-0000-0000-0000-000000000000']) {
      for (const attempt of [() => service.get(ACTOR, id), () => service.update(ACTOR, id, { name: 'x' })]) {
        expect(await attempt().catch((error: unknown) => error)).toMatchObject({ code: 'tenant/not-found', status: 404 });
      }
    }
  });

  it('is renamed, suspended and resumed, with an event for each and before and after in it', async () => {
    const actor = { subject: 'operator', roles: ['system_admin'], requestId: 'request-7' };
    const { id } = await service.create(actor, { slug: 'changing', name: 'Old' });
    expect(await service.update(actor, id, { name: 'New' })).toMatchObject({ name: 'New', status: 'active' });
    expect(await service.update(actor, id, { status: 'suspended' })).toMatchObject({ name: 'New', status: 'suspended' });
    expect(await directory.find(id)).toMatchObject({ name: 'New', status: 'suspended' });
    expect(await service.update(actor, id, { status: 'active' })).toMatchObject({ status: 'active' });
    expect(await directory.find(id)).toMatchObject({ status: 'active' });
    const signed = { actor: 'operator', request_id: 'request-7' };
    expect(await events(id)).toEqual([
      { ...signed, action: 'tenant.created', body: { after: { slug: 'changing', name: 'Old' } } },
      { ...signed, action: 'tenant.updated', body: { before: { name: 'Old', status: 'active' }, after: { name: 'New' } } },
      {
        ...signed,
        action: 'tenant.suspended',
        body: { before: { name: 'New', status: 'active' }, after: { status: 'suspended' } },
      },
      {
        ...signed,
        action: 'tenant.resumed',
        body: { before: { name: 'New', status: 'suspended' }, after: { status: 'active' } },
      },
    ]);
  });

  it('that is renamed by several at once has a trail in which each name follows from the one before', async () => {
    const { id } = await service.create(ACTOR, { slug: 'contested', name: 'name 0' });
    await Promise.all([1, 2, 3, 4, 5].map((n) => service.update(ACTOR, id, { name: `name ${n}` })));
    const names = (await events(id)).slice(1).map(({ body }) => body.before.name);
    expect(new Set(names).size).toBe(5);
    expect(names).toContain('name 0');
    expect(names).not.toContain((await service.get(ACTOR, id)).name);
  });

  it('keeps its name and gets no event when the change is not valid', async () => {
    const { id } = await service.create(ACTOR, { slug: 'steady', name: 'Steady' });
    await expect(service.update(ACTOR, id, { name: 'x'.repeat(201) })).rejects.toThrow();
    expect(await service.get(ACTOR, id)).toMatchObject({ name: 'Steady' });
    expect(await events(id)).toHaveLength(1);
  });
});

it('a transaction of the control plane that overlooks a failed statement rejects, instead of losing everything in silence', async () => {
  const { id } = await service.create(ACTOR, { slug: 'overlooked', name: 'Before' });
  const overlooking = controlPlane.platform(ACTOR, async (tx) => {
    await tx.manager.update(TenantRow, { id }, { name: 'After' });
    await tx.manager.query('select 1/0').catch(() => {});
  });
  await expect(overlooking).rejects.toThrow('the transaction was aborted before its commit');
  expect(await service.get(ACTOR, id)).toMatchObject({ name: 'Before' });
});

it('the list of tenants is paged by key: every tenant once, in order of creation, also while more arrive', async () => {
  const { rows } = await database.admin('select id from business_store_service.tenants order by id');
  const seen: string[] = [];
  for (let after: string | undefined; ; ) {
    const page = await service.list(ACTOR, { limit: 7, after });
    seen.push(...page.map(({ id }) => id));
    if (page.length < 7) break;
    after = page.at(-1)!.id;
    if (seen.length === 14) await service.create(ACTOR, { slug: 'latecomer', name: 'Latecomer' });
  }
  expect(seen.slice(0, rows.length)).toEqual(rows.map(({ id }) => id));
  expect(seen).toHaveLength(rows.length + 1);
});
