import { createHash } from 'node:crypto';
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

/**
 * What was asked: method, path and query as they were sent, and the body byte by byte. Hex. Other headers do not count: a repeat gets
 * the answer that its first sending was given, whatever it prefers now.
 */
export function hashOfRequest(method: string, url: string, bodyHash = ''): string {
  return createHash('sha256').update(`${method} ${url}\n${bodyHash}`).digest('hex');
}
