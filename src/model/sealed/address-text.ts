/**
 * An address as Postgres prints it: by RFC 5952, where of two longest runs of zeros the first is left out, and with the last four bytes
 * in dots where the address holds one of IPv4 (RFC 4291 §2.5.5). ipaddr.js takes `::1.2.3.4` for `::ffff:1.2.3.4`, which is another.
 * @param text a valid address of either kind
 */
export function addressText(text: string): string {
  if (!text.includes(':')) return text;
  const parts = partsOf(text);
  const { at, length } = longestZeros(parts);
  const isEmbedded = at === 0 && (length === 6 || (length === 5 && parts[5] === 0xffff));
  const groups = parts.map((part) => part.toString(16));
  if (isEmbedded) groups.splice(6, 2, dotted(parts.slice(6)));
  if (length < 2) return groups.join(':');
  return `${groups.slice(0, at).join(':')}::${groups.slice(at + length).join(':')}`;
}

/** The eight of IPv6. */
function partsOf(text: string): readonly number[] {
  const [head = '', tail] = text.replace(/[\d.]+\.\d+$/, undotted).split('::');
  const [left, right] = [numbersOf(head), numbersOf(tail ?? '')];
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
}

function undotted(address: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

function numbersOf(text: string): readonly number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
}

function longestZeros(parts: readonly number[]): { at: number; length: number } {
  let longest = { at: -1, length: 0 };
  for (let at = 0; at < parts.length; at++) {
    let length = 0;
    while (parts[at + length] === 0) length++;
    if (length > longest.length) longest = { at, length };
  }
  return longest;
}

function dotted(parts: readonly number[]): string {
  return parts.flatMap((part) => [part >> 8, part & 0xff]).join('.');
}
