import type { DefinedEntity } from '../entities/defined-entity.js';
import type { Count } from '../model/query/ast.js';
import { parseReadQuery } from '../model/query/parse-read-query.js';
import { graphOf } from './entity-graphs.js';
import { ListShape } from './list-shape.js';
import type { RecordCall } from './record-call.js';

/**
 * The shapes of the lists that were asked for lately. Clients repeat their queries, and page through them: what a query string means
 * is worked out once, its cursor aside. It costs 40 µs of CPU, a tenth of a list.
 */

/** Of all tenants together: some 4 KB each. */
const LARGEST = 500;

/** Characters of a query string that is remembered. */
const LONGEST = 1_000;

/** A cursor as it is made here: no other spelling is taken out of the query string, and two of them are left to be refused. */
const CURSOR = /(?<=^|&)after=([A-Za-z0-9_-]+)(?=&|$)/;

interface Entities {
  readonly defined: DefinedEntity;
  /** All of the tenant, by name, as they are now. */
  readonly entities: ReadonlyMap<string, DefinedEntity>;
}

interface Remembered extends Entities {
  readonly shape: ListShape;
}

export interface AskedList {
  readonly shape: ListShape;
  /** The cursor as it was sent; empty: the beginning. null: the client does not page by cursors. */
  readonly after: string | null;
}

export class ListShapes {
  /** The least recently used comes first. */
  private readonly known = new Map<string, Remembered>();

  constructor(private readonly maxRows: number) {}

  /** @throws Problem as `parseReadQuery` does */
  asked(call: RecordCall, of: Entities, count: Count | null): AskedList {
    const { url, tenant, entity, surface, headers } = call;
    const start = url.indexOf('?');
    const text = start < 0 ? '' : url.slice(start + 1);
    if (text.length > LONGEST) {
      const shape = this.made(call, of, count, call.query());
      return { shape, after: shape.query.after };
    }
    const cursor = text.includes('after=') ? CURSOR.exec(text)?.[1] : undefined;
    const kept = cursor === undefined ? text : text.replace(CURSOR, 'after=');
    const name = JSON.stringify([tenant.id, entity, surface, count, headers.range ?? null, sightKey(of.entities), kept]);
    const known = this.known.get(name);
    const isCurrent = known !== undefined && known.entities === of.entities && known.defined === of.defined;
    const remembered = isCurrent ? known : { ...of, shape: this.made(call, of, count, withoutCursor(call.query(), cursor)) };
    this.known.delete(name);
    this.known.set(name, remembered);
    if (this.known.size > LARGEST) this.known.delete(this.known.keys().next().value as string);
    const { shape } = remembered;
    return { shape, after: cursor ?? shape.query.after };
  }

  /** Not remembered. @throws Problem as `parseReadQuery` does */
  made(
    { tenant, headers, surface }: RecordCall,
    { defined, entities }: Entities,
    count: Count | null,
    pairs: Iterable<readonly [string, string]>,
  ): ListShape {
    const query = parseReadQuery(graphOf(entities), defined.entity, pairs, {
      maxRows: this.maxRows,
      count,
      ...(headers.range === undefined ? {} : { range: headers.range }),
    });
    return new ListShape(tenant.home, defined, entities, query, surface);
  }
}

function withoutCursor(pairs: URLSearchParams, cursor: string | undefined): Iterable<readonly [string, string]> {
  if (cursor === undefined) return pairs;
  return [...pairs].map(([name, text]) => [name, name === 'after' && text === cursor ? '' : text] as const);
}

/** Callers who see other rows or members ask for other lists by the same words. */
function sightKey(entities: Entities['entities']): number {
  const known = sights.get(entities);
  if (known !== undefined) return known;
  sights.set(entities, ++lastSight);
  return lastSight;
}

const sights = new WeakMap<Entities['entities'], number>();
let lastSight = 0;
