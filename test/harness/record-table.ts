import { columnType } from '../../src/model/ddl/column.js';
import { tableRef } from '../../src/model/ddl/table-ref.js';
import { type Entity, isSystemMember } from '../../src/model/entity.js';
import { quoteIdent } from '../../src/model/sql.js';
import { splitRecord } from '../../src/model/values/record-columns.js';
import { compileStoredRowWriter } from '../../src/model/values/row-writer.js';
import type { JsonObject } from '../../src/platform/json-value.js';
import type { PlanExecutor } from './plan-executor.js';

/** Records of a table by id, without their system members. */
export type Records = ReadonlyMap<string, JsonObject>;

/** Stores a valid record, without the audit trail around it. */
export async function insertRecord(executor: PlanExecutor, entity: Entity, id: string, record: JsonObject): Promise<void> {
  const { columns, extra } = splitRecord(entity, record);
  const names = ['tenant_id', 'id', '_extra', ...entity.properties.map(({ column }) => quoteIdent(column))];
  const types = ['uuid', 'uuid', 'jsonb', ...entity.properties.map(columnType)];
  await executor.asTenant(
    `insert into ${tableRef(executor.home, entity)}
  (${names.join(', ')}, created_at, updated_at, created_by, updated_by, revision)
values (${types.map((type, i) => `$${i + 1}::${type}`).join(', ')}, now(), now(), 'tester', 'tester', 1)`,
    [executor.home.tenantId, id, extra, ...columns],
  );
}

export async function readRecords(executor: PlanExecutor, entity: Entity): Promise<Records> {
  const writer = compileStoredRowWriter(entity);
  const table = tableRef(executor.home, entity);
  const rows = await executor.asTenant(`select ${writer.columns.map(quoteIdent).join(', ')} from ${table} order by id`);
  return new Map(
    rows.map((row) => {
      const record = JSON.parse(writer.write(row)) as JsonObject;
      const content = Object.entries(record).filter(([name]) => !isSystemMember(name));
      return [row[0] as string, Object.fromEntries(content)];
    }),
  );
}
