import { holdsPersonal } from '../access/personal.js';
import { parameterSql, rowRuleSql, writableRows } from '../access/row-rule-sql.js';
import { tableRef } from '../ddl/table-ref.js';
import { type Entity, EXTRA_COLUMN, TENANT_COLUMN, type TenantHome } from '../entity.js';
import { writtenKeys } from '../sealed/written-keys.js';
import { type NameStatement, quoteIdent, type Statement } from '../sql.js';
import { AUDIT_PARAMETERS, auditParameters, auditSql } from './audit-sql.js';
import { type ConflictKey, type Key, memberSql, soughtKeys } from './conflict-key.js';
import type { NewRecord } from './insert-statement.js';
import { shadowColumns, writtenColumns } from './shadow-columns.js';
import type { WriteContext } from './write-context.js';

/**
 * Stores one record under a key of it: the record that has the key is locked and then changed as any other (`change-statements.ts`);
 * where there is none it is added. With a parameter for each column: arrays of one cost a third more of Postgres' time.
 */

export interface UpsertOneStatements {
  /** The columns of the record that has the key, which holds no NULL. */
  lock(key: Key): Statement;
  /** Nothing is written nor returned where there is a record with the key by then. */
  add(record: NewRecord, context: WriteContext): Statement;
}

/** @param columns physical columns, in order, that locking reads and that adding returns; both hold the id. */
export function upsertOneStatements(
  home: TenantHome,
  entity: Entity,
  key: ConflictKey,
  columns: { readonly lock: readonly string[]; readonly change: readonly string[] },
  nameOf: NameStatement,
): UpsertOneStatements {
  const table = tableRef(home, entity);
  const { members } = key;
  const own = writableRows(entity, '', members.length + 1);
  const lockText = `select ${columns.lock.map(quoteIdent).join(', ')}
from ${table}
where ${TENANT_COLUMN} = $1::uuid
  and ${members.map((member, index) => `${memberSql(member)} = $${index + 2}::${member.sqlType}`).join('\n  and ')}${own.sql}
for update`;

  const opens = holdsPersonal(entity);
  const written = writtenColumns(entity);
  const types = ['uuid', 'text', 'jsonb', ...written.map(({ type }) => type), ...(opens ? ['text'] : [])];
  const [id, body, extra, ...others] = types.map((type, index) => `$${AUDIT_PARAMETERS + index + 1}::${type}`);
  const values = others.slice(0, written.length);
  const openings = others.slice(written.length).map((parameter) => `, ${parameter}`);
  const shadows = shadowColumns(entity, {
    sqlOf: (property) => `(${values[entity.properties.indexOf(property)]})`,
    revision: '1',
  });
  const target = [
    ...[TENANT_COLUMN, 'id', EXTRA_COLUMN],
    ...written.map(({ column }) => column),
    ...shadows.map(({ column }) => column),
  ];
  const answer = columns.change.map(quoteIdent).join(', ');
  const addText = `with written as (
  insert into ${table}
    (${target.join(', ')}, created_at, updated_at, created_by, updated_by, revision)
  values ($1::uuid, ${[id, extra, ...values, ...shadows.map(({ value }) => value)].join(', ')}, now(), now(), $2, $2, 1)
  on conflict (${members.map((member) => memberSql(member)).join(', ')}) do nothing
  returning ${answer}
),
${auditSql(
  'record.created',
  {
    events: `select $event, $5::uuid, id, ${body}${openings.join('')}\n  from written`,
    marker: 'select $marker\n  from written',
  },
  { opens },
)}
select ${answer}
from written`;

  const keysOf = writtenKeys(entity);
  const sought = soughtKeys(key);
  const names = { lock: nameOf(lockText), add: nameOf(addText) };
  return {
    lock: (texts) => ({ text: lockText, values: [home.tenantId, ...texts, ...own.values], name: names.lock, ...sought }),
    add: (record, context) => {
      const event = { first: record.eventId, last: record.eventId, count: 1 };
      const common = auditParameters(home.tenantId, entity.name, context, event);
      const opening = opens ? [record.openings] : [];
      const sent = [...common, record.id, record.body, record.extra, ...record.columns, ...opening];
      return { text: addText, values: sent, name: names.add, ...sought, ...keysOf([record.columns]) };
    },
  };
}

/** The id of the record that has the key, if the caller may see it, whether it may write it or not. */
export function seenByKeyStatement(home: TenantHome, entity: Entity, key: ConflictKey, texts: Key): Statement {
  const values = [home.tenantId, ...texts];
  const keyed = key.members.map((member, index) => `  and ${memberSql(member)} = $${index + 2}::${member.sqlType}`);
  const own = rowRuleSql(entity.rows?.read ?? true, '', parameterSql(values));
  const text = ['select id', `from ${tableRef(home, entity)}`, `where ${TENANT_COLUMN} = $1::uuid`, ...keyed, `  and ${own}`];
  return { text: text.join('\n'), values, ...soughtKeys(key) };
}
