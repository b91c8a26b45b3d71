/**
 * The Link header of a list (RFC 8288): the next page behind a cursor, and the first page. Both are the client's own query, byte
 * for byte, but for what says where the page begins.
 */

/** Proxies give the headers of an answer 4 KB unless they are told otherwise: nobody's list may fail for links unasked for. */
const UNASKED_BYTES = 3 * 1024;

/** Clients that page by cursors get longer ones: Node and its kin take 16 KB of headers. */
const ASKED_BYTES = 12 * 1024;

/**
 * @param url path and query string as they were sent
 * @param cursor null: this is the last page
 * @param isAsked the client pages by cursors
 * @returns null: the next page cannot be linked to, its address would be too long
 */
export function pageLinks(url: string, cursor: string | null, isAsked: boolean): Record<string, string> | null {
  const [path = '', query = ''] = url.split(/\?(.*)/s, 2);
  const kept = query.split('&').filter((pair) => pair !== '' && !BEGINNINGS.has(nameOf(pair)));
  const first = link(path, kept, 'first');
  if (cursor === null) return first.length > UNASKED_BYTES ? {} : { link: first };
  const next = link(path, [...kept, `after=${cursor}`], 'next');
  if (next.length > (isAsked ? ASKED_BYTES : UNASKED_BYTES)) return null;
  const both = `${next}, ${first}`;
  return { link: both.length > UNASKED_BYTES ? next : both };
}

const BEGINNINGS: ReadonlySet<string> = new Set(['after', 'offset']);

/** As a query string is read: what is encoded in a name does not hide it. */
function nameOf(pair: string): string {
  if (!/[%+]/.test(pair)) return pair.split('=', 1)[0] as string;
  return new URLSearchParams(pair).keys().next().value ?? '';
}

function link(path: string, pairs: readonly string[], relation: string): string {
  const reference = pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
  return `<${reference.replace(NOT_IN_URI, encoded)}>; rel="${relation}"`;
}

/** What no URI holds and Node lets through. It has read bytes as characters: none is above U+00FF. */
const NOT_IN_URI = /[^!$-;=?-Z[\]_a-z~]/g;

function encoded(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}
