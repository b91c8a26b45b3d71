import type { ControlPlane } from '../../src/database/control-plane.js';
import type { RuntimePool } from '../../src/database/runtime-pool.js';
import { TenantTx } from '../../src/database/tenant-tx.js';
import type { TenantHome } from '../../src/model/entity.js';
import { getStatement } from '../../src/model/query/get-statement.js';
import { parseReadQuery } from '../../src/model/query/parse-read-query.js';
import { readStatement } from '../../src/model/query/read-statement.js';
import { EntityGraph } from '../../src/model/query/relationships.js';
import type { Statement } from '../../src/model/sql.js';
import type { ReadWriter } from '../../src/model/values/read-writer.js';
import { controlPlaneOf, createTestDatabase, type TestDatabase, withClient } from '../harness/database.js';
import { KEY_TABLES } from '../harness/key-attempts.js';
import { ATTEMPT_NAMES, past, pastPartition, probe, seedPast, seedSharedTables } from '../harness/probe.js';
import { ACTOR, createHomes, insertNote, NOTE, runtimePool } from '../harness/tenants.js';

/** Each lock is needed: taken away in a scratch database, it lets the probe through, and put back it stops it again. */

// Each sabotage is a dozen statements on connections of their own, and some fifty attempts.
jest.setTimeout(30_000);

let database: TestDatabase;
let controlPlane: ControlPlane;
let pool: RuntimePool;
let attacker: TenantHome;
let victim: TenantHome;
const seenToSucceed = new Set<string>();

beforeAll(async () => {
  database = await createTestDatabase();
  controlPlane = controlPlaneOf(database);
  await controlPlane.open();
  pool = runtimePool(database, 2);
  [attacker, victim] = (await createHomes(controlPlane, 2)) as [TenantHome, TenantHome];
  for (const home of [attacker, victim]) {
    await insertNote(pool, home, 'mine');
    await seedPast(database, controlPlane, home);
  }
  await seedSharedTables(database, victim);
});

afterAll(async () => {
  await pool.end();
  await controlPlane.close();
  await database.drop();
});

const tableOf = (home: TenantHome): string => `"${home.schema}".note`;
const onBothTables = (sql: (table: string) => string) => [attacker, victim].map((home) => sql(tableOf(home)));

async function policyOf(home: TenantHome): Promise<string> {
  const { rows } = await database.admin("select qual from pg_policies where schemaname = $1 and tablename = 'note'", [
    home.schema,
  ]);
  return rows[0].qual;
}

async function pinOf(home: TenantHome): Promise<{ name: string; definition: string }> {
  const { rows } = await database.admin(
    `select conname as name, pg_get_constraintdef(oid) as definition from pg_constraint where contype = 'c' and conrelid = $1::regclass`,
    [tableOf(home)],
  );
  expect(rows).toHaveLength(1);
  return rows[0];
}

async function definitionOf(routine: string): Promise<string> {
  return (await database.admin('select pg_get_functiondef($1::regprocedure) as sql', [routine])).rows[0].sql;
}

/** Runs the sabotage, looks, and puts everything back as it was. */
async function whatGetsThrough(sabotage: readonly string[], repair: readonly string[]): Promise<string[]> {
  try {
    for (const sql of sabotage) await database.admin(sql);
    const succeeded = await probe({ database, attacker, victim });
    for (const name of succeeded) seenToSucceed.add(name);
    return succeeded;
  } finally {
    for (const sql of repair) await database.admin(sql);
  }
}

afterEach(async () => {
  expect(await probe({ database, attacker, victim })).toEqual([]);
});

it('with every lock in place nothing gets through, as the least privileged login', async () => {
  const { rows } = await withClient(database.runtimeUrl, (client) =>
    client.query('select rolname, rolsuper, rolbypassrls, rolinherit from pg_roles where rolname = session_user'),
  );
  expect(rows).toEqual([{ rolname: 'bss_app_00', rolsuper: false, rolbypassrls: false, rolinherit: false }]);
  expect(await probe({ database, attacker, victim })).toEqual([]);
});

const asVictim = ['select', 'update', 'delete'].map((verb) => `the role of the victim with the token of the attacker: ${verb}`);

describe('what gets through without', () => {
  it('the first lock: the pool role may read nothing', async () => {
    const rights = `usage on schema "${victim.schema}"`;
    expect(
      await whatGetsThrough(
        [`grant ${rights} to bss_app_00`, `grant select, truncate on ${tableOf(victim)} to bss_app_00`],
        [`revoke ${rights} from bss_app_00`, `revoke all on ${tableOf(victim)} from bss_app_00`],
      ),
    ).toEqual(['the pool role reads', 'the pool role truncates']);
  });

  it('the second lock: a tenant role that is a member of no other', async () => {
    expect(
      await whatGetsThrough(
        [`grant "${victim.role}" to "${attacker.role}"`],
        [`revoke "${victim.role}" from "${attacker.role}"`],
      ),
    ).toEqual(['the attacker reads the table of the victim', 'the attacker reads the past of the victim']);
  });

  it('the second lock: a tenant role with rights on its own schema only', async () => {
    const [schema, table] = [`usage on schema "${victim.schema}"`, `select on ${tableOf(victim)}`];
    expect(
      await whatGetsThrough(
        [schema, table].map((right) => `grant ${right} to "${attacker.role}"`),
        [schema, table].map((right) => `revoke ${right} from "${attacker.role}"`),
      ),
    ).toEqual(['the attacker reads the table of the victim']);
  });

  it('the third lock: row-level security', async () => {
    expect(
      await whatGetsThrough(
        onBothTables((table) => `alter table ${table} disable row level security`),
        onBothTables((table) => `alter table ${table} enable row level security`),
      ),
    ).toEqual([
      'the role alone reads',
      ...asVictim,
      'the role of the attacker with the token of the victim: select',
      'the owner of the table reads',
    ]);
  });

  it('the third lock: row-level security that holds for the owner too', async () => {
    expect(
      await whatGetsThrough(
        [`alter table ${tableOf(victim)} no force row level security`],
        [`alter table ${tableOf(victim)} force row level security`],
      ),
    ).toEqual(['the owner of the table reads']);
  });

  it('the third lock: a policy that asks for the tenant', async () => {
    const qual = await policyOf(victim);
    expect(
      await whatGetsThrough(
        [`alter policy tenant on ${tableOf(victim)} using (true) with check (true)`],
        [`alter policy tenant on ${tableOf(victim)} using (${qual}) with check (${qual})`],
      ),
    ).toEqual(['the role alone reads', ...asVictim]);
  });

  it('the third lock: a policy pinned to the verified context', async () => {
    const qual = await policyOf(victim);
    const pinnedToLiteral = `tenant_id = '${victim.tenantId}'`;
    expect(
      await whatGetsThrough(
        [`alter policy tenant on ${tableOf(victim)} using (${pinnedToLiteral}) with check (${pinnedToLiteral})`],
        [`alter policy tenant on ${tableOf(victim)} using (${qual}) with check (${qual})`],
      ),
    ).toEqual(['the role alone reads', ...asVictim]);
  });

  it('the third lock: the CHECK that pins a table to its tenant', async () => {
    const { name, definition } = await pinOf(attacker);
    const [drop, add] = [`drop constraint "${name}"`, `add constraint "${name}" ${definition}`];
    const alter = `alter table ${tableOf(attacker)}`;
    expect(await whatGetsThrough([`${alter} ${drop}`], [`${alter} ${add}`])).toEqual([
      'a restore by a superuser puts a row into the wrong house',
    ]);
    const loosen = `alter policy tenant on ${tableOf(attacker)}`;
    const qual = await policyOf(attacker);
    expect(
      await whatGetsThrough(
        [`${alter} ${drop}`, `${loosen} using (true) with check (true)`],
        [`${alter} ${add}`, `${loosen} using (${qual}) with check (${qual})`],
      ),
    ).toEqual([
      'the attacker writes a row of the victim',
      'the role of the attacker with the token of the victim: select',
      'a restore by a superuser puts a row into the wrong house',
    ]);
  });

  it('a tenant role that is a member of no other, in the past too', async () => {
    const [schema, table] = [`usage on schema "${victim.schema}"`, `select on ${past(victim)}`];
    expect(
      await whatGetsThrough(
        [schema, table].map((right) => `grant ${right} to "${attacker.role}"`),
        [schema, table].map((right) => `revoke ${right} from "${attacker.role}"`),
      ),
    ).toEqual(['the attacker reads the past of the victim']);
  });

  it('row-level security on the past', async () => {
    expect(
      await whatGetsThrough(
        [`alter table ${past(victim)} disable row level security`],
        [`alter table ${past(victim)} enable row level security`],
      ),
    ).toEqual([
      'the role of the victim with the token of the attacker: select of the past',
      'the role of the victim with the token of the attacker: delete of the past',
      'the owner of the past reads',
    ]);
  });

  it('row-level security on the past that holds for the owner too, on its partitions as well', async () => {
    const force = (table: string, word: string) => [`alter table ${table} ${word} row level security`];
    expect(await whatGetsThrough(force(past(victim), 'no force'), force(past(victim), 'force'))).toEqual([
      'the owner of the past reads',
    ]);
    expect(await whatGetsThrough(force(pastPartition(victim), 'no force'), force(pastPartition(victim), 'force'))).toEqual([
      'the owner of the past reads a partition',
    ]);
  });

  it('the past that can be added to and removed from, and no more', async () => {
    expect(
      await whatGetsThrough(
        [`grant update on ${past(victim)} to "${victim.role}"`],
        [`revoke update on ${past(victim)} from "${victim.role}"`],
      ),
    ).toEqual(['the victim changes its past']);
  });

  it('partitions that nobody is granted anything on', async () => {
    expect(
      await whatGetsThrough(
        [`grant delete on ${pastPartition(victim)} to "${victim.role}"`],
        [`revoke delete on ${pastPartition(victim)} from "${victim.role}"`],
      ),
    ).toEqual(['the victim goes to a partition of its past']);
  });

  it('the CHECK that pins the past to its tenant', async () => {
    const { rows } = await database.admin(
      `select conname as name, pg_get_constraintdef(oid) as definition from pg_constraint where contype = 'c' and conrelid = $1::regclass`,
      [past(attacker)],
    );
    const [{ name, definition }] = rows;
    expect(
      await whatGetsThrough(
        [`alter table ${past(attacker)} drop constraint "${name}"`],
        [`alter table ${past(attacker)} add constraint "${name}" ${definition}`],
      ),
    ).toEqual(['a restore by a superuser puts a row into the past of the wrong house']);
  });

  it('the fourth lock: a token whose MAC is verified', async () => {
    const original = await definitionOf('bss.verified(text)');
    const credulous = original.replace(/\n\s+or left\(token, 64\) <> [\s\S]+?\n\s+then/, '\n  then');
    expect(credulous).not.toBe(original);
    expect(await whatGetsThrough([credulous], [original])).toEqual(['a forged token enters']);
  });

  it('the revoke of set_config: a SELECT changes role and limits, though the signed context still keeps the rows', async () => {
    const right = 'execute on function pg_catalog.set_config(text, text, boolean)';
    expect(await whatGetsThrough([`grant ${right} to public`], [`revoke ${right} from public`])).toEqual([
      'one SELECT becomes another role',
      'one SELECT lifts its time limit',
    ]);
  });

  it('the revoke of set_config and the signed context, the usual design: one SELECT reads the rows of the victim', async () => {
    const right = 'execute on function pg_catalog.set_config(text, text, boolean)';
    const qual = await policyOf(victim);
    const bare = `tenant_id = nullif(current_setting('app.current_tenant', true), '')::uuid`;
    expect(
      await whatGetsThrough(
        [`grant ${right} to public`, `alter policy tenant on ${tableOf(victim)} using (${bare}) with check (${bare})`],
        [`revoke ${right} from public`, `alter policy tenant on ${tableOf(victim)} using (${qual}) with check (${qual})`],
      ),
    ).toEqual([
      'the role alone reads',
      'one SELECT becomes another role',
      'one SELECT reads the rows of the victim',
      'one SELECT lifts its time limit',
    ]);
  });

  it('the policies of the shared tables', async () => {
    const { rows } = await database.admin(`
      select format('alter policy %I on %I.%I', policyname, schemaname, tablename) as policy, qual, with_check
      from pg_policies
      where schemaname in ('audit', 'business_store_service') and policyname in ('tenant_isolation_policy', 'tenant_reads', 'tenant_writes', 'control', 'own_answers', 'control_sweeps',
        'tenant_begins', 'tenant_moves_on', 'control_reads')`);
    const clauses = (row: { qual: string | null; with_check: string | null }, loose: boolean): string =>
      (row.qual ? ` using (${loose ? 'true' : row.qual})` : '') +
      (row.with_check ? ` with check (${loose ? 'true' : row.with_check})` : '');
    expect(
      await whatGetsThrough(
        rows.map((row) => row.policy + clauses(row, true)),
        rows.map((row) => row.policy + clauses(row, false)),
      ),
    ).toEqual([
      'the attacker reads the victim in audit.events',
      'the attacker reads the victim in audit.heads',
      'the attacker reads the victim in audit.chain',
      'the attacker reads the victim in audit.proofs',
      'the attacker reads the victim in business_store_service.tenant_schemas',
      'the attacker reads the victim in business_store_service.entity_versions',
      'the attacker reads the victim in business_store_service.schema_changes',
      'the attacker reads the victim in business_store_service.retained_properties',
      'the attacker reads the victim in business_store_service.tenant_packs',
      'the attacker reads the victim in business_store_service.imports',
      'the attacker reads the victim in business_store_service.past_tables',
      'the attacker reads the answers to the victim',
      'the attacker reads the answers to somebody else',
      'the attacker changes the answers to somebody else',
      'the attacker answers in advance to the victim',
      'the attacker answers in advance to somebody else',
      'the attacker moves the imports of the victim on',
      'the attacker begins an import for the victim',
      "the attacker begins an import in somebody else's name",
      'the attacker writes events into the trail of the victim',
      "the attacker writes events into somebody else's name",
      ...['heads', 'chain', 'checkpoints', 'checkpointed_heads'].map(
        (table) => `the control plane reads audit.${table} in the context of a tenant`,
      ),
      'the control plane reads the victim in the context of the attacker',
      'the control plane reads the API keys of the victim in the context of the attacker',
      'the control plane makes an API key of the victim in the context of the attacker',
      'the control plane reads the access grants of the victim in the context of the attacker',
      'the control plane opens another tenant by a grant in the context of the attacker',
      'the control plane reads the webhooks of the victim in the context of the attacker',
      'the control plane reads the webhook_deliveries of the victim in the context of the attacker',
      'the control plane makes a webhook of the victim in the context of the attacker',
      'the control plane makes a webhook of the victim in the context of the platform',
      'the control plane reads the roles of the victim in the context of the attacker',
      'the control plane makes a role of the victim in the context of the attacker',
      'the control plane widens a role of the victim in the context of the attacker',
      ...KEY_TABLES.map((table) => `the control plane reads the ${table} of the victim in the context of the attacker`),
      'the control plane makes a key of the victim in the context of the attacker',
      'the control plane moves the keys of the victim on in the context of the attacker',
      'the control plane moves the publishing of the victim in the context of the victim',
      'the control plane takes the turn to publish in the context of the attacker',
      'the control plane sweeps answers that have not expired',
      'the control plane forgets an import of today',
    ]);
  });

  it('row-level security on publishing', async () => {
    for (const [table, attempt] of [
      ['publishing', 'the control plane moves the publishing of the victim in the context of the victim'],
      ['sinks', 'the control plane takes the turn to publish in the context of the attacker'],
    ]) {
      expect(
        await whatGetsThrough(
          [`alter table audit.${table} disable row level security`],
          [`alter table audit.${table} enable row level security`],
        ),
      ).toEqual([attempt]);
    }
  });

  it('what closes the partitions of the trail: no grant, and row-level security without a policy', async () => {
    const { rows } = await database.admin("select to_char(now() at time zone 'UTC', 'YYYYMM') as month");
    const partition = `audit.events_${rows[0].month}`;
    const [grant, revoke] = [`grant select on ${partition} to bss_tenant`, `revoke select on ${partition} from bss_tenant`];
    expect(await whatGetsThrough([grant], [revoke])).toEqual([]);
    expect(
      await whatGetsThrough(
        [grant, `alter table ${partition} disable row level security`],
        [revoke, `alter table ${partition} enable row level security`],
      ),
    ).toEqual(['the attacker reads a partition of the trail']);
  });

  it('row-level security on API keys', async () => {
    const table = 'business_store_service.api_keys';
    expect(
      await whatGetsThrough(
        [`alter table ${table} disable row level security`],
        [`alter table ${table} enable row level security`],
      ),
    ).toEqual([
      'the control plane reads the API keys of the victim in the context of the attacker',
      'the control plane makes an API key of the victim in the context of the attacker',
    ]);
  });

  it('the missing grants on API keys: a tenant reads them, and what a key may do is changed', async () => {
    const table = 'business_store_service.api_keys';
    expect(
      await whatGetsThrough(
        [`grant select on ${table} to bss_tenant`, `grant update (roles) on ${table} to bss_control`],
        [`revoke select on ${table} from bss_tenant`, `revoke update (roles) on ${table} from bss_control`],
      ),
    ).toEqual(['the victim reads its API keys', 'the control plane gives an API key another role']);
  });

  it('row-level security on the roles that tenants make', async () => {
    const table = 'business_store_service.tenant_roles';
    expect(
      await whatGetsThrough(
        [`alter table ${table} disable row level security`],
        [`alter table ${table} enable row level security`],
      ),
    ).toEqual([
      'the control plane reads the roles of the victim in the context of the attacker',
      'the control plane makes a role of the victim in the context of the attacker',
      'the control plane widens a role of the victim in the context of the attacker',
    ]);
    expect(
      await whatGetsThrough([`grant select on ${table} to bss_tenant`], [`revoke select on ${table} from bss_tenant`]),
    ).toEqual(['the victim reads the roles that it has made']);
  });

  const ofKeys = KEY_TABLES.map((name) => `business_store_service.${name}`);

  it('row-level security on wrapped keys', async () => {
    const security = (word: string) => ofKeys.map((table) => `alter table ${table} ${word} row level security`);
    expect(await whatGetsThrough(security('disable'), security('enable'))).toEqual([
      ...KEY_TABLES.map((name) => `the control plane reads the ${name} of the victim in the context of the attacker`),
      'the control plane makes a key of the victim in the context of the attacker',
      'the control plane moves the keys of the victim on in the context of the attacker',
    ]);
  });

  it('the missing grants on wrapped keys: a tenant reads none, and what a key commits to is written once', async () => {
    const rights = [
      ...ofKeys.map((table) => [`select on ${table}`, 'bss_tenant']),
      ['update (commitment) on business_store_service.data_keys', 'bss_control'],
    ];
    const got = await whatGetsThrough(
      rights.map(([right, role]) => `grant ${right} to ${role}`),
      rights.map(([right, role]) => `revoke ${right} from ${role}`),
    );
    expect(got).toEqual([
      ...KEY_TABLES.map((name) => `the victim reads its ${name}`),
      'the control plane says what a key commits to',
    ]);
  });

  it('the grant that a system administrator is asked for by the database as well', async () => {
    const original = await definitionOf('bss.enter(text,boolean)');
    const credulous = original.replace("'system_admin' = any", "'nobody' = any");
    expect(credulous).not.toBe(original);
    expect(await whatGetsThrough([credulous], [original])).toEqual(['a system administrator enters the victim without a grant']);
  });

  it('row-level security on access grants', async () => {
    for (const [table, attempt] of [
      ['access_grants', 'the control plane reads the access grants of the victim in the context of the attacker'],
      ['access_grant_tenants', 'the control plane opens another tenant by a grant in the context of the attacker'],
    ] as const) {
      const security = (word: string) => [`alter table business_store_service.${table} ${word} row level security`];
      expect(await whatGetsThrough(security('disable'), security('enable'))).toContain(attempt);
    }
  });

  it('the missing grants on access grants: a tenant reads them, and one lasts longer', async () => {
    const table = 'business_store_service.access_grants';
    expect(
      await whatGetsThrough(
        [`grant select on ${table} to bss_tenant`, `grant update (expires_at) on ${table} to bss_control`],
        [`revoke select on ${table} from bss_tenant`, `revoke update (expires_at) on ${table} from bss_control`],
      ),
    ).toEqual(['the victim reads the access grants that name it', 'the control plane makes an access grant last longer']);
  });

  it('row-level security on webhooks', async () => {
    const table = 'business_store_service.webhooks';
    expect(
      await whatGetsThrough(
        [`alter table ${table} disable row level security`],
        [`alter table ${table} enable row level security`],
      ),
    ).toEqual([
      'the control plane reads the webhooks of the victim in the context of the attacker',
      'the control plane makes a webhook of the victim in the context of the attacker',
      'the control plane makes a webhook of the victim in the context of the platform',
    ]);
  });

  it('row-level security on the deliveries of webhooks', async () => {
    const table = 'business_store_service.webhook_deliveries';
    expect(
      await whatGetsThrough(
        [`alter table ${table} disable row level security`],
        [`alter table ${table} enable row level security`],
      ),
    ).toEqual(['the control plane reads the webhook_deliveries of the victim in the context of the attacker']);
  });

  it('the missing grants on webhooks: a tenant reads them, and who made one is changed', async () => {
    const table = 'business_store_service.webhooks';
    expect(
      await whatGetsThrough(
        [`grant select on ${table} to bss_tenant`, `grant update (created_by) on ${table} to bss_control`],
        [`revoke select on ${table} from bss_tenant`, `revoke update (created_by) on ${table} from bss_control`],
      ),
    ).toEqual(['the victim reads its webhooks', 'the control plane says that somebody else made a webhook']);
  });

  it('row-level security on imports', async () => {
    const table = 'business_store_service.imports';
    expect(
      await whatGetsThrough(
        [`alter table ${table} disable row level security`],
        [`alter table ${table} enable row level security`],
      ),
    ).toEqual([
      'the attacker reads the victim in business_store_service.imports',
      'the attacker moves the imports of the victim on',
      'the attacker begins an import for the victim',
      "the attacker begins an import in somebody else's name",
      'the control plane forgets an import of today',
    ]);
  });

  it('the subject in the policy of kept answers: colleagues of one tenant read and answer for each other', async () => {
    const table = 'business_store_service.idempotency_keys';
    const { rows } = await database.admin("select qual from pg_policies where policyname = 'own_answers'");
    const ofTenant = 'tenant_id = (select bss.tenant())';
    expect(
      await whatGetsThrough(
        [`alter policy own_answers on ${table} using (${ofTenant}) with check (${ofTenant})`],
        [`alter policy own_answers on ${table} using (${rows[0].qual}) with check (${rows[0].qual})`],
      ),
    ).toEqual([
      'the attacker reads the answers to somebody else',
      'the attacker changes the answers to somebody else',
      'the attacker answers in advance to somebody else',
    ]);
  });

  it('row-level security on kept answers', async () => {
    const table = 'business_store_service.idempotency_keys';
    expect(
      await whatGetsThrough(
        [`alter table ${table} disable row level security`],
        [`alter table ${table} enable row level security`],
      ),
    ).toEqual([
      'the attacker reads the answers to the victim',
      'the attacker reads the answers to somebody else',
      'the attacker changes the answers to somebody else',
      'the attacker answers in advance to the victim',
      'the attacker answers in advance to somebody else',
      'the control plane sweeps answers that have not expired',
    ]);
  });
});

it('and every attempt of the probe was seen to succeed: one that never does would prove nothing', () => {
  expect([...seenToSucceed].sort()).toEqual([...ATTEMPT_NAMES].sort());
});

it('without row-level security and CHECK, the statements of the repository still answer with own rows only, because they name the tenant', async () => {
  const foreign = '0190a1b2-0000-7000-8000-000000000001';
  const table = tableOf(attacker);
  const pin = await pinOf(attacker);
  await database.admin(`alter table ${table} disable row level security, drop constraint "${pin.name}"`);
  await database.admin(
    `insert into ${table} (tenant_id, id, title, created_at, updated_at, created_by, updated_by, revision)
     values ($1, $2, 'foreign', now(), now(), 'x', 'x', 1)`,
    [victim.tenantId, foreign],
  );
  const firstColumn = async (statement: Statement) => {
    const rows = await TenantTx.run(pool, attacker, ACTOR, { readOnly: true }, (tx) => tx.last(statement));
    return rows.map(([value]) => value).sort();
  };
  const unfiltered = ({ text, values }: Statement) => ({
    text: text.replaceAll('tenant_id = $1', '$1::uuid is not null'),
    values,
  });
  try {
    const query = parseReadQuery(new EntityGraph(new Map()), NOTE, [], { count: null, maxRows: 100 });
    const tenantOf: ReadWriter = {
      cells: [{ kind: 'column', column: 'tenant_id' }],
      members: [],
      names: [],
      keptBack: [],
      write: String,
    };
    const list = readStatement(attacker, query, tenantOf);
    const counted = readStatement(attacker, { ...query, count: 'exact' }, tenantOf);
    const get = getStatement(attacker, NOTE, ['tenant_id'])(foreign);
    expect(await firstColumn(list)).toEqual([attacker.tenantId]);
    expect(await firstColumn(counted)).toEqual(['1']);
    expect(await firstColumn(get)).toEqual([]);
    // The same statements without the filter: the foreign row was there to be found.
    expect(await firstColumn(unfiltered(list))).toEqual([attacker.tenantId, victim.tenantId].sort());
    expect(await firstColumn(unfiltered(counted))).toEqual(['2', '2']);
    expect(await firstColumn(unfiltered(get))).toEqual([victim.tenantId]);
  } finally {
    await database.admin(`delete from ${table} where id = $1`, [foreign]);
    await database.admin(`alter table ${table} enable row level security, add constraint "${pin.name}" ${pin.definition}`);
  }
});
