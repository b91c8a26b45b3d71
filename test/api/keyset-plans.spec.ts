/** What pages behind cursors cost in a table of 100,000 records, as EXPLAIN tells it to the role that runs requests. */

import { TenantTx } from '../../src/database/tenant-tx.js';
import { EntityRegistry } from '../../src/entities/entity-registry.js';
import { keysetOf, type Position, positionOf } from '../../src/model/query/keyset.js';
import { parseReadQuery } from '../../src/model/query/parse-read-query.js';
import { readStatement } from '../../src/model/query/read-statement.js';
import { EntityGraph } from '../../src/model/query/relationships.js';
import { compileReadWriter } from '../../src/model/values/read-writer.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

jest.setTimeout(120_000);

let test: TestService;
let tenant: TestTenant;

const ROWS = 100_000;
const PAGE = 20;
const THING = {
  type: 'object',
  additionalProperties: false,
  required: ['number', 'code', 'kind', 'level', 'seen', 'price'],
  properties: {
    number: { type: 'integer', index: true },
    code: { type: 'string', index: true },
    kind: { type: 'string' },
    level: { type: 'integer' },
    seen: { type: 'string', format: 'date-time', index: true },
    label: { type: 'string', index: true },
    price: { type: 'string', format: 'decimal', precision: 12, scale: 2, index: true },
  },
  indexes: [['kind', 'level']],
};

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  await tenant.define('thing', THING);
  const table = `"${tenant.schemaName}"."thing"`;
  await test.database.admin(
    `insert into ${table}
       (tenant_id, id, created_at, updated_at, created_by, updated_by, revision, number, code, kind, level, seen, label, price)
     select '${tenant.id}', gen_random_uuid(), now(), now(), 'x', 'x', 1, i / 4, 'c' || (i * 7919 % ${ROWS}), 'k' || i % 100, i % 13,
       timestamptz '2024-01-01' + i * interval '1 second', case when i % 3 > 0 then 'l' || (i * 7919 % ${ROWS}) end, i / 4.0
     from generate_series(1, ${ROWS}) as i`,
  );
  await test.database.admin(`analyze ${table}`);
});

afterAll(() => test.stop());

interface Cost {
  readonly plan: string;
  /** Pages of the table and its indexes that were looked at. */
  readonly buffers: number;
  readonly ids: readonly string[];
}

/** The page of this number, reached by a cursor, in the role and under the policies of a request. */
async function costOf(order: string, number: number): Promise<Cost> {
  const { pool, directory } = test.service;
  const found = await directory.find(tenant.id);
  if (!found) throw new Error('the tenant is gone');
  const { entity } = await new EntityRegistry(pool, directory).get(found, 'thing');
  const params = new URLSearchParams({ order, limit: String(PAGE) });
  const query = parseReadQuery(new EntityGraph(new Map()), entity, params, { maxRows: 1_000, count: null });
  const writer = compileReadWriter(query, 'stored');
  const keyset = keysetOf(query.order, writer.cells);
  const statementOf = (after: Position | null, skipped = 0) =>
    readStatement(found.home, { ...query, offset: skipped }, writer, { keyset, after });
  const actor = { subject: 'test', roles: [], requestId: 'test' };
  return TenantTx.run(pool, found.home, actor, { readOnly: true }, async (tx) => {
    const [last] = number === 1 ? [] : await tx.query(statementOf(null, (number - 1) * PAGE - 1));
    const statement = statementOf(last ? positionOf(keyset, last) : null);
    const ids = (await tx.query(statement)).slice(0, PAGE).map(([id]) => id as string);
    const offset = (await tx.query(statementOf(null, (number - 1) * PAGE))).slice(0, PAGE).map(([id]) => id);
    expect([order, number, ids]).toEqual([order, number, offset]);
    const lines = await tx.query({ ...statement, text: `explain (analyze, buffers, costs off) ${statement.text}` });
    const plan = lines.map(([line]) => line).join('\n');
    return { plan, buffers: Number(/Buffers: shared hit=(\d+)/.exec(plan)?.[1]), ids };
  });
}

describe('page 1,000 behind a cursor', () => {
  it.each([
    ['id', /Index Cond: \(id > /],
    ['number', /Index Cond: \(number >= /],
    ['number.desc,id.desc', /Index Scan Backward using "thing\.number\.idx"[\s\S]*Index Cond: \(number <= /],
    ['seen.desc', /Index Scan Backward using "thing\.seen\.idx"[\s\S]*Index Cond: \(seen <= /],
    ['code', /Index Cond: \(code >= /],
    ['kind,level', /Index Cond: \(ROW\(kind, level\) >= ROW\(/],
    ['label', /Index Cond: \(label >= /],
    ['price', /Index Cond: \(price >= /],
    ['label.desc', /Index Cond: \(id > /],
  ])('of order=%s is found in the index, and costs what page 1 costs', async (order, index) => {
    const [first, far] = [await costOf(order, 1), await costOf(order, 1_000)];
    expect(far.plan).toMatch(index);
    expect(far.plan).not.toMatch(/Seq Scan/);
    // Where many are equal in what is sorted by, a page may begin in the middle of them.
    expect(far.buffers).toBeLessThan(3 * first.buffers + 20);
  });

  it('of a decimal reads the whole table where its comparisons are not known to be leakproof', async () => {
    const mark = (word: string) =>
      test.database.admin(
        ['eq', 'ne', 'lt', 'le', 'gt', 'ge', 'cmp']
          .map((name) => `alter function pg_catalog.numeric_${name}(numeric, numeric) ${word}`)
          .join(';'),
      );
    await mark('not leakproof');
    try {
      expect((await costOf('price', 1_000)).plan).not.toMatch(/Index Cond: \(price >= /);
    } finally {
      await mark('leakproof');
    }
    expect((await costOf('price', 1_000)).plan).toMatch(/Index Cond: \(price >= /);
  });

  it('costs no more where it lies among the nulls', async () => {
    const far = await costOf('label', 4_000);
    expect(far.plan).not.toMatch(/Seq Scan|Sort Method/);
    expect(far.buffers).toBeLessThan(200);
  });

  it('costs many times as much by offset', async () => {
    const found = await costOf('number', 1_000);
    const rows = await test.database.admin(
      `explain (analyze, buffers, costs off)
       select * from "${tenant.schemaName}"."thing" order by number, id limit 20 offset 19980`,
    );
    const plan = rows.rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(Number(/Buffers: shared hit=(\d+)/.exec(plan)?.[1])).toBeGreaterThan(20 * found.buffers);
  });
});
