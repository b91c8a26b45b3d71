import type { DefinedEntity } from '../entities/defined-entity.js';
import type { ReadQuery } from '../model/query/ast.js';
import { invalidQuery } from '../model/query/invalid-query.js';
import { parseNames } from '../model/query/parse-names.js';
import { checkedPairs, onlyOne, parseReadQuery } from '../model/query/parse-read-query.js';
import { appliedHeader, type Preferences, readPrefer } from '../model/query/prefer.js';
import { EntityGraph } from '../model/query/relationships.js';
import { Problem } from '../platform/problem.js';
import { JSON_ARRAY, mediaTypeOf } from './answer-media.js';
import { graphOf } from './entity-graphs.js';
import { assertColumns } from './incoming-bodies.js';
import { assertMayAlso, assertMayRead } from './key-scopes.js';
import { type RecordCall, single } from './record-call.js';

/** What a write asks for beside its body: preferences, the form of the answer, filters, and which members of the body count. */
export interface WriteRequest {
  readonly preferences: Preferences;
  /** What there was to follow, for the answer. */
  readonly applied: Readonly<Record<string, string>>;
  readonly media: ReturnType<typeof mediaTypeOf>;
  /** The answer's `select` and its embeds; `where` is what the filters find. */
  readonly query: ReadQuery;
  /** Rows have an order that was asked for. */
  readonly isSorted: boolean;
  /** null: every member of the body counts. */
  readonly columns: readonly string[] | null;
  /** The names of `on_conflict`. */
  readonly conflict: readonly string[] | null;
  /** The caller may write what is stored and not read it: it is answered with nothing of it. */
  readonly isBlind: boolean;
}

export interface Asking {
  readonly applicable: NonNullable<Parameters<typeof readPrefer>[1]>;
  /** Which parameters are not filters: all are taken by an insert, `columns` alone by a change, none by a deletion. */
  readonly parameters: readonly ('columns' | 'on_conflict')[];
  readonly maxRows: number;
  /** Its filters name the key of the one record that is sent, and find no other. */
  readonly isKeyed?: true;
}

/** @throws Problem for what of it is not understood, before anything is done. */
export function readWrite(
  call: RecordCall,
  defined: DefinedEntity,
  entities: ReadonlyMap<string, DefinedEntity>,
  { applicable, parameters, maxRows, isKeyed }: Asking,
): WriteRequest {
  const { entity } = defined;
  const preferences = readWritePreferences(call, applicable);
  const pairs = checkedPairs(call.query());
  const names = (parameter: 'columns' | 'on_conflict'): readonly string[] | null => {
    const text = parameters.includes(parameter) ? onlyOne(pairs, parameter) : undefined;
    return text === undefined ? null : parseNames(parameter, text);
  };
  const columns = names('columns');
  if (columns) assertColumns(entity, columns);
  const read = pairs.filter(([name]) => !(parameters as readonly string[]).includes(name));
  const paged = read.find(([name]) => name === 'limit' || name === 'offset');
  if (paged) throw invalidQuery(paged[0], 'a write takes no page: it is about every record that it finds or is sent.');
  const query =
    read.length === 0
      ? plainQuery(defined, maxRows)
      : ofThePresent(parseReadQuery(graphOf(entities), entity, read, { maxRows, count: null }));
  assertMayRead(call, query);
  // What was just inserted is what was sent; everything else is answered with, or found by, what is stored.
  const isInsert = parameters.includes('on_conflict') && preferences.resolution === undefined;
  const isBlind = !isInsert && !call.access.may('records.read', entity.name);
  const asks = isKeyed ? read.some(([name]) => name === 'select' || name === 'order') : read.length > 0;
  if (isBlind && (asks || preferences.return === 'representation')) assertMayAlso(call, 'records.read');
  return {
    ...{ preferences, applied: appliedHeader(preferences), columns, conflict: names('on_conflict') },
    media: call.surface === 'rest' ? mediaTypeOf(call.headers.accept) : JSON_ARRAY,
    query,
    isSorted: read.some(([name]) => name === 'order'),
    isBlind,
  };
}

/** What most writes ask for: worked out once, as it costs 8 µs and an insert 300. */
function plainQuery(defined: DefinedEntity, maxRows: number): ReadQuery {
  const query = PLAIN.get(defined) ?? parseReadQuery(new EntityGraph(new Map()), defined.entity, [], { maxRows, count: null });
  PLAIN.set(defined, query);
  return query;
}

const PLAIN = new WeakMap<DefinedEntity, ReadQuery>();

/** `tx=rollback` takes effect here. @throws Problem request/invalid-header */
export function readWritePreferences({ tx, headers }: RecordCall, applicable: Asking['applicable']): Preferences {
  const preferences = readPrefer(single(headers.prefer), [...applicable, 'tx', 'handling']);
  if (preferences.tx !== 'rollback') return preferences;
  if (headers['idempotency-key'] !== undefined) {
    throw new Problem(
      'request/invalid-header',
      'Prefer: tx=rollback keeps nothing, and so no answer for an Idempotency-Key either. Send one of them.',
      { header: 'Prefer' },
    );
  }
  tx.rehearse();
  return preferences;
}

/** Of one record, which is found by its id and by no parameter. @throws Problem request/invalid-query */
export function refuseThePast(call: RecordCall): void {
  if (asksForThePast(call)) throw notWritten();
}

/** Whatever its name is written like. */
export function asksForThePast({ url, query }: RecordCall): boolean {
  return url.includes('?') && query().has('asOf');
}

function ofThePresent(query: ReadQuery): ReadQuery {
  if (query.asOf === null) return query;
  throw notWritten();
}

function notWritten(): Problem {
  return invalidQuery('asOf', 'what was is read, and never written: leave it out.');
}

const NO_FILTERS = {
  insert:
    'An insert takes select, columns and on_conflict, and filters only of what select embeds. PATCH and DELETE take filters; PUT takes those of a key.',
  one: 'One record is found by its id: PUT and PATCH of it take select, and filters only of what select embeds.',
} as const;

/** @throws Problem request/invalid-query: an insert finds nothing, and what is about one record nothing else. */
export function refuseFilters({ query }: WriteRequest, of: keyof typeof NO_FILTERS): void {
  if (query.where.length > 0) throw new Problem('request/invalid-query', NO_FILTERS[of]);
}
