import { hash } from 'node:crypto';
import type { DefinedEntity } from '../entities/defined-entity.js';
import { getStatement } from '../model/query/get-statement.js';
import type { Statement } from '../model/sql.js';
import { type ChangeManyStatement, changeManyStatement } from '../model/statements/change-many-statement.js';
import { type ChangeStatements, changeStatements, lockStatement } from '../model/statements/change-statements.js';
import type { ConflictKey } from '../model/statements/conflict-key.js';
import { type InsertStatement, insertStatement } from '../model/statements/insert-statement.js';
import { type UpsertStatements, upsertStatements } from '../model/statements/upsert-statements.js';
import { compileRowWriter, compileStoredRowWriter, type RowWriter } from '../model/values/row-writer.js';

/** Everything about an entity's SQL that does not depend on a request: generated once per version. */
export interface RecordSql {
  /** The record as a client sees it: system members, then properties. */
  readonly record: RowWriter;
  /** The same with the properties that are never returned: what a change starts from. */
  readonly stored: RowWriter;
  readonly get: (id: string) => Statement;
  readonly insert: InsertStatement;
  readonly change: ChangeStatements;
  readonly changeMany: () => ChangeManyStatement;
  readonly upsert: (key: ConflictKey) => UpsertStatements;
  /** Where the id and the revision stand in a row of `record`. */
  readonly idAt: number;
  readonly revisionAt: number;
}

const compiled = new WeakMap<DefinedEntity, RecordSql>();

export function recordSql(defined: DefinedEntity): RecordSql {
  const known = compiled.get(defined);
  if (known) return known;
  const sql = defined.withAllRows ? withOwnRows(recordSql(defined.withAllRows), defined) : sqlOf(defined);
  compiled.set(defined, sql);
  return sql;
}

/** What finds rows is the caller's own; what is done with those that were found is the same for everybody. */
function withOwnRows(all: RecordSql, { home, entity, version }: DefinedEntity): RecordSql {
  const columns = { lock: all.stored.columns, change: all.record.columns };
  const prepared = (text: string): string => preparedName(version, text);
  return {
    ...all,
    get: getStatement(home, entity, all.record.columns, prepared),
    change: { ...all.change, lock: lockStatement(home, entity, columns.lock, prepared) },
    upsert: onceFor(keyName, (key: ConflictKey) => upsertStatements(home, entity, key, columns, prepared)),
  };
}

function sqlOf(defined: DefinedEntity): RecordSql {
  const { home, entity, version } = defined;
  const record = compileRowWriter(entity);
  const stored = compileStoredRowWriter(entity);
  const prepared = (text: string): string => preparedName(version, text);
  const columns = { lock: stored.columns, change: record.columns };
  return {
    record,
    stored,
    get: getStatement(home, entity, record.columns, prepared),
    insert: insertStatement(home, entity, record.columns, prepared),
    change: changeStatements(home, entity, columns, prepared),
    changeMany: once(() => changeManyStatement(home, entity, record.columns, prepared)),
    upsert: onceFor(keyName, (key: ConflictKey) => upsertStatements(home, entity, key, columns, prepared)),
    idAt: record.columns.indexOf('id'),
    revisionAt: record.columns.indexOf('revision'),
  };
}

function keyName({ members }: ConflictKey): string {
  return members.map(({ name }) => name).join('\n');
}

/** For what few entities are ever asked. */
function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function onceFor<K, T>(nameOf: (key: K) => string, make: (key: K) => T): (key: K) => T {
  const made = new Map<string, T>();
  return (key) => {
    const name = nameOf(key);
    const known = made.get(name) ?? make(key);
    made.set(name, known);
    return known;
  };
}

/**
 * The name a statement is prepared under: 22 characters of the SHA-256 of the entity's version and the text, which names the
 * tenant's schema. Postgres keeps 63 bytes of a name and no more, so nothing readable would stay unique.
 */
export function preparedName(version: number, text: string): string {
  return hash('sha256', `${version}\n${text}`, 'base64url').slice(0, 22);
}
