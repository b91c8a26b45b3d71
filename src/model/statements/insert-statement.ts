import type { AuditedBody } from '../access/audited-body.js';
import { holdsPersonal } from '../access/personal.js';
import { tableRef } from '../ddl/table-ref.js';
import { type Entity, EXTRA_COLUMN, TENANT_COLUMN, type TenantHome } from '../entity.js';
import { nullableArrayLiteral } from '../query/array-literal.js';
import { writtenKeys } from '../sealed/written-keys.js';
import { type NameStatement, quoteIdent, type Statement } from '../sql.js';
import { AUDIT_PARAMETERS, type AuditedEvents, auditParameters, auditSql, eventsOfInput } from './audit-sql.js';
import { shadowColumns, writtenColumns } from './shadow-columns.js';
import type { WriteContext } from './write-context.js';

/**
 * Inserts records with their audit events in one statement. One record travels as one parameter per column; many as one
 * array per column, so that the text is the same for two and for ten thousand: measured 12 % less backend time for 1,000
 * rows than `json_to_recordset`, and 15 % less for one row than an array of one.
 */

export interface NewRecord extends AuditedBody {
  readonly id: string;
  /** Texts aligned with `writtenColumns`. */
  readonly columns: readonly (string | null)[];
  /** JSON text for the `_extra` column. */
  readonly extra: string | null;
  readonly eventId: string;
}

/** Rows come back in the order of the records, which are at least one. */
export type InsertStatement = (records: readonly NewRecord[], events: AuditedEvents, context: WriteContext) => Statement;

/** @param returning physical columns, in order, for the row writer. */
export function insertStatement(
  home: TenantHome,
  entity: Entity,
  returning: readonly string[],
  nameOf: NameStatement,
): InsertStatement {
  const opens = holdsPersonal(entity);
  const written = writtenColumns(entity);
  const ofEvents = opens ? ['text'] : [];
  const types = ['uuid', 'uuid', 'text', 'jsonb', ...written.map(({ type }) => type), ...ofEvents];
  const parameters = types.map((_, index) => `$${AUDIT_PARAMETERS + index + 1}`);
  const shadowsOf = (sqlOf: (index: number) => string) =>
    shadowColumns(entity, { sqlOf: (property) => sqlOf(entity.properties.indexOf(property)), revision: '1' });
  const target = [
    TENANT_COLUMN,
    'id',
    EXTRA_COLUMN,
    ...written.map(({ column }) => column),
    ...shadowsOf(() => 'null').map(({ column }) => column),
  ];
  const insert = `insert into ${tableRef(home, entity)}
  (${target.join(', ')}, created_at, updated_at, created_by, updated_by, revision)`;
  const stamps = 'now(), now(), $2, $2, 1';
  const answer = `returning ${returning.map(quoteIdent).join(', ')}`;

  const [id, eventId, body, extra, ...others] = parameters.map((parameter, index) => `${parameter}::${types[index]}`);
  const values = others.slice(0, written.length);
  const shadowValues = (given: readonly string[]) => shadowsOf((index) => `(${given[index]})`).map(({ value }) => value);
  const event = [eventId, id, body, ...others.slice(written.length)].join(', ');
  const one = `with ${auditSql('record.created', { events: `values ($event, ${event})`, marker: 'values ($marker)' }, { opens })}
${insert}
values ($1::uuid, ${[id, extra, ...values, ...shadowValues(values)].join(', ')}, ${stamps})
${answer}`;

  const cells = written.map((_, index) => `c${index}`);
  const columns = ['id', 'event_id', 'body', 'extra', ...cells, ...(opens ? ['openings'] : [])];
  const many = `with input as materialized (
  select *
  from unnest(${parameters.map((parameter, index) => `${parameter}::${types[index]}[]`).join(', ')})
    as record (${columns.join(', ')})
),
${auditSql('record.created', eventsOfInput(opens), { opens })}
${insert}
select $1::uuid, id, extra, ${[...cells, ...shadowValues(cells), stamps].join(', ')}
from input
${answer}`;

  const names = { one: nameOf(one), many: nameOf(many) };
  const keysOf = writtenKeys(entity);
  return (records, events, context) => {
    const common = auditParameters(home.tenantId, entity.name, context, events);
    const [only] = records;
    if (records.length === 1 && only) {
      const opening = opens ? [only.openings] : [];
      const sent = [...common, only.id, only.eventId, only.body, only.extra, ...only.columns, ...opening];
      return { text: one, values: sent, name: names.one, ...keysOf([only.columns]) };
    }
    const column = (read: (record: NewRecord) => string | null): string => nullableArrayLiteral(records, read);
    const arrays = [
      column((record) => record.id),
      column((record) => record.eventId),
      column((record) => record.body),
      column((record) => record.extra),
      ...written.map((_, index) => column((record) => record.columns[index] as string | null)),
      ...(opens ? [column((record) => record.openings)] : []),
    ];
    const keys = keysOf(records.map(({ columns }) => columns));
    return { text: many, values: [...common, ...arrays], name: names.many, ...keys };
  };
}
