/**
 * The query string of a record list, in PostgREST's grammar, into a `ListQuery`. Pure; used by the records feature.
 * Anything that is not understood is refused with the parameter, the place and what is allowed there.
 */

import { Problem } from '../../platform/problem.js';
import type { Entity } from '../entity.js';
import type { Condition, ListQuery } from './ast.js';
import { invalidQuery, quoteName } from './invalid-query.js';
import { type FilterParsing, parseFilter } from './parse-filter.js';
import { parseOrder } from './parse-order.js';
import { parsePage } from './parse-page.js';
import { parseSelect } from './parse-select.js';
import { MAX_QUERY_BYTES } from './query-limits.js';

export interface ListOptions {
  /** Rows a response holds at most, and without `limit`. */
  readonly maxRows: number;
  /** The Range header: `0-24`, `25-` or `items=0-24`. */
  readonly range?: string;
  /** `Prefer: count=exact`. */
  readonly preferCount: boolean;
}

/** What a parameter means that is no filter. A property of such a name is filtered inside a group: `and=(limit.eq.1)`. */
const SINGLE = ['select', 'order', 'limit', 'offset'] as const;
type SingleParameter = (typeof SINGLE)[number];

/**
 * `params` are the decoded pairs of the query string in their order, repeated names kept: filters on one property are
 * all to hold. Throws `request/invalid-query` (extension `parameter`), or `request/invalid-header` for Range.
 */
export function parseListQuery(entity: Entity, params: Iterable<readonly [string, string]>, options: ListOptions): ListQuery {
  const single: Partial<Record<SingleParameter, string>> = {};
  const parsing: FilterParsing = { entity, terms: 0 };
  const where: Condition[] = [];
  let bytes = 0;
  for (const [name, value] of params) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value) + 2;
    if (bytes > MAX_QUERY_BYTES) throw tooLong();
    checkText(name, value);
    if (!isSingle(name)) {
      where.push(parseFilter(parsing, name, value));
    } else if (single[name] === undefined) {
      single[name] = value;
    } else {
      throw invalidQuery(name, `${quoteName(name)} is given more than once.`);
    }
  }
  return {
    select: parseSelect(entity, single.select),
    where,
    order: parseOrder(entity, single.order),
    ...parsePage(single.limit, single.offset, options.range, options.maxRows),
    count: options.preferCount,
  };
}

function isSingle(name: string): name is SingleParameter {
  return (SINGLE as readonly string[]).includes(name);
}

/** No text in Postgres holds U+0000, and half a surrogate pair is no character at all. */
function checkText(name: string, value: string): void {
  if (UNSTORABLE.test(name) || UNSTORABLE.test(value)) {
    throw invalidQuery(name, 'U+0000 and lone surrogates cannot occur in a record, so nothing can be compared with them.');
  }
}

const UNSTORABLE = /[\u0000\p{Surrogate}]/u;

function tooLong(): Problem {
  return new Problem('request/invalid-query', `The query string may hold ${MAX_QUERY_BYTES} bytes at most.`);
}
