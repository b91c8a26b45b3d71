import { columnType } from '../../src/model/ddl/column.js';
import { tableRef } from '../../src/model/ddl/table-ref.js';
import { type Entity, isSystemMember } from '../../src/model/entity.js';
import { quoteIdent } from '../../src/model/sql.js';
import { shadowColumns } from '../../src/model/statements/shadow-columns.js';
import { splitRecord } from '../../src/model/values/record-columns.js';
import { compileStoredRowWriter } from '../../src/model/values/row-writer.js';
import type { JsonObject } from '../../src/platform/json-value.js';
import type { PlanExecutor } from './plan-executor.js';

/** Records of a table by id, without their system members. */
export type Records = ReadonlyMap<string, JsonObject>;

/** Stores a valid record as the service does while a change of type is prepared, without the audit trail around it. */
export async function insertRecord(executor: PlanExecutor, entity: Entity, id: string, record: JsonObject): Promise<void> {
  const { columns, extra } = splitRecord(entity, id, record);
  const types = ['uuid', 'uuid', 'jsonb', ...entity.properties.map(columnType)];
  const values = types.map((type, i) => `$${i + 1}::${type}`);
  const shadows = shadowColumns(entity, {
    sqlOf: (property) => `(${values[entity.properties.indexOf(property) + 3]})`,
    revision: '1',
  });
  const names = [
    ...['tenant_id', 'id', '_extra'],
    ...entity.properties.map(({ column }) => quoteIdent(column)),
    ...shadows.map(({ column }) => column),
  ];
  await executor.asTenant(
    `insert into ${tableRef(executor.home, entity)}
  (${names.join(', ')}, created_at, updated_at, created_by, updated_by, revision)
values (${[...values, ...shadows.map(({ value }) => value)].join(', ')}, now(), now(), 'tester', 'tester', 1)`,
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

/** Writes all of a record again, as a replacement by the service does. */
export async function replaceRecord(executor: PlanExecutor, entity: Entity, id: string, record: JsonObject): Promise<void> {
  const { columns, extra } = splitRecord(entity, id, record);
  const values = entity.properties.map((property, i) => `$${i + 3}::${columnType(property)}`);
  const assignments = [
    ...entity.properties.map(({ column }, i) => `${quoteIdent(column)} = ${values[i]}`),
    ...shadowColumns(entity, {
      sqlOf: (property) => `(${values[entity.properties.indexOf(property)]})`,
      revision: 'revision + 1',
    }).map(({ column, value }) => `${column} = ${value}`),
  ];
  await executor.asTenant(
    `update ${tableRef(executor.home, entity)}
set ${['_extra = $2::jsonb', ...assignments].join(', ')}, updated_at = now(), revision = revision + 1
where id = $1::uuid`,
    [id, extra, ...columns],
  );
}

export async function deleteRecord(executor: PlanExecutor, entity: Entity, id: string): Promise<void> {
  await executor.asTenant(`delete from ${tableRef(executor.home, entity)} where id = $1`, [id]);
}
