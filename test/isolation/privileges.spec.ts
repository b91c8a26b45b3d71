import type pg from 'pg';
import { mintContextToken } from '../../src/database/context-token.js';
import type { ControlPlane } from '../../src/database/control-plane.js';
import type { RuntimePool } from '../../src/database/runtime-pool.js';
import { TenantTx } from '../../src/database/tenant-tx.js';
import type { TenantHome } from '../../src/model/entity.js';
import { controlPlaneOf, createTestDatabase, type TestDatabase, withClient } from '../harness/database.js';
import { ACTOR, createHomes, failureOf, runtimePool } from '../harness/tenants.js';

/** What every role of the running service may do, read from the catalogs: exactly this, and nothing dangerous anywhere. */

let database: TestDatabase;
let controlPlane: ControlPlane;
let pool: RuntimePool;
let home: TenantHome;
let other: TenantHome;
let runtimeRoles: string[];

beforeAll(async () => {
  database = await createTestDatabase();
  controlPlane = controlPlaneOf(database);
  await controlPlane.open();
  pool = runtimePool(database, 1);
  [home, other] = (await createHomes(controlPlane, 2)) as [TenantHome, TenantHome];
  runtimeRoles = ['bss_app_00', 'bss_tenant', 'bss_control', home.role, other.role];
});

afterAll(async () => {
  await pool.end();
  await controlPlane.close();
  await database.drop();
});

const inTenant = (text: string) => TenantTx.run(pool, home, ACTOR, { readOnly: true }, (tx) => tx.last({ text, values: [] }));

/** The first column, with the random names of the two tenants replaced. */
async function listed(text: string, values: readonly unknown[] = [runtimeRoles]): Promise<string[]> {
  const { rows } = await database.admin(text, values);
  const told = (value: string): string =>
    value.replaceAll(home.schema.slice(2), 'home').replaceAll(other.schema.slice(2), 'other');
  return rows.map((row) => told(Object.values(row).join(' '))).sort();
}

/** Columns of access grants that are written once, and those that are decided on later. */
const FIXED_OF_GRANTS = ['access', 'entities', 'expires_at', 'grant_id', 'needs_approval', 'reason', 'requested_by', 'ticket'];
const DECIDED_OF_GRANTS = ['approved_at', 'approved_by', 'revoked_at', 'revoked_by'];
const GRANT_TENANTS = ['first_used_at', 'grant_id', 'last_used_at', 'tenant_id', 'uses'];

/** Columns of keys, as `INSERT` writes them once and as `UPDATE` may change them. */
const KEYS: Readonly<Record<string, readonly [inserted: string, updated: string]>> = {
  tenant_keys: [
    'key_ref provider tenant_id',
    'destroyed_at encrypt_version epoch index_next index_version key_ref provider receipt',
  ],
  data_keys: [
    'commitment key_ref provider purpose tenant_id version wrapped',
    'destroyed_at key_ref provider retired_at wrapped',
  ],
  subject_keys: ['key_id sealed subject tenant_id', 'destroyed_at erased_at sealed subject'],
  key_jobs: [
    'created_by former_key_ref former_provider job_id key_ref kind provider purpose request_id tenant_id version',
    'done error finished_at held_until holder position stage status total',
  ],
};

/** Functions of the trail, all of them the control plane's. */
const TRAIL = [
  'audit.drop_outlived(timestamp with time zone)',
  'audit.erase(uuid,boolean)',
  'audit.make_partitions(integer)',
  'audit.published()',
  'audit.seal(integer)',
  'audit.sealed(uuid,bigint,integer)',
];

const serverMajor = async (): Promise<number> =>
  Math.floor(Number((await database.admin("select current_setting('server_version_num') as n")).rows[0].n) / 10_000);

describe('no role of the running service', () => {
  it('is a superuser, bypasses row-level security, creates roles or databases, or replicates', async () => {
    const able = `select rolname from pg_roles where rolname = any ($1)
      and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)`;
    expect(await listed(able)).toEqual([]);
    expect(await listed(`select rolname from pg_roles where rolname = any ($1) and rolcanlogin`)).toEqual(['bss_app_00']);
  });

  it('may TRUNCATE, REFERENCE, TRIGGER or MAINTAIN any relation', async () => {
    const rights = ['TRUNCATE', 'REFERENCES', 'TRIGGER', ...((await serverMajor()) >= 17 ? ['MAINTAIN'] : [])];
    const granted = `select role, oid::regclass, right_name
      from unnest($1::text[]) as role, unnest($2::text[]) as right_name, pg_class
      where relkind in ('r', 'p', 'v', 'm', 'f') and has_table_privilege(role, oid, right_name)`;
    expect(await listed(granted, [runtimeRoles, rights])).toEqual([]);
    // The same question about somebody who may.
    expect(await listed(granted, [[home.ownerRole], ['TRUNCATE']])).toEqual(['own_home t_home.note TRUNCATE']);
  });

  it('may CREATE in any schema, database or tablespace, or make temporary tables', async () => {
    const granted = `
      select role, nspname from unnest($1::text[]) as role, pg_namespace where has_schema_privilege(role, oid, 'CREATE')
      union all
      select role, datname from unnest($1::text[]) as role, pg_database
      where datname = current_database() and (has_database_privilege(role, oid, 'CREATE') or has_database_privilege(role, oid, 'TEMP'))
      union all
      select role, spcname from unnest($1::text[]) as role, pg_tablespace where has_tablespace_privilege(role, oid, 'CREATE')`;
    expect(await listed(granted)).toEqual([]);
    expect(await listed(granted, [[home.ownerRole]])).toEqual(['own_home t_home']);
  });

  it('may run code blocks in any language', async () => {
    const granted = `select role, lanname from unnest($1::text[]) as role, pg_language
      where laninline <> 0 and has_language_privilege(role, oid, 'USAGE')`;
    expect(await listed(granted)).toEqual([]);
    expect(await listed(granted, [['bss_owner']])).toEqual(['bss_owner plpgsql']);
  });

  it('owns anything', async () => {
    const owned = `select rolname, classid::regclass from pg_shdepend join pg_roles on pg_roles.oid = refobjid
      where refclassid = 'pg_authid'::regclass and deptype = 'o' and rolname = any ($1)
      and dbid in (0, (select oid from pg_database where datname = current_database()))`;
    expect(await listed(owned)).toEqual([]);
    expect(await listed(owned, [[home.ownerRole]])).toEqual(['own_home pg_class', 'own_home pg_namespace']);
  });

  it('may set a parameter that is the administrator’s', async () => {
    expect(await listed('select parname from pg_parameter_acl where $1::text[] is not null')).toEqual([]);
  });

  it('has a right on a sequence, a foreign server, or a column other than those of an audit event, a kept answer, an import, an API key or a wrapped one', async () => {
    const granted = `
      select role, oid::regclass::text from unnest($1::text[]) as role, pg_class
      where relkind = 'S' and has_sequence_privilege(role, oid, 'USAGE, SELECT, UPDATE')
      union all
      select role, srvname from unnest($1::text[]) as role, pg_foreign_server where has_server_privilege(role, oid, 'USAGE')
      union all
      select attname, attrelid::regclass::text from pg_attribute where attacl is not null and attrelid >= 16384`;
    // Those of a marker without its time: when something happened is not for the writer to say.
    const columns = [
      'action',
      'actor',
      'body',
      'entity',
      'event_id',
      'occurred_at',
      'openings',
      'record_id',
      'request_id',
      'tenant_id',
    ];
    const markers = ['events', 'first_event_id', 'last_event_id', 'tenant_id'];
    const checkpoints = ['hash audit.checkpointed_heads', 'sent_at audit.checkpoints', 'seq audit.checkpointed_heads'];
    const answers = ['body', 'expires_at', 'headers', 'key_hash', 'request_hash', 'sealed', 'status', 'subject', 'tenant_id'];
    const imports = ['bytes', 'conflict', 'created_by', 'entity', 'errors', 'failed', 'finished_at', 'format', 'holder'].concat([
      'ignored',
      'import_id',
      'lines',
      'on_error',
      'prefix_hash',
      'reason',
      'request_id',
      'state',
      'stored',
      'tenant_id',
      'updated_at',
    ]);
    const keys = ['created_by', 'expires_at', 'former_secret_hash', 'former_until', 'key_id', 'last_used_at', 'name'].concat([
      'revoked_at',
      'roles',
      'scopes',
      'secret_hash',
      'tenant_id',
    ]);
    // All but when they were made.
    const webhooks = [
      'created_by',
      'dead_letters',
      'description',
      'disabled_at',
      'disabled_reason',
      'enabled',
      'entities',
    ].concat(
      ['events', 'failing_since', 'failures', 'former_secret', 'former_until', 'held_until', 'holder', 'include', 'replay_from'],
      ['replay_seq', 'replay_started_at', 'replay_to', 'resume_at', 'retry_at', 'secret', 'sent_seq', 'tenant_id', 'turn_at'],
      ['updated_at', 'url', 'webhook_id'],
    );
    const deliveries = [
      'action',
      'attempts',
      'event_id',
      'expires_at',
      'finished_at',
      'next_at',
      'seq',
      'status',
      'tenant_id',
      'tries',
      'webhook_id',
    ];
    // All but when they were made.
    const grants = [...FIXED_OF_GRANTS, ...DECIDED_OF_GRANTS];
    const written = [
      ...keys.map((column) => `${column} business_store_service.api_keys`),
      ...grants.map((column) => `${column} business_store_service.access_grants`),
      ...GRANT_TENANTS.map((column) => `${column} business_store_service.access_grant_tenants`),
      ...webhooks.map((column) => `${column} business_store_service.webhooks`),
      ...deliveries.map((column) => `${column} business_store_service.webhook_deliveries`),
      ...Object.entries(KEYS).flatMap(([table, rights]) =>
        [...new Set(rights.flatMap((each) => each.split(' ')))].map((column) => `${column} business_store_service.${table}`),
      ),
      ...columns.map((column) => `${column} audit.events`),
      ...markers.map((column) => `${column} audit.pending`),
      ...checkpoints,
      ...answers.map((column) => `${column} business_store_service.idempotency_keys`),
      ...imports.map((column) => `${column} business_store_service.imports`),
    ].sort();
    expect(await listed(granted)).toEqual(written);
    expect((await listed(granted, [['bss_migrator']])).filter((right) => !written.includes(right))).toEqual([
      'bss_migrator bss_migrations.migrations_id_seq',
    ]);
  });
});

describe('the roles of the running service reach exactly', () => {
  const reach = `select role, rolname from unnest($1::text[]) as role, pg_roles
    where rolname <> role and rolname not like 'tn\\_%' and pg_has_role(role, oid, 'member')`;

  it('these roles', async () => {
    expect(await listed(reach)).toEqual(['bss_app_00 bss_tenant', 'tn_home bss_tenant', 'tn_other bss_tenant']);
    const tenants = `select role, rolname from unnest($1::text[]) as role, pg_roles
      where rolname = any ($1) and rolname <> role and rolname like 'tn\\_%' and pg_has_role(role, oid, 'member')`;
    const logins = [[...runtimeRoles, 'bss_migrator']];
    const members = ['bss_app_00', 'bss_migrator'].flatMap((login) => [`${login} tn_home`, `${login} tn_other`]);
    expect(await listed(tenants, logins)).toEqual(members);
    // Membership for SET ROLE alone: neither login has any of their rights by itself.
    expect(await listed(tenants.replace("'member'", "'usage'"), logins)).toEqual([]);
  });

  it('these schemas', async () => {
    const usage = `select role, nspname from unnest($1::text[]) as role, pg_namespace
      where nspname not in ('pg_catalog', 'information_schema') and has_schema_privilege(role, oid, 'USAGE')`;
    const shared = ['audit', 'bss', 'business_store_service'];
    expect(await listed(usage)).toEqual(
      [
        'bss_app_00 bss',
        ...['bss_control', 'bss_tenant', 'tn_home', 'tn_other'].flatMap((role) => shared.map((schema) => `${role} ${schema}`)),
        'tn_home t_home',
        'tn_other t_other',
      ].sort(),
    );
  });

  it('these relations', async () => {
    const granted = `select role, relation, string_agg(right_name, ',' order by right_name)
      from unnest($1::text[]) as role,
        unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) as right_name,
        (select oid, oid::regclass as relation from pg_class
          where relkind in ('r', 'p', 'v') and relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)) as relations
      where has_table_privilege(role, oid, right_name)
      group by role, relation`;
    const shared = [
      ...['audit.chain SELECT', 'audit.heads SELECT', 'audit.proofs SELECT'],
      'business_store_service.entity_versions SELECT',
      'business_store_service.idempotency_keys SELECT',
      'business_store_service.imports SELECT',
      'business_store_service.past_tables SELECT',
      'business_store_service.retained_properties SELECT',
      'business_store_service.schema_changes SELECT',
      'business_store_service.tenant_packs SELECT',
      'business_store_service.tenant_schemas SELECT',
    ];
    expect(await listed(granted)).toEqual(
      [
        'bss_control audit.chain SELECT',
        'bss_control audit.checkpointed_heads INSERT,SELECT',
        'bss_control audit.checkpoints INSERT,SELECT',
        'bss_control audit.heads SELECT',
        'bss_control audit.proofs INSERT',
        'bss_control audit.sealing SELECT',
        'bss_control audit.publishing INSERT,SELECT,UPDATE',
        'bss_control audit.sinks INSERT,SELECT,UPDATE',
        'bss_control business_store_service.access_grant_tenants SELECT',
        'bss_control business_store_service.access_grants SELECT',
        'bss_control business_store_service.api_keys SELECT',
        ...Object.keys(KEYS).map((table) => `bss_control business_store_service.${table} SELECT`),
        'bss_control business_store_service.entity_versions INSERT,SELECT',
        'bss_control business_store_service.idempotency_keys DELETE',
        'bss_control business_store_service.imports DELETE',
        'bss_control business_store_service.past_partitions DELETE,INSERT,SELECT,UPDATE',
        'bss_control business_store_service.past_tables DELETE,INSERT,SELECT,UPDATE',
        'bss_control business_store_service.request_days DELETE,INSERT,SELECT,UPDATE',
        'bss_control business_store_service.retained_properties DELETE,INSERT,SELECT',
        'bss_control business_store_service.rollout_tenants INSERT,SELECT,UPDATE',
        'bss_control business_store_service.rollouts INSERT,SELECT,UPDATE',
        'bss_control business_store_service.schema_changes INSERT,SELECT,UPDATE',
        'bss_control business_store_service.tenant_packs INSERT,SELECT,UPDATE',
        'bss_control business_store_service.tenant_roles DELETE,INSERT,SELECT,UPDATE',
        'bss_control business_store_service.tenant_schemas INSERT,SELECT,UPDATE',
        'bss_control business_store_service.tenants INSERT,SELECT,UPDATE',
        'bss_control business_store_service.webhook_deliveries DELETE,SELECT',
        'bss_control business_store_service.webhooks DELETE,SELECT',
        ...['bss_tenant', 'tn_home', 'tn_other'].flatMap((role) => shared.map((right) => `${role} ${right}`)),
        'tn_home t_home.note DELETE,INSERT,SELECT,UPDATE',
        'tn_other t_other.note DELETE,INSERT,SELECT,UPDATE',
      ].sort(),
    );
  });

  it('these columns of the trail: when something happened is for nobody to say, and nobody changes what was said', async () => {
    const granted = `select attrelid::regclass, attname
      from unnest($1::text[]) as role, unnest(array['INSERT', 'UPDATE']) as right_name, pg_attribute
      where attrelid in ('audit.events'::regclass, 'audit.pending'::regclass) and attnum > 0
        and has_column_privilege(role, attrelid, attnum, right_name)
      group by attrelid, attname`;
    const written = ['action', 'actor', 'body', 'entity', 'event_id', 'openings', 'record_id', 'request_id', 'tenant_id'];
    expect(await listed(granted)).toEqual([
      ...written.map((column) => `audit.events ${column}`),
      ...['events', 'first_event_id', 'last_event_id', 'tenant_id'].map((column) => `audit.pending ${column}`),
    ]);
    expect(await listed(granted.replace("'INSERT', 'UPDATE'", "'UPDATE'"))).toEqual([]);
  });

  it('these columns of kept answers: a tenant cannot change whose they are, the control plane cannot read what they say', async () => {
    const granted = `select role, attname, string_agg(right_name, ',' order by right_name)
      from unnest($1::text[]) as role, unnest(array['SELECT', 'INSERT', 'UPDATE']) as right_name, pg_attribute
      where attrelid = 'business_store_service.idempotency_keys'::regclass and attnum > 0
        and has_column_privilege(role, attrelid, attnum, right_name)
      group by role, attname`;
    const ofTenant = ['body SELECT,UPDATE', 'headers SELECT,UPDATE', 'sealed SELECT,UPDATE', 'status SELECT,UPDATE'].concat(
      ['key_hash INSERT,SELECT', 'subject INSERT,SELECT', 'tenant_id INSERT,SELECT'],
      ['expires_at INSERT,SELECT,UPDATE', 'request_hash INSERT,SELECT,UPDATE'],
    );
    expect(await listed(granted)).toEqual(
      [
        // Sealed ones are sealed anew with other keys: they say nothing to it.
        ...['expires_at SELECT', 'key_hash SELECT', 'sealed SELECT,UPDATE', 'subject SELECT', 'tenant_id SELECT'].map(
          (right) => `bss_control ${right}`,
        ),
        ...['bss_tenant', 'tn_home', 'tn_other'].flatMap((role) => ofTenant.map((right) => `${role} ${right}`)),
      ].sort(),
    );
  });

  it('these columns of imports: a tenant cannot change whose an import is nor what it began as, the control plane cannot read it', async () => {
    const granted = `select role, attname, string_agg(right_name, ',' order by right_name)
      from unnest($1::text[]) as role, unnest(array['SELECT', 'INSERT', 'UPDATE']) as right_name, pg_attribute
      where attrelid = 'business_store_service.imports'::regclass and attnum > 0
        and has_column_privilege(role, attrelid, attnum, right_name)
      group by role, attname`;
    const ofTenant = ['created_at SELECT', 'holder INSERT,SELECT,UPDATE', 'prefix_hash INSERT,SELECT,UPDATE'].concat(
      ['conflict', 'created_by', 'entity', 'format', 'ignored', 'import_id', 'on_error', 'request_id', 'tenant_id'].map(
        (column) => `${column} INSERT,SELECT`,
      ),
      ['bytes', 'errors', 'failed', 'finished_at', 'lines', 'reason', 'state', 'stored', 'updated_at'].map(
        (column) => `${column} SELECT,UPDATE`,
      ),
    );
    expect(await listed(granted)).toEqual(
      [
        'bss_control updated_at SELECT',
        ...['bss_tenant', 'tn_home', 'tn_other'].flatMap((role) => ofTenant.map((right) => `${role} ${right}`)),
      ].sort(),
    );
  });

  it('these columns of wrapped keys: no tenant reads any, and what a key is for and commits to stays as it was made', async () => {
    const granted = `select role, right_name, relname, string_agg(attname, ' ' order by attname)
      from unnest($1::text[]) as role, unnest(array['INSERT', 'UPDATE']) as right_name, pg_attribute, pg_class
      where attrelid = pg_class.oid and relname = any ($2) and attnum > 0
        and has_column_privilege(role, attrelid, attnum, right_name)
      group by role, right_name, relname`;
    const allowed = Object.entries(KEYS).flatMap(([table, [inserted, updated]]) => [
      `bss_control INSERT ${table} ${inserted}`,
      `bss_control UPDATE ${table} ${updated}`,
    ]);
    expect(await listed(granted, [runtimeRoles, Object.keys(KEYS)])).toEqual(allowed.sort());
    const read = granted.replace("'INSERT', 'UPDATE'", "'SELECT'");
    const tenants = runtimeRoles.filter((role) => role !== 'bss_control');
    expect(await listed(read, [tenants, Object.keys(KEYS)])).toEqual([]);
  });

  it('these columns of API keys: whose a key is and what it may do stays as it was made', async () => {
    const granted = `select role, attname, string_agg(right_name, ',' order by right_name)
      from unnest($1::text[]) as role, unnest(array['SELECT', 'INSERT', 'UPDATE']) as right_name, pg_attribute
      where attrelid = 'business_store_service.api_keys'::regclass and attnum > 0
        and has_column_privilege(role, attrelid, attnum, right_name)
      group by role, attname`;
    expect(await listed(granted)).toEqual(
      [
        ...['created_at SELECT', 'secret_hash INSERT,SELECT,UPDATE'],
        ...['created_by', 'expires_at', 'key_id', 'name', 'roles', 'scopes', 'tenant_id'].map((name) => `${name} INSERT,SELECT`),
        ...['former_secret_hash', 'former_until', 'last_used_at', 'revoked_at'].map((name) => `${name} SELECT,UPDATE`),
      ]
        .map((right) => `bss_control ${right}`)
        .sort(),
    );
  });

  it('these columns of access grants: whose one is and what it permits stays as it was made', async () => {
    const granted = `select attname, string_agg(right_name, ',' order by right_name)
      from unnest($1::text[]) as role, unnest(array['INSERT', 'UPDATE']) as right_name, pg_attribute
      where attrelid = 'business_store_service.access_grants'::regclass
        and attnum > 0 and has_column_privilege(role, attrelid, attnum, right_name)
      group by attname`;
    expect(await listed(granted)).toEqual(
      [...FIXED_OF_GRANTS.map((name) => `${name} INSERT`), ...DECIDED_OF_GRANTS.map((name) => `${name} UPDATE`)].sort(),
    );
  });

  it('these columns of webhooks: whose a webhook is, and who made it, stays as it was made', async () => {
    const granted = `select attrelid::regclass, attname, string_agg(right_name, ',' order by right_name)
      from unnest($1::text[]) as role, unnest(array['INSERT', 'UPDATE']) as right_name, pg_attribute
      where attrelid in ('business_store_service.webhooks'::regclass, 'business_store_service.webhook_deliveries'::regclass)
        and attnum > 0 and has_column_privilege(role, attrelid, attnum, right_name)
      group by attrelid, attname`;
    const fixed = (await listed(granted)).filter((right) => right.endsWith(' INSERT'));
    expect(fixed).toEqual(
      [
        ...['created_by', 'tenant_id', 'webhook_id'].map((name) => `business_store_service.webhooks ${name} INSERT`),
        ...['action', 'event_id', 'seq', 'tenant_id', 'webhook_id'].map(
          (name) => `business_store_service.webhook_deliveries ${name} INSERT`,
        ),
      ].sort(),
    );
  });

  it('these functions', async () => {
    const granted = `select role, oid::regprocedure from unnest($1::text[]) as role, pg_proc
      where pronamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) and has_function_privilege(role, oid, 'EXECUTE')`;
    const ask = ['bss.assert_keys(integer)', 'bss.caller()', 'bss.identity()', 'bss.platform()', 'bss.tenant()'];
    expect(await listed(granted)).toEqual(
      [
        'bss_app_00 bss.crossing(text,uuid,text)',
        'bss_app_00 bss.enter(text,boolean)',
        'bss_app_00 bss.verified(text)',
        ...TRAIL.map((name) => `bss_control ${name}`),
        'bss_control bss.lock_keys(uuid,boolean)',
        'bss_control business_store_service.forget_plain_answers()',
        ...['bss_control', 'bss_tenant', 'tn_home', 'tn_other'].flatMap((role) => ask.map((name) => `${role} ${name}`)),
      ].sort(),
    );
  });
});

describe('a tenant table and a shared table', () => {
  it('has row-level security, forced, and policies for the role of the tenant only', async () => {
    const open = `select oid::regclass from pg_class where relkind in ('r', 'p') and not (relrowsecurity and relforcerowsecurity)
      and relnamespace in (select oid from pg_namespace where nspname in ('audit', 'business_store_service', $1, $2))`;
    expect(await listed(open, [home.schema, other.schema])).toEqual([]);
    const policies = `select schemaname, policyname, permissive, cmd, roles from pg_policies where schemaname like 't\\_%' and $1::text[] is not null`;
    expect(await listed(policies)).toEqual([
      't_home tenant PERMISSIVE ALL {tn_home}',
      't_other tenant PERMISSIVE ALL {tn_other}',
    ]);
  });
});

describe('a function', () => {
  it('that runs with the rights of its owner pins its search path, and no function of ours is open to PUBLIC', async () => {
    const ours = `from pg_proc where pronamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) and $1::text[] is not null`;
    expect(await listed(`select oid::regprocedure, proconfig[1] ${ours} and prosecdef`)).toEqual(
      [
        ...TRAIL,
        'bss.assert_keys(integer)',
        'bss.caller()',
        'bss.crossing(text,uuid,text)',
        'bss.identity()',
        'bss.tenant()',
        'bss.verified(text)',
        'business_store_service.forget_plain_answers()',
      ].map((name) => `${name} search_path=pg_catalog, pg_temp`),
    );
    expect(
      await listed(
        `select oid::regprocedure ${ours} and (proacl is null or exists (select from aclexplode(proacl) where grantee = 0))`,
      ),
    ).toEqual([]);
    expect(await listed(`select oid::regprocedure ${ours} and proleakproof`)).toEqual([]);
  });

  it('made tomorrow by the owner of the control plane is closed until it is granted', async () => {
    for (const schema of ['audit', 'bss', 'business_store_service']) {
      await database.admin(
        `set role bss_owner; create function ${schema}.tomorrow() returns text security definer return 'secret'`,
      );
      expect(await failureOf(inTenant(`select ${schema}.tomorrow()`))).toBe('42501');
      expect(await failureOf(withClient(database.runtimeUrl, (client) => client.query(`select ${schema}.tomorrow()`)))).toBe(
        '42501',
      );
      const open = `select role from unnest($1::text[]) as role where has_function_privilege(role, '${schema}.tomorrow()', 'EXECUTE')`;
      expect(await listed(open)).toEqual([]);
      await database.admin(`drop function ${schema}.tomorrow()`);
    }
  });

  // Others, such as those that make replication slots, are open to all and refuse by themselves: see hostile-sql.spec.ts.
  it('of pg_catalog that reads files, touches large objects or changes settings is closed', async () => {
    const dangerous = `select distinct role, proname from unnest($1::text[]) as role, pg_proc
      where pronamespace = 'pg_catalog'::regnamespace and has_function_privilege(role, oid, 'EXECUTE')
      and (proname ~ '^(lo_|pg_ls_|pg_read_|pg_stat_file|pg_file_|pg_rotate_|pg_reload_|pg_promote|pg_switch_wal|pg_backup)' and proname !~ '_old$'
        or proname in ('set_config', 'loread', 'lowrite', 'pg_stat_reset', 'pg_hba_file_rules', 'pg_show_all_file_settings'))`;
    expect(await listed(dangerous)).toEqual([]);
  });

  it('of the locks is not hijacked by functions and operators that the owner of a schema names like those of pg_catalog', async () => {
    const always = (signature: string, result: string, value: string) =>
      `create function "${home.schema}".${signature} returns ${result} language sql return ${value}::${result}`;
    await database.admin(
      [
        `set role "${home.ownerRole}"`,
        always('sha256(bytea)', 'bytea', "'\\x00'"),
        always('encode(bytea, text)', 'text', "repeat('0', 64)"),
        always('pg_backend_pid()', 'integer', '1'),
        always('clock_timestamp()', 'timestamptz', "'-infinity'"),
        always('current_setting(text)', 'text', `'${other.role}'`),
        always('format(text, text, text, text, text)', 'text', `'set local role "${other.role}"'`),
        always('differs(text, text)', 'boolean', 'false'),
        `create operator "${home.schema}".<> (leftarg = text, rightarg = text, function = "${home.schema}".differs)`,
        `grant usage on schema "${home.schema}" to public`,
      ].join(';'),
    );
    const forged = `${'0'.repeat(64)}${['', 'test', other.tenantId, other.schema, other.role, 'x', '', 'x', '999999999999', '1'].join('\u001f')}`;
    const hijacked = <T>(work: (client: pg.Client) => Promise<T>): Promise<T> =>
      withClient(database.runtimeUrl, async (client) => {
        await client.query(`set search_path = "${home.schema}", pg_catalog`);
        return work(client);
      });
    const enter = () => hijacked((client) => failureOf(client.query('select bss.enter($1, false)', [forged])));
    expect(await enter()).toBe('42501');
    const entered = await hijacked(async (client) => {
      const { rows } = await client.query('select pg_catalog.pg_backend_pid() as pid');
      const claims = { tenantId: home.tenantId, schema: home.schema, role: home.role, actor: ACTOR };
      await client.query('begin');
      await client.query('select bss.enter($1, false)', [
        mintContextToken(database.contextKey, claims, rows[0].pid, (Date.now() / 1000 + 60) | 0),
      ]);
      return (await client.query('select current_user as role, bss.tenant() as tenant')).rows;
    });
    expect(entered).toEqual([{ role: home.role, tenant: home.tenantId }]);
    // It is as soon as its search path is not pinned.
    await database.admin('alter function bss.verified(text) reset search_path');
    expect(await enter()).toBe('no error');
    await database.admin('alter function bss.verified(text) set search_path = pg_catalog, pg_temp');
    await database.admin(`revoke usage on schema "${home.schema}" from public`);
    expect(await enter()).toBe('42501');
  });
});
