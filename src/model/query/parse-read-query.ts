/**
 * The query string of a record list, in PostgREST's grammar, into a `ReadQuery`. Pure; used by the records feature.
 * Anything that is not understood is refused with the parameter, the place and what is allowed there.
 */

import { Problem } from '../../platform/problem.js';
import type { Entity } from '../entity.js';
import type { Count, Embed, ReadNode, ReadQuery, SelectTerm } from './ast.js';
import { isKnownName } from './fields.js';
import { invalidQuery, quoteName } from './invalid-query.js';
import { assertContinuable } from './parse-after.js';
import { GROUPS, parseFilter } from './parse-filter.js';
import { parseInstant } from './parse-instant.js';
import { parseOrder } from './parse-order.js';
import { parsePage, parseRange } from './parse-page.js';
import { type Draft, parseSelect } from './parse-select.js';
import { MAX_QUERY_BYTES } from './query-limits.js';
import type { EntityGraph } from './relationships.js';

export interface ReadOptions {
  /** Rows a response holds at most, and without `limit`; those of an embed too. */
  readonly maxRows: number;
  /** The Range header: `0-24`, `25-` or `items=0-24`. */
  readonly range?: string;
  readonly count: Count | null;
}

/** What a parameter means that is no filter. A property of such a name is filtered inside a group: `and=(limit.eq.1)`. */
const SINGLE = ['select', 'order', 'limit', 'offset', 'after', 'asOf'] as const;
type SingleParameter = (typeof SINGLE)[number];

/** What parameters say of one node; filters with their name behind the path that leads there. */
interface Said {
  readonly single: Partial<Record<SingleParameter, { readonly parameter: string; readonly text: string }>>;
  readonly filters: { readonly parameter: string; readonly name: string; readonly text: string }[];
  readonly embeds: Map<string, Said>;
}

/**
 * `params` are the decoded pairs of the query string in their order, repeated names kept: filters on one property are
 * all to hold. Throws `request/invalid-query` (extension `parameter`), or `request/invalid-header` for Range.
 */
export function parseReadQuery(
  graph: EntityGraph,
  entity: Entity,
  params: Iterable<readonly [string, string]>,
  options: ReadOptions,
): ReadQuery {
  const pairs = checkedPairs(params);
  const draft = parseSelect(graph, entity, onlyOne(pairs, 'select'));
  const said = nothing();
  for (const [parameter, text] of pairs) {
    if (parameter !== 'select') hear(said, draft, parameter, text);
  }
  const { maxRows, range, count } = options;
  const read = node(draft, said, { maxRows, terms: { terms: 0 }, ...(range === undefined ? {} : { range }) });
  const isRanged = range !== undefined && parseRange(range) !== null;
  const after = said.single.after?.text ?? null;
  if (after !== null) assertContinuable({ isGrouped: read.isGrouped, isRanged, hasOffset: said.single.offset !== undefined });
  const asOf = said.single.asOf === undefined ? null : parseInstant(said.single.asOf.text);
  return { ...read, count, after, isContinuable: !read.isGrouped && !isRanged, asOf };
}

/** Of a request that is no list, such as one that changes whatever its filters find. */
export function checkedPairs(params: Iterable<readonly [string, string]>): (readonly [string, string])[] {
  const pairs = [...params];
  let bytes = 0;
  for (const [name, text] of pairs) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(text) + 2;
    if (bytes > MAX_QUERY_BYTES) throw tooLong();
    checkText(name, text);
  }
  return pairs;
}

export function onlyOne(pairs: readonly (readonly [string, string])[], wanted: string): string | undefined {
  const [first, second] = pairs.filter(([name]) => name === wanted);
  if (second) throw invalidQuery(wanted, `${quoteName(wanted)} is given more than once.`);
  return first?.[1];
}

function nothing(): Said {
  return { single: {}, filters: [], embeds: new Map() };
}

/** Leads a parameter along the embeds it names: `orders.items.price=gt.5`. */
function hear(said: Said, draft: Draft, parameter: string, text: string): void {
  let [node, at, rest] = [said, draft, parameter];
  for (;;) {
    const isOwn = GROUPS.has(rest) || isMeant(rest, text, at, node === said);
    const step = isOwn ? undefined : embedStep(at, rest);
    if (!step) break;
    const next: Said = node.embeds.get(step.as) ?? nothing();
    node.embeds.set(step.as, next);
    [node, at, rest] = [next, step.draft, rest.slice(step.as.length + 1)];
  }
  if (!isMeant(rest, text, at, node === said)) {
    node.filters.push({ parameter, name: rest, text });
  } else if (node.single[rest] === undefined) {
    node.single[rest] = { parameter, text };
  } else {
    throw invalidQuery(parameter, `${quoteName(parameter)} is given more than once.`);
  }
}

function embedStep({ terms }: Draft, rest: string): { as: string; draft: Draft } | undefined {
  return terms.flatMap((term) => (term.kind === 'embed' && rest.startsWith(`${term.as}.`) ? term : []))[0];
}

interface Finishing {
  readonly maxRows: number;
  readonly range?: string;
  readonly terms: { terms: number };
}

/** Embeds first: what is said of the node may speak of them. */
function node(draft: Draft, said: Said, { maxRows, range, terms }: Finishing): ReadNode {
  const { entity, isGrouped } = draft;
  const embeds = new Map<string, Embed>();
  const select = draft.terms.map((term): SelectTerm => {
    if (term.kind !== 'embed') return term;
    const { as, relationship, isInner, isSpread } = term;
    const inner = node(term.draft, said.embeds.get(as) ?? nothing(), { maxRows, terms });
    const embed: Embed = { as, relationship, isInner, isSpread, node: inner };
    embeds.set(as, embed);
    return { kind: 'embed', embed };
  });
  const { order, limit, offset } = said.single;
  return {
    ...{ entity, select, isGrouped },
    where: said.filters.map(({ parameter, name, text }) => parseFilter({ entity, embeds, count: terms }, parameter, name, text)),
    order: parseOrder(order?.parameter ?? 'order', { entity, select, isGrouped }, order?.text),
    ...parsePage({ limit, offset }, range, maxRows),
  };
}

/** Related records have no select and no cursor of their own. A cursor holds no dot and a filter always does. */
function isMeant(name: string, text: string, { entity }: Draft, isOutermost: boolean): name is SingleParameter {
  if (name === 'select') return isOutermost;
  if (name === 'asOf') return isOutermost && !(IS_FILTER.test(text) && isKnownName(entity, name));
  if (name === 'after') return isOutermost && !(text.includes('.') && isKnownName(entity, name));
  return (SINGLE as readonly string[]).includes(name);
}

/** It begins with an operator, and an instant with digits. */
const IS_FILTER = /^[a-z]/;

/** No text in Postgres holds U+0000, and half a surrogate pair is no character at all. */
function checkText(name: string, value: string): void {
  if (UNSTORABLE.test(name) || UNSTORABLE.test(value)) {
    throw invalidQuery(name, 'U+0000 and lone surrogates cannot occur in a record, so nothing can be compared with them.');
  }
}

const UNSTORABLE = /[\u0000\p{Surrogate}]/u;

function tooLong(): Problem {
  return new Problem('request/too-complex', `The query string may hold ${MAX_QUERY_BYTES} bytes at most.`);
}
