import { Resolver } from 'node:dns/promises';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { buildConnector } from 'undici';
import { RequestFault } from './request-fault.js';
import { type AllowedNetworks, reachOf } from './safe-address.js';
import { hostOf, plainFault } from './webhook-url.js';

/**
 * Connections to where a tenant's webhooks point. The name is looked up once, here, and the connection goes to one of the very
 * addresses that were judged; who is at the other end is judged again on the connected socket, before a byte is sent.
 */

export interface ConnectorOptions {
  readonly allowed: AllowedNetworks;
  /** IPv4 and IPv6 addresses of a name; rejects or is empty when there are none. */
  readonly resolve: (name: string) => Promise<readonly string[]>;
  /** Certificates to trust beside those of the system, PEM. */
  readonly ca?: string;
  /** `net.connect`; another in tests of what a network could do to it. */
  readonly dial?: (address: string, port: number) => Socket;
}

/** For name, connection and TLS together. */
const CONNECT_MS = 5_000;

/** Addresses of a name that are tried, one after the other. */
const MOST_ADDRESSES = 3;

/**
 * Asks the name servers and nobody else: no hosts file and no search list, which lead inside. Not `dns.lookup`, whose few threads a
 * slow name server would hold, and the file system with them.
 */
export async function resolveName(name: string): Promise<string[]> {
  const resolver = new Resolver({ timeout: 1_500, tries: 2 });
  const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
}

/** A connector for undici. */
export function safeConnector(options: ConnectorOptions): buildConnector.connector {
  return (target, callback) => {
    const over = new AbortController();
    const impatience = setTimeout(() => over.abort(new RequestFault('timeout')), CONNECT_MS);
    connect(options, target, over.signal)
      .finally(() => clearTimeout(impatience))
      .then(
        (socket) => callback(null, socket),
        (error: Error) => callback(error, null),
      );
  };
}

async function connect(options: ConnectorOptions, target: buildConnector.Options, signal: AbortSignal): Promise<Socket> {
  const url = new URL(`${target.protocol}//${target.host ?? target.hostname}`);
  const addresses = await addressesOf(options, url, signal);
  let fault: unknown = new RequestFault('address');
  for (const address of addresses.slice(0, MOST_ADDRESSES)) {
    try {
      const port = Number(target.port || (target.protocol === 'https:' ? 443 : 80));
      const socket = await connected(options, address, port, signal);
      judge(options, url, socket.remoteAddress, socket);
      return target.protocol === 'https:' ? await secured(options, socket, hostOf(url), signal) : socket;
    } catch (error) {
      fault = error;
      if (signal.aborted) break;
    }
  }
  throw fault;
}

/** Those that may be reached; that there are none is told in the same way as that there is no such name, which may be one of inside. */
async function addressesOf({ allowed, resolve }: ConnectorOptions, url: URL, signal: AbortSignal): Promise<string[]> {
  const host = hostOf(url);
  const found =
    isIP(host) === 0
      ? await orAborted(
          resolve(host).catch(() => []),
          signal,
        )
      : [host];
  const reachable = found.filter((address) => mayReach(allowed, url, address));
  if (reachable.length === 0) throw new RequestFault('address');
  return reachable;
}

function mayReach(allowed: AllowedNetworks, url: URL, address: string | undefined): boolean {
  const reach = reachOf(address, allowed);
  return reach === 'allowed' || (reach === 'public' && plainFault(url) === null);
}

function judge({ allowed }: ConnectorOptions, url: URL, address: string | undefined, socket: Socket): void {
  if (mayReach(allowed, url, address)) return;
  socket.destroy();
  throw new RequestFault('address');
}

function connected({ dial }: ConnectorOptions, address: string, port: number, signal: AbortSignal): Promise<Socket> {
  const socket = dial ? dial(address, port) : connectTcp({ host: address, port, keepAlive: true });
  socket.setNoDelay(true);
  return ready(socket, 'connect', 'connect', signal);
}

/** The certificate is checked against the name of the URL. @param host a name, or an address, which is no name to ask for (RFC 6066 §3) */
function secured({ ca }: ConnectorOptions, socket: Socket, host: string, signal: AbortSignal): Promise<Socket> {
  const servername = isIP(host) === 0 ? host.replace(/\.$/, '') : undefined;
  const secure = connectTls({ socket, host, servername, ca, ALPNProtocols: ['http/1.1'], minVersion: 'TLSv1.2' });
  return ready(secure, 'secureConnect', 'tls', signal);
}

function ready(socket: Socket, event: string, kind: 'connect' | 'tls', signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const settle = (error: Error | null): void => {
      signal.removeEventListener('abort', onAbort);
      socket.off(event, onReady).off('error', onError).off('close', onClose);
      if (error === null) {
        resolve(socket);
      } else {
        socket.destroy();
        reject(error);
      }
    };
    const onReady = () => settle(null);
    const onError = () => settle(new RequestFault(kind));
    const onClose = () => settle(new RequestFault(kind));
    const onAbort = () => settle(signal.reason);
    socket.once(event, onReady).once('error', onError).once('close', onClose);
    // Between two listeners, and on a socket that is given up: an error that nobody hears would end the process.
    socket.on('error', () => {});
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
  });
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}
