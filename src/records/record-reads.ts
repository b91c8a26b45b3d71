import { Inject, Injectable } from '@nestjs/common';
import type { TenantTx } from '../database/tenant-tx.js';
import type { DefinedEntity } from '../entities/defined-entity.js';
import { EntityViews } from '../entities/entity-views.js';
import { Answer } from '../http/answer.js';
import { etagOf, isNotModified, listEtagOf } from '../http/precondition.js';
import type { ReadQuery } from '../model/query/ast.js';
import { contentRange } from '../model/query/content-range.js';
import { invalidQuery } from '../model/query/invalid-query.js';
import { parseReadQuery } from '../model/query/parse-read-query.js';
import { appliedHeader, readPrefer } from '../model/query/prefer.js';
import { countStatement, plannedRows, readRows } from '../model/query/read-statement.js';
import { tablesRead } from '../model/query/tables-read.js';
import type { Statement } from '../model/sql.js';
import type { ReadWriter } from '../model/values/read-writer.js';
import { Problem } from '../platform/problem.js';
import { SETTINGS, type Settings } from '../platform/settings.js';
import { isUuid } from '../platform/uuid.js';
import { CSV, csvOf, JSON_ARRAY, mediaTypeOf, SINGLE_OBJECT } from './answer-media.js';
import { graphOf } from './entity-graphs.js';
import { inThePast } from './in-the-past.js';
import { keptBackHeader } from './kept-back-header.js';
import { assertMayRead } from './key-scopes.js';
import { ListCursors } from './list-cursors.js';
import { ListShape } from './list-shape.js';
import { ListShapes } from './list-shapes.js';
import { pageLinks } from './page-links.js';
import { explainedRead } from './read-problem.js';
import { notFound, type RecordCall, single } from './record-call.js';
import { recordSql } from './record-sql.js';
import { asksForThePast } from './write-request.js';

type Entities = ReadonlyMap<string, DefinedEntity>;

/** Reads records of a tenant's entities. Every method runs inside the caller's tenant transaction. */
@Injectable()
export class RecordReads {
  private readonly shapes: ListShapes;

  constructor(
    private readonly views: EntityViews,
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly cursors: ListCursors,
  ) {
    this.shapes = new ListShapes(settings.MAX_ROWS);
  }

  async list(call: RecordCall): Promise<Answer> {
    const { tx, tenant, access, entity: name, headers, surface, url } = call;
    const { defined, entities } = await this.views.find(tenant, access, name);
    const media = mediaTypeOf(headers.accept);
    const preferences = readPrefer(single(headers.prefer), ['count']);
    const { shape: asked, after } = this.shapes.asked(call, { defined, entities }, preferences.count ?? null);
    assertMayRead(call, asked.query);
    const shape = asked.query.asOf === null ? asked : await this.pastShape(call, asked.query, entities);
    const { query, writer, keyset } = shape;
    const { roles } = tx.actor;
    const statement = shape.statement(this.cursors.positionIn(shape, roles, after));
    const estimate = isEstimated(query) ? await explainedRead(this.estimate(tx, query, writer)) : undefined;
    const { total = estimate, rows: found } = readRows(query, await explainedRead(tx.last(statement)));
    if (surface === 'rest' && total !== undefined && query.offset > 0 && query.offset >= total) {
      throw new Problem(
        'request/range-not-satisfiable',
        `The list has ${total} rows, and the first one asked for is row ${query.offset}.`,
      );
    }
    const rows = found.slice(0, query.limit);
    const last = found.length > rows.length ? rows.at(-1) : undefined;
    const links = keyset && linksOf(url, after, last ? this.cursors.cursorBehind(shape, roles, last) : null);
    const isPart = surface === 'rest' && after === null && total !== undefined && rows.length < total;
    const body = bodyOf(
      media,
      rows.map((row) => writer.write(row)),
      writer,
    );
    const said = {
      ...rangeHeader(query, after, rows.length, total),
      ...appliedHeader(preferences),
      'content-type': `${media}; charset=utf-8`,
    };
    const etag = listEtagOf(body, [String(defined.version), String(last !== undefined), ...Object.values(said)]);
    const kept = { etag, ...KEPT, ...links, ...mementoHeader(query), ...keptBackHeader(writer.keptBack) };
    if (isNotModified(single(headers['if-none-match']), etag)) return new Answer(304, null, kept);
    return new Answer(isPart ? 206 : 200, body, { ...said, ...kept });
  }

  async get(call: RecordCall): Promise<Answer> {
    const { tx, tenant, access, entity: name, id, headers } = call;
    if (asksForThePast(call)) return this.getAsOf(call);
    const { defined } = await this.views.find(tenant, access, name);
    const sql = recordSql(defined);
    const [row] = isUuid(id) ? await tx.last(sql.get(id)) : [];
    if (!row) throw notFound();
    const said = { etag: etagOf(row[sql.revisionAt] as string, defined.version), ...keptBackHeader(sql.record.keptBack) };
    if (isNotModified(single(headers['if-none-match']), said.etag)) return new Answer(304, null, said);
    return new Answer(200, sql.record.write(row), said);
  }

  private async pastShape(call: RecordCall, asked: ReadQuery, entities: Entities): Promise<ListShape> {
    const { tx, tenant, access, entity: name, surface } = call;
    const again = (seen: Entities): ReadQuery => {
      return this.shapes.made(call, { defined: seen.get(name) as DefinedEntity, entities: seen }, asked.count, call.query())
        .query;
    };
    const { query, entities: seen } = await inThePast(tx, entities, asked, this.views.sightOf(tenant, access), again);
    return new ListShape(tx.home, seen.get(name) as DefinedEntity, seen, query, surface);
  }

  private async getAsOf({ tx, tenant, access, entity: name, id, headers, query: asked }: RecordCall): Promise<Answer> {
    const { defined, entities } = await this.views.find(tenant, access, name);
    if (!isUuid(id)) throw notFound();
    const instants = [...asked()].filter(([parameter]) => parameter === 'asOf');
    const pairs: [string, string][] = [['id', `eq.${id}`], ...instants];
    const read = (seen: Entities): ReadQuery => {
      return parseReadQuery(graphOf(seen), (seen.get(name) as DefinedEntity).entity, pairs, { maxRows: 1, count: null });
    };
    const sight = this.views.sightOf(tenant, access);
    const { query, entities: seen } = await inThePast(tx, entities, read(entities), sight, read);
    const shape = new ListShape(tx.home, seen.get(name) as DefinedEntity, seen, query, 'api');
    const { writer } = shape;
    const [row] = await tx.last(shape.statement(null));
    if (!row) throw notFound();
    const revisionAt = writer.cells.findIndex((cell) => cell.kind === 'column' && cell.column === 'revision');
    const etag = etagOf(row[revisionAt] as string, defined.version);
    const said = { etag, ...mementoHeader(query), ...keptBackHeader(writer.keptBack) };
    if (isNotModified(single(headers['if-none-match']), said.etag)) return new Answer(304, null, said);
    return new Answer(200, writer.write(row), said);
  }

  /** The total as the planner sees it; `estimated` counts as far as one answer reaches, and believes the planner beyond. */
  private async estimate(tx: TenantTx, query: ReadQuery, writer: ReadWriter): Promise<number> {
    const ask = async (statement: Statement) => (await tx.query(statement))[0]?.[0] ?? '';
    // The planner knows of all rows, and would tell of those that are kept from the caller.
    if (isPartly(query)) return Number(await ask(countStatement(tx.home, query, writer, Number.MAX_SAFE_INTEGER)));
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
  vary: 'Accept, Authorization, Prefer, Range, X-API-Key, X-Access-Grant',
};

/** RFC 7089 §2.1.1: the answer is of this instant, and stays so. */
function mementoHeader({ asOf }: ReadQuery): Record<string, string> {
  return asOf === null ? {} : { 'memento-datetime': new Date(asOf).toUTCString() };
}

/** Some of what it reads is not the caller's. */
function isPartly(query: ReadQuery): boolean {
  return [...tablesRead(query).values()].some(({ entity }) => entity.rows !== undefined);
}

function isEstimated({ count }: ReadQuery): boolean {
  return count === 'planned' || count === 'estimated';
}

/** @throws Problem request/invalid-query where a client that pages by cursors could not go on, rather than end its list here */
function linksOf(url: string, after: string | null, cursor: string | null): Record<string, string> {
  const links = pageLinks(url, cursor, after !== null);
  if (links || after === null) return links ?? {};
  throw invalidQuery(
    'after',
    'the address of the next page would be too long: filter by less, sort by shorter values, or page with limit and offset.',
  );
}

/** Behind a cursor nobody has counted the rows before: only a total that was asked for is told, where clients look for it. */
function rangeHeader(
  { offset }: ReadQuery,
  after: string | null,
  returned: number,
  total: number | undefined,
): Record<string, string> {
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
