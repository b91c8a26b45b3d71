import { EXTRA_COLUMN, valueTypeOf } from '../model/entity.js';
import type { ReadQuery, Value, ValueType } from '../model/query/ast.js';
import { writeCells } from '../model/transfer/csv-cells.js';
import { cellOf } from '../model/transfer/csv-values.js';
import type { TransferFormat } from '../model/transfer/split-records.js';
import type { ReadWriter } from '../model/values/read-writer.js';
import type { JsonObject, JsonValue } from '../platform/json-value.js';

/** Records as the text of an export. CSV is what an import reads back: every member, null and absent apart. */
export interface ExportWriter {
  /** What stands before the first record. */
  readonly head: string;
  /** A record by the texts of the writer's cells, line end included. */
  readonly record: (row: readonly (string | null)[]) => string;
}

export function exportWriter(format: TransferFormat, query: ReadQuery, writer: ReadWriter): ExportWriter {
  if (format === 'ndjson') return { head: '', record: (row) => `${writer.write(row)}\n` };
  const isWhole = query.select.some(({ kind }) => kind === 'all');
  const withUndeclared = isWhole && query.entity.keepsExtras;
  const json = jsonMembers(query);
  const names = withUndeclared ? [...writer.names, EXTRA_COLUMN] : writer.names;
  const named = new Set(writer.names);
  const record = (row: readonly (string | null)[]): string => {
    const members = JSON.parse(writer.write(row)) as JsonObject;
    const cells = writer.names.map((name) => cellOf(Object.hasOwn(members, name) ? members[name] : undefined, json.has(name)));
    return writeCells(withUndeclared ? [...cells, cellOf(undeclaredOf(members, named), true)] : cells);
  };
  return { head: writeCells(names.map((text) => ({ text, quoted: false }))), record };
}

/** Members whose cells are JSON, texts in it too. */
function jsonMembers({ entity, select }: ReadQuery): ReadonlySet<string> {
  const names = select.flatMap((term) => {
    if (term.kind === 'value') return typeOf(term.value) === 'jsonb' ? [term.as] : [];
    return entity.properties.filter((property) => valueTypeOf(property) === 'jsonb').map(({ name }) => name);
  });
  return new Set(names);
}

/** Of what is shown: of an encrypted field, that of its values. */
function typeOf(value: Value): ValueType {
  return value.kind === 'field' ? (value.field.encrypted?.of ?? value.type) : value.type;
}

function undeclaredOf(members: JsonObject, named: ReadonlySet<string>): JsonObject | undefined {
  const found = Object.entries(members).filter(([name]) => !named.has(name)) as [string, JsonValue][];
  return found.length > 0 ? Object.fromEntries(found) : undefined;
}
