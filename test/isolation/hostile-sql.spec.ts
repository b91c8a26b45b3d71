import type pg from 'pg';
import type { ControlPlane } from '../../src/database/control-plane.js';
import type { RuntimePool } from '../../src/database/runtime-pool.js';
import type { Row } from '../../src/database/statement-batch.js';
import { TenantTx } from '../../src/database/tenant-tx.js';
import type { TenantHome } from '../../src/model/entity.js';
import { controlPlaneOf, createTestDatabase, type TestDatabase, withClient } from '../harness/database.js';
import { seedSharedTables } from '../harness/probe.js';
import { ACTOR, createHomes, failureOf, insertNote, runtimePool } from '../harness/tenants.js';

/** Whoever gets any statement at all executed, inside a tenant or as the pool's login, gets nowhere with it. */

let database: TestDatabase;
let controlPlane: ControlPlane;
let pool: RuntimePool;
let home: TenantHome;
let other: TenantHome;

beforeAll(async () => {
  database = await createTestDatabase();
  controlPlane = controlPlaneOf(database);
  await controlPlane.open();
  pool = runtimePool(database, 2);
  [home, other] = (await createHomes(controlPlane, 2)) as [TenantHome, TenantHome];
  for (const one of [home, other]) await insertNote(pool, one, one.tenantId);
  await seedSharedTables(database, other);
});

afterAll(async () => {
  await pool.end();
  await controlPlane.close();
  await database.drop();
});

const inTenant = (text: string, values: string[] = []): Promise<readonly Row[]> =>
  TenantTx.run(pool, home, ACTOR, { readOnly: false }, (tx) => tx.query({ text, values }));
const asLogin = (text: string): Promise<pg.QueryResult> =>
  withClient(database.runtimeUrl, (client) => client.query('begin').then(() => client.query(text)));

it('is tested as the least privileged login, and inside as the role of the tenant', async () => {
  expect(await inTenant('select session_user, current_user')).toEqual([['bss_app_00', home.role]]);
  const { rows } = await asLogin(
    'select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication from pg_roles where rolname = current_user',
  );
  expect(rows).toEqual([
    { rolsuper: false, rolbypassrls: false, rolcreaterole: false, rolcreatedb: false, rolreplication: false },
  ]);
});

/** `@own` and `@other` are the schemas of the two tenants. */
const REFUSED: Record<string, string[]> = {
  'making something that a name could resolve to': [
    'create temp table note (title text)',
    'create table pg_temp.tenants (id uuid)',
    'create temp view note as select 1',
    'select 1 as title into temp note',
    'create function pg_temp.sha256(bytea) returns bytea language sql return $1',
    'create table public.note (title text)',
    'create function public.now() returns timestamptz language sql return null',
    'create table "@own".customer (id uuid)',
    'create view "@own".everything as select 1',
    'create function "@own".sha256(bytea) returns bytea language sql return $1',
    'create operator "@own".= (leftarg = uuid, rightarg = uuid, function = uuid_ne)',
    'create cast (text as uuid) with inout as implicit',
    'create domain "@own".uuid as text',
    'create function bss.tenant(integer) returns uuid language sql return null',
    'create materialized view "@own".copied as select 1',
    'create foreign data wrapper elsewhere',
    'create schema mine',
    'create extension postgres_fdw',
    'create publication everything for all tables',
    'create event trigger spy on ddl_command_end execute function bss.tenant()',
    'create role mine',
  ],
  'changing the locks': [
    'alter table "@own".note disable row level security',
    'alter table "@own".note owner to "@ownRole"',
    'alter policy tenant on "@own".note using (true)',
    'drop policy tenant on "@own".note',
    'create policy more on "@own".note using (true)',
    'create trigger spy before insert on "@own".note for each row execute function bss.tenant()',
    'create rule spy as on insert to "@own".note do also nothing',
    'create index spy on "@own".note (title)',
    'alter function bss.tenant() leakproof',
    'alter function bss.verified(text) reset search_path',
    'drop function bss.verified(text) cascade',
    'grant "@otherRole" to "@ownRole"',
    'alter role "@ownRole" bypassrls',
    'alter role bss_app_00 superuser',
    'alter role bss_migrator set row_security = off',
    'alter database "@database" set row_security = off',
    'grant select on "@other".note to "@ownRole"',
    'update pg_catalog.pg_class set relrowsecurity = false',
    "update pg_catalog.pg_settings set setting = '0' where name = 'statement_timeout'",
  ],
  'emptying, locking or keeping busy what is not its own': [
    'truncate "@own".note',
    'truncate "@other".note',
    'lock table "@other".note in access exclusive mode',
    'lock table business_store_service.tenants in share mode',
    'drop table "@own".note',
    'drop owned by "@otherRole"',
    'reassign owned by "@otherRole" to "@ownRole"',
    'checkpoint',
    "load 'auto_explain'",
  ],
  'changing whose answers are kept, or giving some in advance': [
    'delete from business_store_service.idempotency_keys',
    'truncate business_store_service.idempotency_keys',
    "update business_store_service.idempotency_keys set subject = 'somebody'",
    "update business_store_service.idempotency_keys set key_hash = ''",
    'update business_store_service.idempotency_keys set tenant_id = gen_random_uuid()',
    "insert into business_store_service.idempotency_keys (tenant_id, subject, key_hash, request_hash, expires_at, status) values (bss.tenant(), 'tester', '', '', now(), 200)",
    "insert into business_store_service.idempotency_keys (tenant_id, subject, key_hash, request_hash, expires_at) values (bss.tenant(), 'somebody', sha256(''), sha256(''), now())",
    "insert into business_store_service.idempotency_keys (tenant_id, subject, key_hash, request_hash, expires_at) values (gen_random_uuid(), 'tester', sha256(''), sha256(''), now())",
  ],
  'changing whose an import is or what it began as, or beginning one for others': [
    'delete from business_store_service.imports',
    'truncate business_store_service.imports',
    "update business_store_service.imports set created_by = 'somebody'",
    "update business_store_service.imports set entity = 'note'",
    'update business_store_service.imports set tenant_id = gen_random_uuid()',
    "insert into business_store_service.imports (tenant_id, import_id, entity, format, on_error, holder, prefix_hash, created_by, request_id, stored) values (bss.tenant(), gen_random_uuid(), 'note', 'csv', 'skip', gen_random_uuid(), sha256(''), 'tester', '', 5)",
    "insert into business_store_service.imports (tenant_id, import_id, entity, format, on_error, holder, prefix_hash, created_by, request_id) values (bss.tenant(), gen_random_uuid(), 'note', 'csv', 'skip', gen_random_uuid(), sha256(''), 'somebody', '')",
    "insert into business_store_service.imports (tenant_id, import_id, entity, format, on_error, holder, prefix_hash, created_by, request_id) values (gen_random_uuid(), gen_random_uuid(), 'note', 'csv', 'skip', gen_random_uuid(), sha256(''), 'tester', '')",
  ],
  'reading around the tables': [
    'select * from "@other".note',
    'table "@other".note',
    "select query_to_xml('select * from \"@other\".note', true, false, '')",
    "select table_to_xml('\"@other\".note', true, false, '')",
    'select * from ts_stat(\'select to_tsvector(title) from "@other".note\')',
    'copy "@other".note to stdout',
    'copy (select * from "@other".note) to stdout',
    'copy "@own".note to \'/tmp/stolen\'',
    'copy "@own".note from \'/etc/passwd\'',
    'copy "@own".note to program \'cat\'',
    'copy "@own".note from program \'id\'',
    'select * from pg_authid',
    'select * from pg_statistic',
    'select * from pg_largeobject',
    'select * from bss.context_keys',
    'select * from audit.pending',
    'select * from business_store_service.tenants',
    'select * from bss_migrations.migrations',
    'select audit.seal(1)',
    'select audit.sealed(gen_random_uuid(), 0, 1)',
    'select audit.make_partitions(1)',
    'select audit.drop_outlived(now())',
    'select * from audit.events_default',
    'select * from audit.chain_default',
    'select * from audit.checkpoints',
    'select * from audit.sealing',
    "select pg_create_logical_replication_slot('spy', 'test_decoding')",
    'select pg_get_backend_memory_contexts()',
    'select pg_show_all_file_settings()',
  ],
  'files and large objects': [
    "select pg_ls_dir('.')",
    'select pg_ls_waldir()',
    'select pg_ls_logdir()',
    "select pg_read_file('postgresql.conf')",
    "select pg_read_binary_file('/etc/passwd')",
    "select pg_stat_file('postgresql.conf')",
    'select pg_current_logfile()',
    "select lo_import('/etc/passwd')",
    "select lo_export(1, '/tmp/stolen')",
    'select lo_create(0)',
    'select lo_creat(0)',
    "select lo_from_bytea(0, 'x')",
    "select lo_put(1, 0, 'x')",
    'select lo_get(1)',
    'select lo_open(1, 262144)',
    'select loread(0, 10)',
    "select lowrite(0, 'x')",
    'select lo_unlink(1)',
  ],
  'changing the context': [
    'select pg_advisory_lock(1651733357)',
    'select pg_try_advisory_xact_lock(1651733345)',
    'select pg_advisory_unlock_all()',
    "select set_config('role', '@otherRole', true)",
    "select set_config('app.ctx', '', true)",
    "select query_to_xml('select set_config(''role'', ''none'', true)', true, false, '')",
    "with changed as materialized (select set_config('app.current_tenant', '@other', true)) select * from changed, \"@own\".note",
    'do $$ begin null; end $$',
  ],
};

const fill = (text: string): string =>
  text
    .replaceAll('@ownRole', home.role)
    .replaceAll('@otherRole', other.role)
    .replaceAll('@own', home.schema)
    .replaceAll('@other', other.schema)
    .replaceAll('@database', database.name);

describe.each(Object.entries(REFUSED))('%s', (_title, statements) => {
  it.each(statements)('is refused inside a tenant: %s', async (text) => {
    expect(await failureOf(inTenant(fill(text)))).toBe('42501');
  });

  it('is refused to the login of the pool', async () => {
    for (const text of statements) expect([text, await failureOf(asLogin(fill(text)))]).toEqual([text, '42501']);
  });
});

describe('names', () => {
  it('never resolve outside of the schema of the tenant and pg_catalog', async () => {
    await database.admin('create table public.customer as select 1 as stolen');
    await database.admin('create table public.note as select 1 as stolen');
    await database.admin("create function public.now() returns timestamptz language sql return '-infinity'::timestamptz");
    await database.admin('grant all on all tables in schema public to public');
    expect(await failureOf(inTenant('select * from customer'))).toBe('42P01');
    expect(await inTenant('select title, now() > $1 from note', ['1970-01-01'])).toEqual([[home.tenantId, 't']]);
    expect(await failureOf(inTenant('select * from public.customer'))).toBe('42501');
    expect(await inTenant("select current_setting('search_path')")).toEqual([[`${home.schema}, pg_temp`]]);
  });
});

describe('other sessions', () => {
  it('show a tenant neither their statements nor their clients', async () => {
    await withClient(database.controlUrl, async (client) => {
      await client.query("select 'a secret of the control plane'");
      const [[sessions, texts, clients]] = (await inTenant(`
        select count(*), string_agg(distinct query, '|'), count(client_addr) + count(state)
        from pg_stat_activity
        where datname = current_database()`)) as [string[]];
      expect(Number(sessions)).toBeGreaterThan(1);
      expect({ texts, clients }).toEqual({ texts: '<insufficient privilege>', clients: '0' });
    });
  });

  it('cannot be cancelled or ended by a tenant, nor can its own', async () => {
    const pids = (await inTenant('select pid from pg_stat_activity')) as [string][];
    expect(pids.length).toBeGreaterThan(3);
    for (const [pid] of pids) {
      for (const call of ['pg_cancel_backend', 'pg_terminate_backend', 'pg_log_backend_memory_contexts']) {
        // Auxiliary processes are no server processes to these functions: a warning and false.
        const outcome = await inTenant(`select ${call}($1)`, [pid]).catch(({ code }) => code);
        expect([call, ['42501'].includes(outcome) || String(outcome) === 'f']).toEqual([call, true]);
      }
    }
  });

  it('leave no values and no tokens in what is prepared on a shared connection', async () => {
    await TenantTx.run(pool, other, ACTOR, { readOnly: true }, (tx) =>
      tx.last({ text: 'select title from note where title = $1', values: ['a secret value'], name: 'secret' }),
    );
    const prepared = JSON.stringify(await inTenant('select name, statement from pg_prepared_statements'));
    expect(prepared).toContain('bss.enter($1, $2)');
    expect(prepared).not.toMatch(/secret value|[0-9a-f]{64}/);
  });

  it('leave no statistics of their rows', async () => {
    await database.admin('analyze');
    expect(await inTenant('select * from pg_stats where schemaname = $1', [other.schema])).toEqual([]);
  });
});

describe('a context', () => {
  it('is not that of a role taken afterwards', async () => {
    const as = (role: string, text: string) =>
      TenantTx.run(pool, home, ACTOR, { readOnly: true }, async (tx) => {
        await tx.query({ text: `set local role ${role}`, values: [] });
        await tx.query({ text: fill(text), values: [] });
      });
    for (const role of [`"${other.role}"`, 'bss_tenant', 'none']) {
      for (const text of [
        'select * from "@own".note',
        'select * from "@other".note',
        'select * from audit.events',
        'select bss.tenant()',
      ]) {
        expect([role, text, await failureOf(as(role, text))]).toEqual([role, text, '42501']);
      }
    }
  });

  it('could be left in the middle of one statement, but for the closed DO: the pool role, and writing where only reading is allowed', async () => {
    const block = (body: string) => `do $$ declare own constant text := current_setting('app.ctx'); begin ${body} end $$`;
    const only = (readOnly: boolean, text: string) =>
      TenantTx.run(pool, home, ACTOR, { readOnly }, (tx) => tx.last({ text: fill(text), values: [] }));
    const becomePool = block("reset role; assert current_user = 'bss_app_00';");
    const write = block("commit; perform bss.enter(own, false); update note set title = 'escaped';");
    const steal = [
      block('set local role "@otherRole"; perform from "@other".note;'),
      block('reset role; perform from "@other".note;'),
      block("reset role; perform bss.enter(own || ' ', false);"),
    ];
    for (const text of [becomePool, write, ...steal]) expect([text, await failureOf(only(true, text))]).toEqual([text, '42501']);

    await database.admin('grant usage on language plpgsql to public');
    try {
      expect(await failureOf(only(true, becomePool))).toBe('no error');
      // Postgres 15 and 16 let it commit; later ones take the pipeline for a transaction.
      expect(['no error', '2D000']).toContain(await failureOf(only(true, write)));
      for (const text of steal) expect([text, await failureOf(only(true, text))]).toEqual([text, '42501']);
    } finally {
      await database.admin('revoke usage on language plpgsql from public');
      await database.admin(`update "${home.schema}".note set title = $1`, [home.tenantId]);
    }
  });
});

describe('the service goes on', () => {
  it('after a COPY, which the wrapper does not speak', async () => {
    expect(await inTenant('copy note to stdout')).toEqual([]);
    expect(await failureOf(inTenant('copy note from stdin'))).toBe('0A000');
    expect(await inTenant('select title from note')).toEqual([[home.tenantId]]);
  });
});
