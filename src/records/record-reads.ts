import { Inject, Injectable } from '@nestjs/common';
import type { TenantTx } from '../database/tenant-tx.js';
import { EntityRegistry } from '../entities/entity-registry.js';
import { Answer } from '../http/answer.js';
import { etagOf, isNotModified, listEtagOf } from '../http/precondition.js';
import type { ReadQuery } from '../model/query/ast.js';
import { contentRange } from '../model/query/content-range.js';
import { invalidQuery } from '../model/query/invalid-query.js';
import { parseReadQuery } from '../model/query/parse-read-query.js';
import { appliedHeader, readPrefer } from '../model/query/prefer.js';
import { countStatement, plannedRows, readRows } from '../model/query/read-statement.js';
import type { Statement } from '../model/sql.js';
import type { ReadWriter } from '../model/values/read-writer.js';
import { Problem } from '../platform/problem.js';
import { SETTINGS, type Settings } from '../platform/settings.js';
import { isUuid } from '../platform/uuid.js';
import { CSV, csvOf, JSON_ARRAY, mediaTypeOf, SINGLE_OBJECT } from './answer-media.js';
import { graphOf } from './entity-graphs.js';
import { inThePast } from './in-the-past.js';
import { assertMayRead } from './key-scopes.js';
import { ListCursors } from './list-cursors.js';
import { ListShape } from './list-shape.js';
import { ListShapes } from './list-shapes.js';
import { pageLinks } from './page-links.js';
import { explainedRead } from './read-problem.js';
import { notFound, type RecordCall, single } from './record-call.js';
import { recordSql } from './record-sql.js';
import { asksForThePast } from './write-request.js';

/** Reads records of a tenant's entities. Every method runs inside the caller's tenant transaction. */
@Injectable()
export class RecordReads {
  private readonly shapes: ListShapes;

  constructor(
    private readonly registry: EntityRegistry,
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly cursors: ListCursors,
  ) {
    this.shapes = new ListShapes(settings.MAX_ROWS);
  }

  async list(call: RecordCall): Promise<Answer> {
    const { tx, tenant, entity: name, headers, surface, url } = call;
    const { defined, entities } = await this.registry.find(tenant, name);
    const media = mediaTypeOf(headers.accept);
    const preferences = readPrefer(single(headers.prefer), ['count']);
    const { shape: asked, after } = this.shapes.asked(call, { defined, entities }, preferences.count ?? null);
    assertMayRead(call, asked.query);
    const past = asked.query.asOf === null ? null : await inThePast(tx, entities, asked.query);
    const shape = past ? new ListShape(tx.home, defined, entities, past, surface) : asked;
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
    const kept = { etag, ...KEPT, ...links, ...mementoHeader(query) };
    if (isNotModified(single(headers['if-none-match']), etag)) return new Answer(304, null, kept);
    return new Answer(isPart ? 206 : 200, body, { ...said, ...kept });
  }

  async get(call: RecordCall): Promise<Answer> {
    const { tx, tenant, entity: name, id, headers } = call;
    if (asksForThePast(call)) return this.getAsOf(call);
    const defined = await this.registry.get(tenant, name);
    const sql = recordSql(defined);
    const [row] = isUuid(id) ? await tx.last(sql.get(id)) : [];
    if (!row) throw notFound();
    const etag = etagOf(row[sql.revisionAt] as string, defined.version);
    if (isNotModified(single(headers['if-none-match']), etag)) return new Answer(304, null, { etag });
    return new Answer(200, sql.record.write(row), { etag });
  }

  private async getAsOf({ tx, tenant, entity: name, id, headers, query: pairs }: RecordCall): Promise<Answer> {
    const { defined, entities } = await this.registry.find(tenant, name);
    if (!isUuid(id)) throw notFound();
    const instants = [...pairs()].filter(([parameter]) => parameter === 'asOf');
    const parsed = parseReadQuery(graphOf(entities), defined.entity, [['id', `eq.${id}`], ...instants], {
      maxRows: 1,
      count: null,
    });
    const query = await inThePast(tx, entities, parsed);
    const shape = new ListShape(tx.home, defined, entities, query, 'api');
    const { writer } = shape;
    const [row] = await tx.last(shape.statement(null));
    if (!row) throw notFound();
    const revisionAt = writer.cells.findIndex((cell) => cell.kind === 'column' && cell.column === 'revision');
    const said = { etag: etagOf(row[revisionAt] as string, defined.version), ...mementoHeader(query) };
    if (isNotModified(single(headers['if-none-match']), said.etag)) return new Answer(304, null, said);
    return new Answer(200, writer.write(row), said);
  }

  /** The total as the planner sees it; `estimated` counts as far as one answer reaches, and believes the planner beyond. */
  private async estimate(tx: TenantTx, query: ReadQuery, writer: ReadWriter): Promise<number> {
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
  vary: 'Accept, Authorization, Prefer, Range, X-API-Key',
};

/** RFC 7089 §2.1.1: the answer is of this instant, and stays so. */
function mementoHeader({ asOf }: ReadQuery): Record<string, string> {
  return asOf === null ? {} : { 'memento-datetime': new Date(asOf).toUTCString() };
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
