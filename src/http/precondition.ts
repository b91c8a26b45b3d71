import { createHash } from 'node:crypto';
import { Problem } from '../platform/problem.js';

/**
 * Entity tags (RFC 9110 §8.8.3): a record's revision, quoted, and from the second version of its entity on that version too. A
 * change of the entity changes what its records look like and leaves their revisions alone: what a client keeps of the old version
 * is not current, and yet its changes are made to the newest revision.
 */
export function etagOf(revision: string, version: number): string {
  return version === 1 ? `"${revision}"` : `"${revision}.${version}"`;
}

/**
 * The weak entity tag of a list (RFC 9110 §8.8.3): it changes with any byte of its body and of the headers that say what the body
 * is. Weak, since what leads on from the list may be written differently each time. 128 bits of SHA-256.
 */
export function listEtagOf(body: string, headers: readonly string[]): string {
  const said = createHash('sha256').update(JSON.stringify(headers)).update(body);
  return `W/"${said.digest('base64url').slice(0, 22)}"`;
}

/** What If-Match demands: the revisions that will do, `any` existing one, or nothing (header absent). */
export type Precondition = 'none' | 'any' | readonly string[];

/** @throws Problem request/invalid-header */
export function readIfMatch(header: string | undefined): Precondition {
  if (header === undefined) return 'none';
  if (header.trim() === '*') return 'any';
  const tags = header.split(',').map((tag) => /^\s*(W\/)?"(\d{1,19})(?:\.\d{1,10})?"\s*$/.exec(tag));
  if (tags.some((tag) => tag === null)) {
    throw new Problem('request/invalid-header', 'If-Match takes the ETag of the record, such as "3", or *.', {
      header: 'If-Match',
    });
  }
  // If-Match compares strongly: a weak tag never matches (RFC 9110 §13.1.1).
  return tags.flatMap((tag) => (tag?.[1] === undefined ? [tag?.[2] as string] : []));
}

/** True when If-None-Match says that the client's copy, whose tag is then `current`, is current. Compares weakly (RFC 9110 §13.1.2). */
export function isNotModified(header: string | undefined, current: string): boolean {
  if (header === undefined) return false;
  const opaque = (tag: string): string => tag.trim().replace(/^W\//, '');
  return header.trim() === '*' || header.split(',').some((tag) => opaque(tag) === opaque(current));
}
