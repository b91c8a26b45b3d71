import { Inject, Injectable } from '@nestjs/common';
import type { Access } from '../access/access.js';
import type { Actor } from '../database/context-token.js';
import { RuntimePool } from '../database/runtime-pool.js';
import type { Row } from '../database/statement-batch.js';
import { TenantTx } from '../database/tenant-tx.js';
import type { DefinedEntity } from '../entities/defined-entity.js';
import { EntityViews } from '../entities/entity-views.js';
import { TenantKeys } from '../keys/tenant-keys.js';
import type { ReadQuery } from '../model/query/ast.js';
import { invalidQuery } from '../model/query/invalid-query.js';
import { type Position, positionOf } from '../model/query/keyset.js';
import { parseReadQuery } from '../model/query/parse-read-query.js';
import { Problem } from '../platform/problem.js';
import { SETTINGS, type Settings } from '../platform/settings.js';
import { Turns } from '../platform/turns.js';
import { graphOf } from '../records/entity-graphs.js';
import { assertMayRead } from '../records/key-scopes.js';
import { ListShape } from '../records/list-shape.js';
import { explainedRead } from '../records/read-problem.js';
import { type Tenant, TenantDirectory } from '../tenants/tenant-directory.js';

/**
 * Reads a list of one tenant to its end, page by page: each in a short transaction inside that tenant and no other, so that whoever
 * takes the records may take their time.
 */

/** A page has so many rows, fewer when they are large. */
const FIRST_ROWS = 50;
const MOST_ROWS = 250;
const PAGE_BYTES = 200_000;

/** Of all fan-outs of this instance together: requests want most of the connections. */
const PAGES_AT_ONCE = 3;

export interface Asked {
  readonly actor: Actor;
  readonly access: Access;
  readonly entity: string;
  /** Decoded pairs of a list's query string. */
  readonly pairs: readonly (readonly [string, string])[];
  /** null: all there are. */
  readonly limit: number | null;
}

/** JSON texts. */
export interface Page {
  readonly records: readonly string[];
  /** Behind what `limit` asks for, or what one page of groups can hold, there is more. */
  readonly isCut: boolean;
}

interface Place {
  readonly tenant: Tenant;
  readonly defined: DefinedEntity;
  readonly entities: ReadonlyMap<string, DefinedEntity>;
}

interface Wanted {
  /** null: nothing was read yet. */
  readonly before: Place | null;
  readonly behind: Position | null;
  readonly rows: number;
  readonly left: number;
}

interface Read {
  readonly place: Place;
  readonly records: readonly string[];
  readonly hasMore: boolean;
  /** null: there is no more, or no position to go on behind. */
  readonly next: Position | null;
}

@Injectable()
export class TenantReader {
  private readonly turns = new Turns(PAGES_AT_ONCE);

  constructor(
    private readonly pool: RuntimePool,
    private readonly views: EntityViews,
    private readonly directory: TenantDirectory,
    private readonly keys: TenantKeys,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** @throws Problem as a list of the tenant would be refused */
  async *pages(tenantId: string, asked: Asked): AsyncGenerator<Page> {
    const tenant = await this.tenantOf(tenantId);
    let left = limitOf(asked);
    let first: Place | null = null;
    let rows = FIRST_ROWS;
    for (let after: Position | null = null; left > 0; ) {
      const wanted: Wanted = { before: first, behind: after, rows, left };
      const read = () => this.page(tenantId, asked, wanted);
      const { place, records, hasMore, next }: Read = await this.keys.having(tenant, read, asked.actor);
      first ??= place;
      left -= records.length;
      yield { records, isCut: hasMore && (left <= 0 || next === null) };
      if (next === null) return;
      after = next;
      rows = sizeBehind(records);
    }
  }

  /** As the tenant, its entities and its keys are by then. */
  private async page(tenantId: string, asked: Asked, { before, behind, rows, left }: Wanted): Promise<Read> {
    const place = await this.placeOf(tenantId, asked);
    if (before) assertSame(before, place);
    const query = this.queryOf(place, asked);
    const most = query.isContinuable ? rows : this.settings.MAX_ROWS;
    const page = { ...query, limit: Math.min(most, left), offset: behind ? 0 : query.offset };
    return this.turns.run(() => this.read(place, asked, page, behind));
  }

  private async tenantOf(tenantId: string): Promise<Tenant> {
    const tenant = await this.directory.find(tenantId);
    if (!tenant) throw new Problem('tenant/not-found', 'There is no tenant with this id.');
    if (tenant.status !== 'active') throw new Problem('tenant/suspended', 'The tenant is suspended.');
    return tenant;
  }

  private async placeOf(tenantId: string, { access, entity }: Asked): Promise<Place> {
    const tenant = await this.tenantOf(tenantId);
    return { tenant, ...(await this.views.find(tenant, access, entity)) };
  }

  private queryOf({ defined, entities }: Place, { pairs, access }: Asked): ReadQuery {
    const query = parseReadQuery(graphOf(entities), defined.entity, pairs, { maxRows: this.settings.MAX_ROWS, count: null });
    if (query.after !== null) throw invalidQuery('after', 'what several tenants are asked has no pages to go on behind.');
    if (query.asOf !== null) throw invalidQuery('asOf', 'several tenants are asked for what is there now; ask one for its past.');
    assertMayRead({ access }, query);
    return query;
  }

  private async read(place: Place, { actor }: Asked, query: ReadQuery, after: Position | null): Promise<Read> {
    const { tenant, defined, entities } = place;
    // A page that another can follow is read with one row more by itself.
    const asks = query.isContinuable ? query : { ...query, limit: query.limit + 1 };
    const shape = new ListShape(tenant.home, defined, entities, asks, 'api');
    const inspect = (read: readonly Row[]): void => this.keys.assertOpen(tenant.id, read);
    const reading = TenantTx.run(this.pool, tenant.home, actor, { readOnly: true, inspect }, (tx) =>
      tx.last(shape.statement(after)),
    );
    const found = await explainedRead(reading);
    const rows = found.slice(0, query.limit);
    const hasMore = found.length > rows.length;
    const last = rows.at(-1);
    const next = hasMore && last && shape.keyset ? positionOf(shape.keyset, last) : null;
    return { place, records: rows.map((row) => shape.writer.write(row)), hasMore, next };
  }
}

/** One shape and one order hold for all of a tenant. */
function assertSame(before: Place, { defined }: Place): void {
  if (before.defined.id === defined.id && before.defined.version === defined.version) return;
  throw new Problem('entity/change-in-progress', 'The entity has a new version since its first records were read.');
}

/** That of the query string and that beside it. */
function limitOf({ pairs, limit }: Asked): number {
  const inQuery = pairs.find(([name]) => name === 'limit')?.[1];
  return Math.min(inQuery === undefined ? Number.POSITIVE_INFINITY : Number(inQuery), limit ?? Number.POSITIVE_INFINITY);
}

/** Small records come in greater numbers. */
function sizeBehind(records: readonly string[]): number {
  const bytes = records.reduce((sum, text) => sum + text.length, 0);
  return Math.max(1, Math.min(records.length * 2, MOST_ROWS, Math.ceil((PAGE_BYTES * records.length) / Math.max(bytes, 1))));
}
