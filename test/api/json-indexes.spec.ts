/** A GIN index serves containment for the role that runs requests, behind row-level security, as EXPLAIN tells it. */
import { TenantTx } from '../../src/database/tenant-tx.js';
import { EntityRegistry } from '../../src/entities/entity-registry.js';
import { parseReadQuery } from '../../src/model/query/parse-read-query.js';
import { readStatement } from '../../src/model/query/read-statement.js';
import { EntityGraph } from '../../src/model/query/relationships.js';
import { compileReadWriter } from '../../src/model/values/read-writer.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

const THING = {
  ...{ type: 'object', additionalProperties: false },
  properties: {
    tags: { type: 'array', items: { type: 'string' }, index: { method: 'gin' } },
    data: { type: 'object', index: { method: 'gin' } },
  },
};

let test: TestService;
let tenant: TestTenant;

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  await tenant.define('thing', THING);
  const table = `"${tenant.schemaName}".thing`;
  await test.database.admin(
    `insert into ${table} (tenant_id, id, created_at, updated_at, created_by, updated_by, revision, tags, data)
     select '${tenant.id}', gen_random_uuid(), now(), now(), 'x', 'x', 1, jsonb_build_array('t' || i, 'u'), jsonb_build_object('a', i)
     from generate_series(1, 20000) as i`,
  );
  await test.database.admin(`vacuum analyze ${table}`);
});

afterAll(() => test.stop());

async function planOf(filter: string): Promise<string> {
  const { pool, directory } = test.service;
  const found = await directory.find(tenant.id);
  if (!found) throw new Error('the tenant is gone');
  const { entity } = await new EntityRegistry(pool, directory).get(found, 'thing');
  const query = parseReadQuery(new EntityGraph(new Map()), entity, new URLSearchParams(filter), { maxRows: 100, count: null });
  const statement = readStatement(found.home, query, compileReadWriter(query, 'stored'));
  const actor = { subject: 'test', roles: [], requestId: 'test' };
  const lines = await TenantTx.run(pool, found.home, actor, { readOnly: true }, (tx) =>
    tx.last({ ...statement, text: `explain ${statement.text}` }),
  );
  return lines.map(([line]) => line).join('\n');
}

const FILTERS: readonly (readonly [filter: string, index: string])[] = [
  ['tags=cs.{t77}', 'thing.tags.gin_idx'],
  ['data=cs.{"a":77}', 'thing.data.gin_idx'],
];

it.each(FILTERS)(
  '%s reads the index, and the whole table where containment is not known to be leakproof',
  async (filter, index) => {
    expect(await planOf(filter)).toContain(`Bitmap Index Scan on "${index}"`);
    await test.database.admin('alter function pg_catalog.jsonb_contains(jsonb, jsonb) not leakproof');
    try {
      expect(await planOf(filter)).not.toContain('Bitmap Index Scan');
    } finally {
      await test.database.admin('alter function pg_catalog.jsonb_contains(jsonb, jsonb) leakproof');
    }
  },
);
