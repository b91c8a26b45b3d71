import { isUtf8 } from 'node:buffer';
import type { DefinedEntity } from '../entities/defined-entity.js';
import { auditedBody } from '../model/access/audited-body.js';
import type { Entity } from '../model/entity.js';
import { isSystemMember } from '../model/entity.js';
import type { NewRecord } from '../model/statements/insert-statement.js';
import { readCells } from '../model/transfer/csv-cells.js';
import { type CsvColumns, csvColumns } from '../model/transfer/csv-values.js';
import type { RawRecord, TransferFormat } from '../model/transfer/split-records.js';
import { splitRecord } from '../model/values/record-columns.js';
import { readJson } from '../platform/json.js';
import { isJsonObject, type JsonValue } from '../platform/json-value.js';
import { type Fault, Problem } from '../platform/problem.js';
import { auditedContent, incomingInsert } from '../records/incoming-record.js';

/** From what stands on a line to the record that is inserted, by the rules of every insert. */

/** Its audit event gets an id when it is known in which statement it goes. */
export interface PreparedRecord extends Omit<NewRecord, 'eventId'> {
  /** The id was sent, and may be that of another record. */
  readonly hasOwnId: boolean;
}

/** One of the three, or none: a line that holds no record. */
export interface Row {
  readonly raw: RawRecord;
  readonly record?: PreparedRecord;
  /** To be stored onto the record that has the same key, if there is one: only then it is known what is wrong with it. */
  readonly body?: JsonValue;
  readonly faults?: readonly Fault[];
}

/** Faults listed of one record. */
const LISTED_FAULTS = 10;

/** As many characters of a pointer and of a message are kept. */
const LONGEST_TEXT = 300;

export class RowReader {
  private header: readonly string[] | null = null;
  private columns: { readonly entity: Entity; readonly columns: CsvColumns } | null = null;

  constructor(
    private readonly format: TransferFormat,
    private readonly ignored: ReadonlySet<string>,
    private readonly subject: string,
    /** Longest record, in bytes. */
    private readonly limit: number,
    private readonly isUpsert: boolean,
  ) {}

  /** The first record of CSV names the columns. True when it was the header, which is no row. */
  takesHeader(raw: RawRecord): boolean {
    if (this.format !== 'csv' || this.header !== null) return false;
    const cells = raw.bytes === null || !isUtf8(raw.bytes) ? 'is too long or not UTF-8' : readCells(textOf(raw, raw.bytes));
    if (typeof cells === 'string') throw invalidHeader([{ pointer: '', rule: 'header', message: cells }]);
    this.header = cells.map(({ text }) => text);
    return true;
  }

  /** @throws Problem request/invalid when the columns of CSV do not fit the entity, whatever the records are */
  read(defined: DefinedEntity, raw: RawRecord): Row {
    const value = this.valueOf(defined.entity, raw);
    if (value === undefined) return { raw };
    if (value instanceof Unreadable) return refusedRow(raw, value.faults);
    const sent = this.withoutIgnored(value);
    if (this.isUpsert) return { raw, body: sent };
    const { entity } = defined;
    const { content, id, faults } = incomingInsert(entity, sent, this.subject, '');
    const invalid = faults.length > 0 ? faults : defined.validator.validate(content);
    if (invalid.length > 0) return refusedRow(raw, invalid);
    const audited = auditedBody(entity, { after: auditedContent(entity, content) });
    const hasOwnId = isJsonObject(sent) && Object.hasOwn(sent, 'id');
    return { raw, record: { id, hasOwnId, ...splitRecord(entity, id, content), ...audited } };
  }

  private valueOf(entity: Entity, raw: RawRecord): JsonValue | Unreadable | undefined {
    const { bytes } = raw;
    if (bytes === null) {
      const hint = this.format === 'csv' ? '; is a quote never closed?' : '';
      return unreadable('maxBytes', `one record may have ${this.limit} bytes${hint}`);
    }
    if (this.format === 'ndjson') return jsonRecord(withoutMark(raw, bytes));
    if (!isUtf8(bytes)) return unreadable('utf8', 'is not valid UTF-8');
    const text = textOf(raw, bytes);
    // With a single column an empty line is a record without it.
    return text === '' && this.header?.length !== 1 ? undefined : this.csvRecord(entity, text);
  }

  private csvRecord(entity: Entity, text: string): JsonValue | Unreadable {
    const cells = readCells(text);
    if (typeof cells === 'string') return unreadable('csv', cells);
    if (this.columns?.entity !== entity) {
      const columns = csvColumns(entity, this.header ?? [], this.ignored);
      if (columns.faults.length > 0) throw invalidHeader(columns.faults);
      this.columns = { entity, columns };
    }
    const { record, faults } = this.columns.columns.recordOf(cells);
    return faults.length > 0 ? new Unreadable(faults) : record;
  }

  /** What the store sets on every record stands in what it exports, and is set anew; the id is kept. */
  private withoutIgnored(value: JsonValue): JsonValue {
    if (!isJsonObject(value)) return value;
    const isLeftOut = (name: string): boolean => this.ignored.has(name) || (name !== 'id' && isSystemMember(name));
    const names = Object.keys(value);
    if (!names.some(isLeftOut)) return value;
    return Object.fromEntries(names.filter((name) => !isLeftOut(name)).map((name) => [name, value[name] as JsonValue]));
  }
}

class Unreadable {
  constructor(readonly faults: readonly Fault[]) {}
}

function unreadable(rule: string, message: string): Unreadable {
  return new Unreadable([{ pointer: '', rule, message }]);
}

const BYTE_ORDER_MARK = Buffer.from('\uFEFF');

/** Some programs begin every file with one. */
function withoutMark({ line }: RawRecord, bytes: Buffer): Buffer {
  return line === 1 && bytes.subarray(0, 3).equals(BYTE_ORDER_MARK) ? bytes.subarray(3) : bytes;
}

/** Without the line end. */
function textOf(raw: RawRecord, bytes: Buffer): string {
  return withoutMark(raw, bytes)
    .toString('utf8')
    .replace(/\r?\n$/, '');
}

const WHITE_SPACE: ReadonlySet<number | undefined> = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** undefined for a line of white space. */
function jsonRecord(bytes: Buffer): JsonValue | Unreadable | undefined {
  if (WHITE_SPACE.has(bytes[0]) && bytes.every((byte) => WHITE_SPACE.has(byte))) return undefined;
  if (bytes.length === 0) return undefined;
  try {
    return readJson(bytes);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { errors } = error.extensions;
    return errors ? new Unreadable(errors) : unreadable('json', error.detail.replace('The body is', 'is'));
  }
}

function refusedRow(raw: RawRecord, faults: readonly Fault[]): Row {
  return { raw, faults: faults.slice(0, LISTED_FAULTS).map(shortened) };
}

function shortened({ pointer, rule, message }: Fault): Fault {
  const cut = (text: string): string =>
    (text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text).replace(/\p{Surrogate}/gu, '\uFFFD');
  return { pointer: cut(pointer), rule: cut(rule), message: cut(message) };
}

function invalidHeader(errors: readonly Fault[]): Problem {
  return new Problem(
    'request/invalid',
    'The header line of CSV names the properties, and these names do not fit. Nothing was stored of what stands below it.',
    { errors: errors.slice(0, LISTED_FAULTS).map(shortened) },
  );
}
