import { columnType } from '../ddl/column.js';
import { type Entity, EXTRA_COLUMN, TENANT_COLUMN, type TenantHome } from '../entity.js';
import { type NameStatement, quoteIdent, type Statement } from '../sql.js';
import { auditSql } from './audit-sql.js';
import type { WriteContext } from './write-context.js';

/**
 * Inserts any number of records, with their audit events, in one statement with one parameter for all rows: its text is
 * the same for one row and for ten thousand. Records arrive as texts of their columns (`splitRecord`).
 */

export interface NewRecord {
  readonly id: string;
  /** Texts aligned with `entity.properties`; jsonb as JSON text. */
  readonly columns: readonly (string | null)[];
  /** JSON text for the `_extra` column. */
  readonly extra: string | null;
  readonly eventId: string;
  /** The audit event's JSON text. */
  readonly body: string;
}

export type InsertStatement = (records: readonly NewRecord[], context: WriteContext) => Statement;

/** @param returning physical columns, in order, for the row writer; rows come back in the order of the records. */
export function insertStatement(
  home: TenantHome,
  entity: Entity,
  returning: readonly string[],
  nameOf: NameStatement,
): InsertStatement {
  const columns = entity.properties.map((property) => quoteIdent(property.column));
  // Short member names: they are repeated in every row of the parameter.
  const members = entity.properties.map((_, index) => `c${index}`);
  const types = entity.properties.map(columnType);
  const text = `with input as materialized (
  select *
  from json_to_recordset($2::json) as r (id uuid, event_id uuid, body text, extra jsonb${members.map((member, i) => `, ${member} ${types[i]}`).join('')})
),
${auditSql('input', { tenant: '$1', actor: '$3', request: '$4', action: "'record.created'", entity: '$5' })}
insert into ${quoteIdent(home.schema)}.${quoteIdent(entity.table)}
  (${[TENANT_COLUMN, 'id', ...columns, EXTRA_COLUMN].join(', ')}, created_at, updated_at, created_by, updated_by, revision)
select ${['$1::uuid', 'id', ...members, 'extra'].join(', ')}, now(), now(), $3, $3, 1
from input
returning ${returning.map(quoteIdent).join(', ')}`;
  const encoders = entity.properties.map(({ type }, index) => {
    const prefix = `,"c${index}":`;
    return type === 'jsonb' ? (value: string) => prefix + value : (value: string) => prefix + JSON.stringify(value);
  });
  const encode = ({ id, eventId, body, extra, columns: values }: NewRecord): string => {
    let row = `{"id":"${id}","event_id":"${eventId}","body":${JSON.stringify(body)}`;
    if (extra !== null) row += `,"extra":${extra}`;
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (value !== null && value !== undefined) row += (encoders[i] as (value: string) => string)(value);
    }
    return `${row}}`;
  };
  const name = nameOf(text);
  return (records, context) => ({
    text,
    values: [home.tenantId, `[${records.map(encode).join(',')}]`, context.subject, context.requestId, entity.name],
    name,
  });
}
