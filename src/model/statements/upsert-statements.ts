import { holdsPersonal } from '../access/personal.js';
import { writableRows } from '../access/row-rule-sql.js';
import { tableRef } from '../ddl/table-ref.js';
import { type Entity, EXTRA_COLUMN, TENANT_COLUMN, type TenantHome } from '../entity.js';
import { keptSql } from '../past/kept-sql.js';
import { nullableArrayLiteral } from '../query/array-literal.js';
import { writtenKeys } from '../sealed/written-keys.js';
import { type NameStatement, quoteIdent, type Statement } from '../sql.js';
import { type ConflictKey, type Key, memberSql, soughtKeys } from './conflict-key.js';
import type { NewRecord } from './insert-statement.js';
import { shadowColumns, writtenColumns } from './shadow-columns.js';
import { type UpsertOneStatements, upsertOneStatements } from './upsert-one-statements.js';
import type { WriteContext } from './write-context.js';

/**
 * Stores records under a key of theirs, whether there are records with it or not. Those that there are were locked and read before,
 * because what they become has to be valid as a whole and the audit trail tells before and after; so what is written over is only the
 * row that was read. A record that came into being meanwhile is left alone, and missing among the rows that are returned.
 */

export interface UpsertRecord extends NewRecord {
  /** The one it gets: 1 when it is new, one more than was read when there is one. */
  readonly revision: number;
}

export interface UpsertStatements {
  /** The ordinal of the key, from 1, before the columns of the record that has it. Keys that hold a NULL have none. */
  lock(keys: readonly Key[]): Statement;
  merge(records: readonly UpsertRecord[], context: WriteContext): Statement;
  /** Leaves every record alone that there is; returned are those that are new. */
  ignore(records: readonly UpsertRecord[], context: WriteContext): Statement;
  readonly one: UpsertOneStatements;
}

/** @param columns physical columns, in order, that locking reads and that storing returns; both hold the id. */
export function upsertStatements(
  home: TenantHome,
  entity: Entity,
  key: ConflictKey,
  columns: { readonly lock: readonly string[]; readonly change: readonly string[] },
  nameOf: NameStatement,
): UpsertStatements {
  const table = tableRef(home, entity);
  const keyNames = key.members.map((_, index) => `k${index}`);
  const own = writableRows(entity, 'existing.', key.members.length + 1);
  const lockText = `select input.ordinal, ${columns.lock.map((column) => `existing.${quoteIdent(column)}`).join(', ')}
from unnest(${key.members.map(({ sqlType }, index) => `$${index + 2}::${sqlType}[]`).join(', ')})
  with ordinality as input (${[...keyNames, 'ordinal'].join(', ')})
join ${table} as existing
  on ${key.members.map((member, index) => `${memberSql(member, 'existing.')} = input.k${index}`).join('\n  and ')}
where existing.${TENANT_COLUMN} = $1::uuid${own.sql}
order by existing.id
for update of existing`;

  const opens = holdsPersonal(entity);
  const written = writtenColumns(entity);
  const cells = written.map((_, index) => `c${index}`);
  const types = ['uuid', 'uuid', 'text', 'jsonb', 'bigint', ...written.map(({ type }) => type), ...(opens ? ['text'] : [])];
  const names = ['id', 'event_id', 'body', 'extra', 'revision', ...cells, ...(opens ? ['openings'] : [])];
  const shadows = shadowColumns(entity, {
    sqlOf: (property) => `c${entity.properties.indexOf(property)}`,
    revision: 'revision',
  });
  const content = [EXTRA_COLUMN, ...written.map(({ column }) => column), ...shadows.map(({ column }) => column)];
  const values = ['extra', ...cells, ...shadows.map(({ value }) => value)];
  const target = `(${key.members.map((member) => memberSql(member)).join(', ')})`;
  const overwritten = [
    ...[...content, 'updated_by', 'revision'].map((column) => `${column} = excluded.${column}`),
    'updated_at = greatest(excluded.updated_at, existing.updated_at)',
  ];
  const rows = `join changed\n    on former.id = changed.id\n  where former.${TENANT_COLUMN} = $1::uuid`;
  const answer = columns.change.map(quoteIdent).join(', ');
  const writing = (resolution: string): string => `with input as materialized (
  select *
  from unnest(${types.map((type, index) => `$${index + 5}::${type}[]`).join(', ')})
    as record (${names.join(', ')})
),
written as (
  insert into ${table} as existing
    (${[TENANT_COLUMN, 'id', ...content].join(', ')}, created_at, updated_at, created_by, updated_by, revision)
  select $1::uuid, id, ${values.join(', ')}, now(), now(), $2::text, $2::text, revision
  from input
  on conflict ${target} ${resolution}
  returning ${answer}
),
changed as (
  select input.*
  from input
  join written
    on written."id" = input.id
),
${keptSql(home, entity, { rows, deletion: null })}audited as (
  insert into audit.events (tenant_id, actor, request_id, entity, action, event_id, record_id, body${opens ? ', openings' : ''})
  select $1::uuid, $2::text, $3::text, $4::text, case when revision = 1 then 'record.created' else 'record.updated' end, event_id, id, body${opens ? ', openings' : ''}
  from changed
),
marked as (
  insert into audit.pending (tenant_id, first_event_id, last_event_id, events)
  select $1::uuid, (array_agg(event_id order by event_id))[1], (array_agg(event_id order by event_id desc))[1], count(*)
  from changed
  having count(*) > 0
)
select ${answer}
from written`;
  const mergeText = writing(`do update
  set ${overwritten.join(',\n      ')}
  where existing.id = excluded.id
    and existing.revision = excluded.revision - 1`);
  const ignoreText = writing('do nothing');

  const parameters = (records: readonly UpsertRecord[], { subject, requestId }: WriteContext): string[] => {
    const column = (read: (record: UpsertRecord) => string | null): string => nullableArrayLiteral(records, read);
    return [
      ...[home.tenantId, subject, requestId, entity.name],
      column(({ id }) => id),
      column(({ eventId }) => eventId),
      column(({ body }) => body),
      column(({ extra }) => extra),
      column(({ revision }) => String(revision)),
      ...written.map((_, index) => column(({ columns: texts }) => texts[index] as string | null)),
      ...(opens ? [column(({ openings }) => openings)] : []),
    ];
  };
  const sought = soughtKeys(key);
  const writtenUnder = writtenKeys(entity);
  const keysOf = (records: readonly UpsertRecord[]) => ({
    ...sought,
    ...writtenUnder(records.map(({ columns: texts }) => texts)),
  });
  const prepared = { lock: nameOf(lockText), merge: nameOf(mergeText), ignore: nameOf(ignoreText) };
  return {
    lock: (keys) => ({
      text: lockText,
      values: [
        home.tenantId,
        ...key.members.map((_, index) => nullableArrayLiteral(keys, (texts) => texts[index] ?? null)),
        ...own.values,
      ],
      name: prepared.lock,
      ...sought,
    }),
    merge: (records, context) => ({
      ...{ text: mergeText, values: parameters(records, context), name: prepared.merge },
      ...keysOf(records),
    }),
    ignore: (records, context) => ({
      ...{ text: ignoreText, values: parameters(records, context), name: prepared.ignore },
      ...keysOf(records),
    }),
    one: upsertOneStatements(home, entity, key, columns, nameOf),
  };
}
