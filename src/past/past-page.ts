import type { KeptRow } from '../model/past/kept-row.js';
import { columnText } from '../model/query/column-text.js';
import { invalidQuery } from '../model/query/invalid-query.js';
import type { PastPage } from '../model/statements/past-statements.js';
import { JSON_TEXT } from '../model/values/values.js';
import { isUuid } from '../platform/uuid.js';

/** Pages of what is past, latest first: `limit`, and `after` with the `next` of the page before. */

const USUAL = 50;
const MOST = 500;

/** @throws Problem request/invalid-query, also for a parameter that has no meaning here */
export function readPastPage(query: URLSearchParams): PastPage {
  for (const name of query.keys()) {
    if (name !== 'limit' && name !== 'after') throw invalidQuery(name, 'parameters here are limit and after.');
    if (query.getAll(name).length > 1) throw invalidQuery(name, 'it is given more than once.');
  }
  const limit = query.get('limit') ?? String(USUAL);
  if (!/^[1-9]\d{0,3}$/.test(limit) || Number(limit) > MOST) throw invalidQuery('limit', `it is between 1 and ${MOST}.`);
  const after = query.get('after');
  return { limit: Number(limit), after: after === null ? null : readPosition(after) };
}

function readPosition(text: string): PastPage['after'] {
  const [at = '', id = '', revision = ''] = text.split(',');
  const endedAt = /^\d{4}-/.test(at) ? columnText('timestamptz', at) : null;
  if (endedAt === null || !isUuid(id) || !/^\d{1,18}$/.test(revision)) throw invalidQuery('after', 'it is the next of a page.');
  return { endedAt, id, revision };
}

/** `next` of the page that ends with this row. */
export function positionAfter({ endedAt, id, revision }: KeptRow): string {
  return `${instantOf(endedAt)},${id},${revision}`;
}

/** RFC 3339, from Postgres' text in UTC. */
export function instantOf(text: string): string {
  return JSON_TEXT.timestamptz(text).slice(1, -1);
}

/** `next` of a page that this row comes after. */
export function positionBefore({ endedAt, id, revision }: KeptRow): string {
  return `${instantOf(endedAt)},${id},${BigInt(revision) + 1n}`;
}
