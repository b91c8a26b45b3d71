import type { ControlPlane } from '../../src/database/control-plane.js';
import type { RuntimePool } from '../../src/database/runtime-pool.js';
import type { Row } from '../../src/database/statement-batch.js';
import type { TenantHome } from '../../src/model/entity.js';
import type { Statement } from '../../src/model/sql.js';
import { controlPlaneOf, createTestDatabase, type TestDatabase, withClient } from '../harness/database.js';
import { seededRandom } from '../harness/random.js';
import { ACTOR, createHomes, insertNote, noteInsert, runtimePool } from '../harness/tenants.js';

/**
 * Role of tenant i, token of tenant j, table of tenant k, at random, many at once, over connections that all tenants
 * share: rows come only when i = j = k, and then they always come.
 */

const TENANTS = 12;
const WORKERS = 12;
const TRANSACTIONS = 20_000;
const SEED = Number(process.env.BSS_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** insufficient_privilege, the table is not on the search path, or (without row-level security) the CHECK says no. */
const REFUSALS: ReadonlySet<string | undefined> = new Set(['42501', '42P01', '23514']);
const BEGIN: Statement = { text: 'begin', values: [], name: 'begin' };
const ACTIONS = ['read', 'read', 'insert', 'update', 'delete'] as const;

interface Tally {
  /** Of matching triples, how many were answered with the tenant's row. */
  answered: number;
  /** Of other triples, how many were refused or empty. */
  withheld: number;
  foreignRows: string[];
  validButDenied: string[];
}

let database: TestDatabase;
let controlPlane: ControlPlane;
let pool: RuntimePool;
let homes: TenantHome[];

beforeAll(async () => {
  database = await createTestDatabase();
  controlPlane = controlPlaneOf(database);
  await controlPlane.open();
  homes = await createHomes(controlPlane, TENANTS);
  pool = runtimePool(database, WORKERS);
  for (const home of homes) await insertNote(pool, home, `anchor of ${home.tenantId}`);
}, 30_000);

afterAll(async () => {
  await pool.end();
  await controlPlane.close();
  await database.drop();
});

/** Every action answers with the tenant id of the rows it touched. Nothing that is deleted stays deleted. */
function statementOf(action: (typeof ACTIONS)[number], table: string, owner: string): Statement {
  if (action === 'read') return { text: `select tenant_id from ${table} where title like 'anchor%'`, values: [] };
  if (action === 'update')
    return { text: `update ${table} set revision = revision + 1 where title like 'anchor%' returning tenant_id`, values: [] };
  if (action === 'delete') return { text: `delete from ${table} where title like 'anchor%' returning tenant_id`, values: [] };
  const { text, values } = noteInsert(owner, 'more');
  return { text: `${text.replace('into note', `into ${table}`)} returning tenant_id`, values };
}

async function oneTransaction(random: ReturnType<typeof seededRandom>, tally: Tally): Promise<void> {
  const i = random.below(TENANTS);
  const j = random.chance(0.6) ? i : random.below(TENANTS);
  const k = random.chance(0.6) ? i : random.below(TENANTS);
  const matching = i === j && j === k;
  const [role, token, table] = [homes[i]!, homes[j]!, homes[k]!];
  const action = random.pick(ACTIONS);
  const unqualified = random.chance(0.5);
  const orderly = random.pick(action === 'delete' ? (['rollback'] as const) : (['commit', 'rollback'] as const));
  // A new connection costs 10 ms, so not too often.
  const ending = random.chance(0.04) ? random.pick(['leave open', 'destroy'] as const) : orderly;
  // A row for the table's own tenant when the triple matches; otherwise for anyone of the three.
  const statement = statementOf(
    action,
    unqualified ? 'note' : `"${table.schema}".note`,
    random.pick([role, token, table]).tenantId,
  );
  const named = random.chance(0.5) ? { ...statement, name: `${action}${unqualified ? '' : table.schema}` } : statement;
  const readOnly = action === 'read' && random.chance(0.5);
  const told = JSON.stringify({ i, j, k, action, unqualified, ending });

  const connection = await pool.checkout();
  let rows: readonly Row[] = [];
  let refusal: string | undefined;
  try {
    const claims = { tenantId: token.tenantId, schema: table.schema, role: role.role, actor: ACTOR };
    const results = await connection.send([BEGIN, connection.enter(claims, readOnly), named]);
    rows = results[2]!.rows;
  } catch (error) {
    refusal = (error as { code?: string }).code ?? String(error);
  }
  if (ending === 'destroy') connection.destroy();
  else if (ending !== 'leave open') await connection.send([{ text: refusal === undefined ? ending : 'rollback', values: [] }]);
  connection.release();

  if (matching) {
    if (rows.length > 0 && rows.every(([tenant]) => tenant === role.tenantId)) tally.answered++;
    else tally.validButDenied.push(`${told} ${refusal ?? 'no rows'}`);
  } else if (rows.length > 0) tally.foreignRows.push(told);
  else if (refusal !== undefined && !REFUSALS.has(refusal)) throw new Error(`${told}: ${refusal}`);
  else tally.withheld++;
}

async function transactions(count: number, seed: number): Promise<Tally> {
  const tally: Tally = { answered: 0, withheld: 0, foreignRows: [], validButDenied: [] };
  const worker = async (_: unknown, index: number): Promise<void> => {
    const random = seededRandom(seed + index);
    for (let n = 0; n < count / WORKERS; n++) await oneTransaction(random, tally);
  };
  await Promise.all(Array.from({ length: WORKERS }, worker));
  return tally;
}

it('is tested as the least privileged login', async () => {
  const { rows } = await withClient(database.runtimeUrl, (client) =>
    client.query('select rolname, rolsuper, rolbypassrls from pg_roles where rolname = session_user'),
  );
  expect(rows).toEqual([{ rolname: 'bss_app_00', rolsuper: false, rolbypassrls: false }]);
});

it(`${TRANSACTIONS} transactions of random role, token and table meet no foreign row and refuse no valid one (BSS_TEST_SEED=${SEED})`, async () => {
  const { answered, withheld, foreignRows, validButDenied } = await transactions(TRANSACTIONS, SEED);
  expect({ foreignRows, validButDenied }).toEqual({ foreignRows: [], validButDenied: [] });
  expect(answered + withheld).toBeGreaterThanOrEqual(TRANSACTIONS);
  expect(Math.min(answered, withheld)).toBeGreaterThan(TRANSACTIONS / 4);
}, 120_000);

it('what they left behind is in the right houses', async () => {
  for (const { schema, tenantId } of homes) {
    const { rows } = await database.admin(
      `select count(*) filter (where tenant_id <> $1)::int as foreign, count(*) filter (where title like 'anchor%')::int as anchors,
              max(title) filter (where title like 'anchor%') as anchor, count(*) filter (where title = 'more') > 10 as written
       from "${schema}".note`,
      [tenantId],
    );
    expect(rows[0]).toEqual({ foreign: 0, anchors: 1, anchor: `anchor of ${tenantId}`, written: true });
  }
});

it('and they do meet foreign rows once row-level security is off', async () => {
  for (const { schema } of homes) await database.admin(`alter table "${schema}".note disable row level security`);
  const { foreignRows, validButDenied } = await transactions(600, SEED);
  expect(validButDenied).toEqual([]);
  expect(foreignRows.length).toBeGreaterThan(20);
}, 30_000);
