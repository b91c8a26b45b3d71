import { createHash } from 'node:crypto';
import type { Access } from '../access/access.js';
import { Problem } from '../platform/problem.js';

/**
 * The Idempotency-Key header (draft-ietf-httpapi-idempotency-key-header-07). The draft has a quoted string (RFC 8941 §3.3.3); most
 * clients send the bare characters. Both are taken and mean the same key.
 */

const LONGEST = 255;

/** Visible ASCII but quotation marks and backslashes. No space: two headers arrive joined by a comma and one. */
const BARE = /^[!#-[\]-~]+$/;

/** Printable ASCII, with `\"` and `\\` for those two. */
const QUOTED = /^"((?:[ !#-[\]-~]|\\["\\])*)"$/;

/**
 * The key, 1 to 255 characters; null when the header is absent.
 * @throws Problem request/invalid-header
 */
export function readIdempotencyKey(header: string | string[] | undefined): string | null {
  if (header === undefined) return null;
  const text = String(header).trim();
  const key = BARE.test(text) ? text : (QUOTED.exec(text)?.[1]?.replace(/\\(.)/g, '$1') ?? '');
  if (key !== '' && key.length <= LONGEST) return key;
  throw new Problem(
    'request/invalid-header',
    `Idempotency-Key takes 1 to ${LONGEST} visible ASCII characters, such as a uuid, bare or in quotation marks.`,
    { header: 'Idempotency-Key' },
  );
}

/** Keys may be guessable or carry a meaning: only this is stored. Hex. */
export function hashOfKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/** What decides which records and which of their members a caller is answered with. */
export type Sees = Pick<Access, 'roles' | 'redacts' | 'claims' | 'own' | 'grant'>;

/**
 * What was asked, and by whom: method, path and query as they were sent, the body byte by byte, and what decides which members the caller
 * is answered with, so that nobody finds in a repeated answer what is no longer shown to it. Hex. Other headers do not count: a repeat
 * gets the answer that its first sending was given, whatever it prefers now.
 */
export function hashOfRequest(
  method: string,
  url: string,
  bodyHash: string,
  { roles, redacts, claims, own, grant }: Sees,
): string {
  const rights = own.map(({ inherits, permissions }) => [inherits, permissions]);
  const seer = JSON.stringify([[...roles].sort(), redacts, claims, rights, grant?.id ?? null]);
  return createHash('sha256').update(`${method} ${url}\n${bodyHash}\n${seer}`).digest('hex');
}
