import type { Row } from '../database/statement-batch.js';
import type { TenantTx } from '../database/tenant-tx.js';
import type { DefinedEntity } from '../entities/defined-entity.js';
import { Answer } from '../http/answer.js';
import type { ReadQuery, SelectTerm } from '../model/query/ast.js';
import { fieldOf } from '../model/query/fields.js';
import { fieldValue } from '../model/query/parse-value.js';
import { readStatement } from '../model/query/read-statement.js';
import { compileReadWriter, type ReadWriter } from '../model/values/read-writer.js';
import type { Nulls } from '../model/values/row-writer.js';
import { sealedText } from '../model/values/row-writer.js';
import { Problem } from '../platform/problem.js';
import { CSV, csvOf, SINGLE_OBJECT } from './answer-media.js';
import { keptBackHeader } from './kept-back-header.js';
import { explainedRead } from './read-problem.js';
import type { Surface } from './record-call.js';
import { preparedName, recordSql } from './record-sql.js';
import type { WriteRequest } from './write-request.js';

/**
 * What a write answers with. Rows that a statement returned become what `select` asks for where that is their own members; what has
 * to be computed or embedded is read by the ids, in the same transaction.
 */
export class WrittenAnswer {
  private made: ReadWriter | null = null;

  constructor(
    private readonly defined: DefinedEntity,
    private readonly request: WriteRequest,
    private readonly surface: Surface,
    /** Whether there is a body when the client does not say. */
    private readonly represents: boolean,
  ) {}

  get hasBody(): boolean {
    const { preferences, isBlind } = this.request;
    const { return: wanted } = preferences;
    return wanted === undefined ? this.represents && !isBlind : wanted === 'representation';
  }

  private get writer(): ReadWriter {
    this.made ??= writerOf(this.defined, this.request.query, this.surface === 'rest' ? 'always' : 'stored');
    return this.made;
  }

  /** The records cannot be written from rows as they are stored. */
  get isRead(): boolean {
    const { query, isSorted } = this.request;
    return this.hasBody && (isSorted || query.isGrouped || !query.select.every(isStored));
  }

  /** @throws Problem record/not-single where one object is asked for: before it is too late. */
  assertSingle(count: number): void {
    if (this.request.media !== SINGLE_OBJECT || count === 1) return;
    throw new Problem(
      'record/not-single',
      `The request is about ${count} records, and ${SINGLE_OBJECT} asks for exactly one. Nothing was changed.`,
      { rows: count },
    );
  }

  /** @param columns of the rows; all that `select` names are among them. */
  fromRows(rows: readonly Row[], columns: readonly string[]): string[] {
    const { cells } = this.writer;
    const places = cells.map((cell) => ('column' in cell ? columns.indexOf(cell.column) : -1));
    const isSealed = cells.map(({ kind }) => kind === 'sealed');
    // Whole records need no other order: a thousand rows are written as they came.
    if (places.every((place, index) => place === index && !isSealed[index])) return rows.map((row) => this.writer.write(row));
    const idAt = columns.indexOf('id');
    return rows.map((row) => {
      const texts = places.map((place, index) => {
        const text = row[place] ?? null;
        return text !== null && isSealed[index] ? sealedText(row[idAt] as string, text) : text;
      });
      return this.writer.write(texts);
    });
  }

  /** The records of these ids, in this order unless another one is asked for. `last` ends the transaction. */
  async read(tx: TenantTx, ids: readonly string[], last: boolean): Promise<string[]> {
    const { entity, version } = this.defined;
    const { isSorted } = this.request;
    const id = fieldOf(entity, 'id', () => {
      throw new Error('an entity without ids');
    });
    const query: ReadQuery = {
      ...this.request.query,
      where: [{ kind: 'in', not: false, value: fieldValue(id), operands: ids }],
      ...{ limit: ids.length, offset: 0 },
    };
    const isOrdered = isSorted || query.isGrouped;
    const cells = isOrdered ? this.writer.cells : [...this.writer.cells, { kind: 'column', column: 'id' } as const];
    const statement = readStatement(tx.home, query, { ...this.writer, cells });
    const prepared = { ...statement, name: preparedName(version, statement.text) };
    const rows = await explainedRead(last ? tx.last(prepared) : tx.query(prepared));
    if (isOrdered) return rows.map((row) => this.writer.write(row));
    const found = new Map(rows.map((row) => [row[cells.length - 1], row]));
    return ids.flatMap((each) => {
      const row = found.get(each);
      return row ? [this.writer.write(row)] : [];
    });
  }

  /** What was written, from the rows that `recordSql(…).record` reads. Where it has to read, nothing can be run afterwards. */
  async textsOf(tx: TenantTx, rows: readonly Row[], isOne = false): Promise<readonly string[]> {
    if (!this.hasBody) return [];
    const { record, idAt } = recordSql(this.defined);
    if (!this.isRead || rows.length === 0) return this.fromRows(rows, record.columns);
    return this.read(
      tx,
      rows.map((row) => row[idAt] as string),
      // Where an object is due, what is embedded may narrow it away: that is seen before the end.
      !isOne && this.request.media !== SINGLE_OBJECT,
    );
  }

  /** @param isOne answers an object with an object. */
  of(status: number, texts: readonly string[], headers: Readonly<Record<string, string>>, isOne = false): Answer {
    const { applied, media } = this.request;
    if (!this.hasBody) return new Answer(status, null, { ...headers, ...applied });
    const said = { ...headers, ...applied, ...keptBackHeader(this.writer.keptBack) };
    const isSealed = showsSealed(this.writer);
    if (isOne || media === SINGLE_OBJECT) {
      // What an embedded entity narrows away leaves nothing to show.
      if (texts.length !== 1) throw new Problem('record/not-single', 'Nothing was changed.', { rows: texts.length });
      const about = media === SINGLE_OBJECT ? { ...said, 'content-type': charset(media) } : said;
      return new Answer(status, texts[0] as string, about, isSealed);
    }
    if (media === CSV) {
      return new Answer(status, csvOf(this.writer.names, texts), { ...said, 'content-type': charset(media) }, isSealed);
    }
    return new Answer(status, `[${texts.join(',')}]`, said, isSealed);
  }
}

/** `select=*` alone is the record as it always is. */
function writerOf(defined: DefinedEntity, query: ReadQuery, nulls: Nulls): ReadWriter {
  if (query.select.length !== 1 || query.select[0]?.kind !== 'all') return compileReadWriter(query, nulls);
  const writer = WHOLE[nulls].get(defined) ?? compileReadWriter(query, nulls);
  WHOLE[nulls].set(defined, writer);
  return writer;
}

const WHOLE: Record<Nulls, WeakMap<DefinedEntity, ReadWriter>> = { stored: new WeakMap(), always: new WeakMap() };

function isStored(term: SelectTerm): boolean {
  return term.kind === 'all' || (term.kind === 'value' && term.value.kind === 'field');
}

/** Something that is encrypted is among what is shown. */
function showsSealed({ cells }: ReadWriter): boolean {
  return cells.some((cell) => cell.kind === 'sealed' || (cell.kind === 'embed' && showsSealed(cell.writer)));
}

function charset(media: string): string {
  return `${media}; charset=utf-8`;
}
