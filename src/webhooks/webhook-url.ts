import { isIP } from 'node:net';
import { type AllowedNetworks, reachOf } from './safe-address.js';

/**
 * What a webhook's URL may be, as far as its text tells. Names are looked up when something is sent, each time, and the address
 * is judged then: what a name means today says nothing of tomorrow.
 */

const LONGEST = 2_048;

/** Ports of the web. Elsewhere other protocols listen, and a request could be taken for one of theirs. */
const PORTS: ReadonlySet<string> = new Set(['80', '443', '8080', '8443']);

/** Why nothing may be sent there; null when something may, as far as the text tells. */
export function urlFault(text: string, allowed: AllowedNetworks): string | null {
  if (text.length > LONGEST) return `is longer than ${LONGEST} characters`;
  if (!URL.canParse(text)) return 'is no URL';
  const url = new URL(text);
  const mayBeInside = allowed.length > 0;
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && mayBeInside)) return 'must begin with https://';
  if (url.username !== '' || url.password !== '') return 'must hold no user name and no password';
  if (url.hash !== '') return 'must have no fragment';
  const host = hostOf(url);
  if (isIP(host) !== 0) {
    const reach = reachOf(host, allowed);
    if (reach === 'forbidden') return 'names an address that is not public';
    return reach === 'allowed' ? null : plainFault(url);
  }
  return mayBeInside ? null : plainFault(url);
}

/** What is demanded of public addresses on top. */
export function plainFault(url: URL): string | null {
  if (url.protocol !== 'https:') return 'must begin with https://';
  return PORTS.has(portOf(url)) ? null : `must have one of the ports ${[...PORTS].join(', ')}`;
}

/** As a resolver and a socket take it: without the brackets of IPv6. */
export function hostOf({ hostname }: URL): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}

export function portOf({ port, protocol }: URL): string {
  if (port !== '') return port;
  return protocol === 'https:' ? '443' : '80';
}
