/** The policies of row rules in Postgres itself, as the least privileged login: each is needed, and none believes a context that was forged. */

import type { Actor } from '../../src/database/context-token.js';
import { mintContextToken } from '../../src/database/context-token.js';
import type { ControlPlane } from '../../src/database/control-plane.js';
import type { RuntimePool } from '../../src/database/runtime-pool.js';
import { TenantTx } from '../../src/database/tenant-tx.js';
import { createTable } from '../../src/model/ddl/create-table.js';
import { ROW_RULE_POLICIES, rowRulePolicies } from '../../src/model/ddl/row-rule-policies.js';
import { tableRef } from '../../src/model/ddl/table-ref.js';
import { readEntity } from '../../src/model/document/read-entity.js';
import type { TenantHome } from '../../src/model/entity.js';
import { quoteLiteral } from '../../src/model/sql.js';
import { controlPlaneOf, createTestDatabase, type TestDatabase, withClient } from '../harness/database.js';
import { ACTOR, createHomes, runtimePool } from '../harness/tenants.js';

const PAPER = readEntity('paper', {
  type: 'object',
  additionalProperties: false,
  properties: { team: { type: 'string' }, owner: { type: 'string' } },
  rowRules: { clerk: { read: { team: { in: { claim: 'teams' } } }, write: { owner: { eq: { claim: 'sub' } } } } },
});
const CLERK: Actor = { subject: 'kim', roles: ['clerk'], claims: { teams: ['a'] }, requestId: 'test' };
const SERVICE: Actor = { subject: 'business-store', roles: ['bss:service'], requestId: 'test' };

let database: TestDatabase;
let controlPlane: ControlPlane;
let pool: RuntimePool;
let home: TenantHome;
let table: string;

beforeAll(async () => {
  database = await createTestDatabase();
  controlPlane = controlPlaneOf(database);
  await controlPlane.open();
  [home] = (await createHomes(controlPlane, 1)) as [TenantHome];
  pool = runtimePool(database, 2);
  table = tableRef(home, PAPER);
  await controlPlane.inTenant(ACTOR, home, (tx) => tx.asOwner(home, createTable(home, PAPER)));
  for (const [team, owner] of [
    ['a', 'kim'],
    ['a', 'lee'],
    ['z', 'kim'],
  ])
    await done(SERVICE, insert(team as string, owner as string), false);
}, 30_000);

afterAll(async () => {
  await pool.end();
  await controlPlane.close();
  await database.drop();
});

const insert = (team: string, owner: string): string =>
  `insert into ${table} (tenant_id, id, team, owner, created_at, updated_at, created_by, updated_by, revision)
   values ('${home.tenantId}', gen_random_uuid(), '${team}', '${owner}', now(), now(), 'x', 'x', 1) returning 1`;

/** How many rows it answers with; what was refused is told by its SQLSTATE. */
async function done(actor: Actor, text: string, isUndone = true): Promise<number | string> {
  return TenantTx.run(pool, home, actor, { readOnly: false }, async (tx) => {
    if (isUndone) tx.rehearse();
    return (await tx.query({ text, values: [] })).length;
  }).catch((error: { code: string }) => error.code);
}

/** What a clerk gets through with, which it must not. */
async function whatGetsThrough(): Promise<string[]> {
  const attempts: [string, string, number | string][] = [
    ['reads', `select id from ${table} where team = 'z'`, 0],
    ['inserts', insert('a', 'lee'), '42501'],
    ['changes', `update ${table} set revision = 2 where owner = 'lee' returning 1`, 0],
    ['changes into', `update ${table} set owner = 'lee' where owner = 'kim' returning 1`, '42501'],
    ['deletes', `delete from ${table} where owner = 'lee' returning 1`, 0],
  ];
  const found: string[] = [];
  for (const [name, text, expected] of attempts) if ((await done(CLERK, text)) !== expected) found.push(name);
  return found;
}

it("with all policies in place nothing gets through, and what is the caller's does", async () => {
  expect(await whatGetsThrough()).toEqual([]);
  expect(await done(CLERK, `select id from ${table}`)).toBe(2);
  expect(await done(CLERK, `update ${table} set revision = 2 returning 1`)).toBe(1);
  expect(await done(CLERK, insert('a', 'kim'))).toBe(1);
  for (const actor of [SERVICE, ACTOR]) expect(await done(actor, `select id from ${table}`)).toBe(3);
  expect(await done({ ...CLERK, roles: [] }, `select id from ${table}`)).toBe(0);
  expect(await done({ ...CLERK, claims: null }, `select id from ${table}`)).toBe(0);
});

it.each<[string, string[]]>([
  ['row_rules_read', ['reads']],
  ['row_rules_insert', ['inserts']],
  ['row_rules_update', ['changes', 'changes into']],
  ['row_rules_delete', ['deletes']],
])('without %s it does', async (name, expected) => {
  const policies = rowRulePolicies(home, table, PAPER.rowRules);
  const made = policies[(ROW_RULE_POLICIES as readonly string[]).indexOf(name)] as string;
  await database.admin(`drop policy ${name} on ${table}`);
  try {
    expect(await whatGetsThrough()).toEqual(expected);
  } finally {
    await database.admin(made);
  }
  expect(await whatGetsThrough()).toEqual([]);
});

it('a context whose roles or claims were changed is refused, whoever asks', async () => {
  const { tenantId, schema, role } = home;
  await withClient(database.runtimeUrl, async (client) => {
    const { rows } = await client.query('select pg_backend_pid() as pid, extract(epoch from clock_timestamp())::int as now');
    const token = mintContextToken(database.contextKey, { tenantId, schema, role, actor: CLERK }, rows[0].pid, rows[0].now + 60);
    for (const forged of [token.replace('clerk', 'admin'), token.replace('["a"]', '["z"]'), token.replace('kim', 'lee')]) {
      expect(forged).not.toBe(token);
      await client.query('begin');
      const refusal = await client.query('select bss.enter($1, false)', [forged]).catch((error) => error.code);
      expect(refusal).toBe('42501');
      await client.query('rollback');
    }
    await client.query('begin');
    await client.query('select bss.enter($1, false)', [token]);
    // The context cannot be put in another's place from inside either.
    const inside = `set local app.ctx = ${quoteLiteral(token.replace('clerk', 'admin'))}`;
    await client.query(inside);
    expect(await client.query(`select id from ${table}`).catch((error) => error.code)).toBe('42501');
    await client.query('rollback');
  });
});

it('asks for the context once for each thing that it asks of it, however many rows there are', async () => {
  const rows = await TenantTx.run(pool, home, CLERK, { readOnly: true }, (tx) =>
    tx.query({ text: `explain (costs off) select id from ${table}`, values: [] }),
  );
  const plan = rows.map(([line]) => line).join('\n');
  const perRow = plan.slice(plan.indexOf('Scan on paper'));
  expect(perRow).toMatch(/Filter: .*(?:InitPlan|\$\d)/);
  expect(perRow).not.toMatch(/SubPlan|caller|jsonb/);
});
