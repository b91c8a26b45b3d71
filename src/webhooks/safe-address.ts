import ipaddr from 'ipaddr.js';

/**
 * Which addresses a webhook may reach: public ones, and those of the networks that whoever runs the service allows. All the rest
 * is refused: loopback, private, link-local with its metadata services, shared, multicast, and whatever translates into these.
 */

/** The networks of the setting WEBHOOK_ALLOWED_NETWORKS. */
export type AllowedNetworks = readonly [address: ipaddr.IPv4 | ipaddr.IPv6, bits: number][];

export type Reach = 'public' | 'allowed' | 'forbidden';

/** Public by its range, but the metadata service of one cloud's machines. */
const METADATA: readonly string[] = ['168.63.129.16'];

/** All that is assigned as global unicast (RFC 4291 §2.5.4); below it is `::127.0.0.1`, which the tables of ranges pass over. */
const GLOBAL_V6: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3];

/** @throws Error naming the setting when one of them is no network */
export function readNetworks(text = ''): AllowedNetworks {
  return text
    .split(',')
    .map((network) => network.trim())
    .filter((network) => network !== '')
    .map((network) => {
      try {
        return ipaddr.parseCIDR(network);
      } catch {
        throw new Error(`WEBHOOK_ALLOWED_NETWORKS: ${network} is no network, such as 10.1.0.0/16`);
      }
    });
}

/** @param address as a socket or a resolver says it; anything else is forbidden */
export function reachOf(address: string | undefined, allowed: AllowedNetworks): Reach {
  // Strict: the parser takes octal and shortened forms too, and neither a socket nor a resolver says such.
  if (address === undefined || !(ipaddr.IPv4.isValidFourPartDecimal(address) || ipaddr.IPv6.isValid(address))) return 'forbidden';
  // An IPv4 address mapped into IPv6 is judged as what it is.
  const ip = ipaddr.process(address);
  if (ip.kind() === 'ipv6' && (ip as ipaddr.IPv6).zoneId !== undefined) return 'forbidden';
  const matches = ([network, bits]: AllowedNetworks[number]) => network.kind() === ip.kind() && ip.match(network, bits);
  if (allowed.some(matches)) return 'allowed';
  if (ip.range() !== 'unicast' || METADATA.includes(ip.toString())) return 'forbidden';
  return ip.kind() === 'ipv4' || ip.match(...GLOBAL_V6) ? 'public' : 'forbidden';
}
