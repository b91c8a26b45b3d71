import { Inject, Injectable } from '@nestjs/common';
import type { TenantTx } from '../database/tenant-tx.js';
import type { DefinedEntity } from '../entities/defined-entity.js';
import { EntityRegistry } from '../entities/entity-registry.js';
import { Answer } from '../http/answer.js';
import { etagOf, isNotModified, listEtagOf } from '../http/precondition.js';
import type { ReadQuery } from '../model/query/ast.js';
import { contentRange } from '../model/query/content-range.js';
import { invalidQuery } from '../model/query/invalid-query.js';
import { keysetOf } from '../model/query/keyset.js';
import { parseReadQuery } from '../model/query/parse-read-query.js';
import { appliedHeader, readPrefer } from '../model/query/prefer.js';
import { countStatement, plannedRows, readRows, readStatement } from '../model/query/read-statement.js';
import type { Statement } from '../model/sql.js';
import { compileReadWriter, type ReadWriter } from '../model/values/read-writer.js';
import type { Nulls } from '../model/values/row-writer.js';
import { Problem } from '../platform/problem.js';
import { SETTINGS, type Settings } from '../platform/settings.js';
import { isUuid } from '../platform/uuid.js';
import { CSV, csvOf, JSON_ARRAY, mediaTypeOf, SINGLE_OBJECT } from './answer-media.js';
import { graphOf } from './entity-graphs.js';
import { ListCursors } from './list-cursors.js';
import { pageLinks } from './page-links.js';
import { explainedRead } from './read-problem.js';
import { notFound, type RecordCall, single } from './record-call.js';
import { preparedName, recordSql } from './record-sql.js';

/** Reads records of a tenant's entities. Every method runs inside the caller's tenant transaction. */
@Injectable()
export class RecordReads {
  constructor(
    private readonly registry: EntityRegistry,
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly cursors: ListCursors,
  ) {}

  async list({ tx, tenant, entity: name, query: pairs, headers, surface, url }: RecordCall): Promise<Answer> {
    const { defined, entities } = await this.registry.find(tenant, name);
    const media = mediaTypeOf(headers.accept);
    const preferences = readPrefer(single(headers.prefer), ['count']);
    const query = parseReadQuery(graphOf(entities), defined.entity, pairs(), {
      maxRows: this.settings.MAX_ROWS,
      count: preferences.count ?? null,
      ...(headers.range === undefined ? {} : { range: headers.range }),
    });
    const writer = listWriter(defined, query, surface === 'rest' ? 'always' : 'stored');
    const list = { tx, defined, entities, query };
    const linked = query.isContinuable
      ? { keyset: keysetOf(query.order, writer.cells), after: this.cursors.positionIn(list) }
      : undefined;
    const statement = readStatement(tx.home, query, writer, linked);
    // Planning costs as much as running; a client repeats the shape of its queries, and the text depends on nothing else.
    const prepared = { ...statement, name: preparedName(defined.version, statement.text) };
    const estimate = await explainedRead(this.estimate(tx, query, writer));
    const { total = estimate, rows: found } = readRows(query, await explainedRead(tx.last(prepared)));
    if (surface === 'rest' && total !== undefined && query.offset > 0 && query.offset >= total) {
      throw new Problem(
        'request/range-not-satisfiable',
        `The list has ${total} rows, and the first one asked for is row ${query.offset}.`,
      );
    }
    const rows = found.slice(0, query.limit);
    const last = found.length > rows.length ? rows.at(-1) : undefined;
    const links = linked && this.links(url, query, last ? this.cursors.cursorBehind(list, linked.keyset, last) : null);
    const isPart = surface === 'rest' && query.after === null && total !== undefined && rows.length < total;
    const body = bodyOf(
      media,
      rows.map((row) => writer.write(row)),
      writer,
    );
    const said = {
      ...rangeHeader(query, rows.length, total),
      ...appliedHeader(preferences),
      'content-type': `${media}; charset=utf-8`,
    };
    const etag = listEtagOf(body, [String(defined.version), String(last !== undefined), ...Object.values(said)]);
    const kept = { etag, ...KEPT, ...links };
    if (isNotModified(single(headers['if-none-match']), etag)) return new Answer(304, null, kept);
    return new Answer(isPart ? 206 : 200, body, { ...said, ...kept });
  }

  /** @throws Problem request/invalid-query where a client that pages by cursors could not go on, rather than end its list here */
  private links(url: string, query: ReadQuery, cursor: string | null): Record<string, string> {
    const links = pageLinks(url, cursor, query.after !== null);
    if (links || query.after === null) return links ?? {};
    throw invalidQuery(
      'after',
      'the address of the next page would be too long: filter by less, sort by shorter values, or page with limit and offset.',
    );
  }

  async get({ tx, tenant, entity: name, id, headers }: RecordCall): Promise<Answer> {
    const defined = await this.registry.get(tenant, name);
    const sql = recordSql(defined);
    const [row] = isUuid(id) ? await tx.last(sql.get(id)) : [];
    if (!row) throw notFound();
    const etag = etagOf(row[sql.revisionAt] as string, defined.version);
    if (isNotModified(single(headers['if-none-match']), etag)) return new Answer(304, null, { etag });
    return new Answer(200, sql.record.write(row), { etag });
  }

  /** The total as the planner sees it; `estimated` counts as far as one answer reaches, and believes the planner beyond. */
  private async estimate(tx: TenantTx, query: ReadQuery, writer: ReadWriter): Promise<number | undefined> {
    if (query.count !== 'planned' && query.count !== 'estimated') return undefined;
    const ask = async (statement: Statement) => (await tx.query(statement))[0]?.[0] ?? '';
    if (query.count === 'estimated') {
      const counted = Number(await ask(countStatement(tx.home, query, writer, this.settings.MAX_ROWS + 1)));
      if (counted <= this.settings.MAX_ROWS) return counted;
    }
    return plannedRows(await ask(countStatement(tx.home, query, writer)));
  }
}

/** A list may be kept by whom it was made for, and asked about each time (RFC 9111 §5.2.2). Every header named here shapes it. */
const KEPT = {
  'cache-control': 'private, no-cache',
  vary: 'Accept, Authorization, Prefer, Range',
};

/** Behind a cursor nobody has counted the rows before: only a total that was asked for is told, where clients look for it. */
function rangeHeader({ after, offset }: ReadQuery, returned: number, total: number | undefined): Record<string, string> {
  if (after === null) return { 'content-range': contentRange(offset, returned, total ?? null) };
  return total === undefined ? {} : { 'content-range': contentRange(offset, 0, total) };
}

function bodyOf(media: string, texts: readonly string[], { names }: ReadWriter): string {
  if (media === JSON_ARRAY) return `[${texts.join(',')}]`;
  if (media === CSV) return csvOf(names, texts);
  const [only] = texts;
  if (only !== undefined && texts.length === 1) return only;
  throw new Problem('record/not-single', `The result contains ${texts.length} rows, and ${SINGLE_OBJECT} asks for exactly one.`, {
    rows: texts.length,
  });
}

/** `select=*` alone is the record as it always is. */
function listWriter(defined: DefinedEntity, query: ReadQuery, nulls: Nulls): ReadWriter {
  if (query.select.length !== 1 || query.select[0]?.kind !== 'all') return compileReadWriter(query, nulls);
  const known = WHOLE_WRITERS[nulls].get(defined);
  if (known) return known;
  const writer = compileReadWriter(query, nulls);
  WHOLE_WRITERS[nulls].set(defined, writer);
  return writer;
}

const WHOLE_WRITERS: Record<Nulls, WeakMap<DefinedEntity, ReadWriter>> = { stored: new WeakMap(), always: new WeakMap() };
