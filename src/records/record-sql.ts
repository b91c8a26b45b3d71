import type { DefinedEntity } from '../entities/defined-entity.js';
import { getStatement } from '../model/query/get-statement.js';
import { compileRowWriter, compileStoredRowWriter, type RowWriter } from '../model/row-writer.js';
import type { Statement } from '../model/sql.js';
import { type ChangeStatements, changeStatements } from '../model/statements/change-statements.js';
import { type InsertStatement, insertStatement } from '../model/statements/insert-statement.js';

/** Everything about an entity's SQL that does not depend on a request: generated once per version. */
export interface RecordSql {
  /** The record as a client sees it: system members, then properties. */
  readonly record: RowWriter;
  /** The same with the properties that are never returned: what a change starts from. */
  readonly stored: RowWriter;
  readonly get: (id: string) => Statement;
  readonly insert: InsertStatement;
  readonly change: ChangeStatements;
  /** Where the id and the revision stand in a row of `record`. */
  readonly idAt: number;
  readonly revisionAt: number;
}

const compiled = new WeakMap<DefinedEntity, RecordSql>();

export function recordSql(defined: DefinedEntity): RecordSql {
  const known = compiled.get(defined);
  if (known) return known;
  const { home, entity, version } = defined;
  const record = compileRowWriter(entity);
  const stored = compileStoredRowWriter(entity);
  // A prepared plan belongs to one schema, entity and version.
  const name = `${home.schema}.${entity.table}.${version}.`;
  const sql: RecordSql = {
    record,
    stored,
    get: getStatement(home, entity, record.columns, name),
    insert: insertStatement(home, entity, record.columns, `${name}insert`),
    change: changeStatements(home, entity, { lock: stored.columns, change: record.columns }),
    idAt: record.columns.indexOf('id'),
    revisionAt: record.columns.indexOf('revision'),
  };
  compiled.set(defined, sql);
  return sql;
}
