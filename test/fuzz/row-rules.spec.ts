/** Both locks of row rules, each alone, against an oracle: the policies in Postgres, and the conditions of the service's statements. */

import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { Actor } from '../../src/database/context-token.js';
import type { ControlPlane } from '../../src/database/control-plane.js';
import type { RuntimePool } from '../../src/database/runtime-pool.js';
import { TenantTx } from '../../src/database/tenant-tx.js';
import { rowsOf } from '../../src/model/access/row-rule-sight.js';
import { parameterSql, rowRuleSql } from '../../src/model/access/row-rule-sql.js';
import { createTable } from '../../src/model/ddl/create-table.js';
import { dropRowRulePolicies, rowRulePolicies } from '../../src/model/ddl/row-rule-policies.js';
import { tableRef } from '../../src/model/ddl/table-ref.js';
import { readEntity } from '../../src/model/document/read-entity.js';
import type { Entity, RowRule, TenantHome } from '../../src/model/entity.js';
import type { Statement } from '../../src/model/sql.js';
import { splitRecord } from '../../src/model/values/record-columns.js';
import type { JsonObject } from '../../src/platform/json-value.js';
import { controlPlaneOf, createTestDatabase, type TestDatabase } from '../harness/database.js';
import { ACTOR, createHomes, runtimePool } from '../harness/tenants.js';
import { type Caller, callers, type Row, rowRules, rows } from './row-rule-arbitrary.js';
import { mayRead, mayWrite } from './row-rule-oracle.js';

let database: TestDatabase;
let controlPlane: ControlPlane;
let pool: RuntimePool;
let home: TenantHome;

const DOCUMENT = {
  type: 'object',
  additionalProperties: false,
  properties: {
    s: { type: 'string' },
    n: { type: 'integer' },
    d: { type: 'number' },
    m: { type: 'string', format: 'decimal' },
    b: { type: 'boolean' },
    u: { type: 'string', format: 'uuid' },
    t: { type: 'string', format: 'date-time' },
  },
};
const SERVICE: Actor = { subject: 'business-store', roles: ['bss:service'], requestId: 'test' };
const runs = { numRuns: Number(process.env.FUZZ_RUNS ?? 60), interruptAfterTimeLimit: 20_000 } as const;

beforeAll(async () => {
  database = await createTestDatabase();
  controlPlane = controlPlaneOf(database);
  await controlPlane.open();
  [home] = (await createHomes(controlPlane, 1)) as [TenantHome];
  pool = runtimePool(database, 2);
  const created = createTable(home, readEntity('thing', DOCUMENT));
  await controlPlane.inTenant(ACTOR, home, (tx) => tx.asOwner(home, created));
}, 60_000);

afterAll(async () => {
  await pool.end();
  await controlPlane.close();
  await database.drop();
});

const entityOf = (word: JsonObject): Entity => readEntity('thing', { ...DOCUMENT, rowRules: word });
const actorOf = (caller: Caller): Actor => ({ ...caller, requestId: 'test' });

/** What a transaction of this actor answers with, of which nothing is kept. */
async function answered(actor: Actor, statement: Statement): Promise<(string | null)[]> {
  return TenantTx.run(pool, home, actor, { readOnly: false }, async (tx) => {
    tx.rehearse();
    return (await tx.query(statement)).map(([first]) => first ?? null).sort();
  });
}

const plain = (text: string): Statement => ({ text, values: [] });

function insertOf(entity: Entity, id: string, row: Row): Statement {
  const record = Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));
  const names = ['tenant_id', 'id', 'created_at', 'updated_at', 'created_by', 'updated_by', 'revision'];
  const { columns } = splitRecord(entity, id, record);
  const own = entity.properties.map(({ column }) => `"${column}"`);
  const values = columns.map((_, index) => `$${index + 3}`);
  const text = `insert into ${tableRef(home, entity)} (${[...names, ...own].join(', ')}) values ($1, $2, now(), now(), 'a', 'a', 1, ${values.join(', ')})`;
  return { text, values: [home.tenantId, id, ...columns] };
}

async function isRefused(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => false,
    (error: { code?: string }) => {
      if (error.code !== '42501') throw error;
      return true;
    },
  );
}

it('each finds and lets change what the rules say, and nothing else', async () => {
  let [found, withheld] = [0, 0];
  const property = fc.asyncProperty(rowRules, rows, callers, async (word, contents, who) => {
    const entity = entityOf(word);
    const table = tableRef(home, entity);
    const stored = contents.map((row) => ({ id: randomUUID(), row }));
    const expected = (may: typeof mayRead, caller: Caller): string[] =>
      stored
        .filter(({ row }) => may(word, caller, row))
        .map(({ id }) => id)
        .sort();
    await controlPlane.inTenant(ACTOR, home, (tx) =>
      tx.asOwner(home, [...dropRowRulePolicies(table), ...rowRulePolicies(home, table, entity.rowRules)]),
    );
    await TenantTx.run(pool, home, SERVICE, { readOnly: false }, async (tx) => {
      await tx.query(plain(`delete from ${table}`));
      for (const { id, row } of stored) await tx.query(insertOf(entity, id, row));
    });
    for (const caller of who) {
      const actor = actorOf(caller);
      const { read = true, write = true } = rowsOf(entity, caller) ?? {};
      const byCondition = (rule: RowRule): Promise<(string | null)[]> => {
        const values: (string | null)[] = [];
        return answered(SERVICE, { text: `select id from ${table} where ${rowRuleSql(rule, '', parameterSql(values))}`, values });
      };
      const [seen, written] = [expected(mayRead, caller), expected(mayWrite, caller)];
      found += seen.length;
      withheld += stored.length - seen.length;
      expect(await answered(actor, plain(`select id from ${table}`))).toEqual(seen);
      expect(await byCondition(read)).toEqual(seen);
      expect(await answered(actor, plain(`update ${table} set revision = 2 returning id`))).toEqual(written);
      expect(await answered(actor, plain(`delete from ${table} returning id`))).toEqual(written);
      expect(await answered(actor, plain(`select id from ${table} for update`))).toEqual(written);
      expect(await byCondition(write)).toEqual(written);
      for (const { row } of stored.slice(0, 3)) {
        expect(await isRefused(answered(actor, insertOf(entity, randomUUID(), row)))).toBe(!mayWrite(word, caller, row));
      }
    }
  });
  await fc.assert(property, runs);
  expect([found > 500, withheld > 500]).toEqual([true, true]);
}, 60_000);
