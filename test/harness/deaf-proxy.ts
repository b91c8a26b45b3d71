import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * A TCP proxy before Postgres for an instance that shall not hear of changes: everything passes, but the connection on which
 * it listens for them is silent towards it as long as it is deaf.
 */
export interface DeafProxy {
  /** The same database by way of this proxy. */
  through(url: string): string;
  isDeaf: boolean;
  close(): Promise<void>;
}

/** The `application_name` in the startup message of that connection. */
const LISTENER = 'bss-wake-up';

export async function startDeafProxy(url: string): Promise<DeafProxy> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect({ host: target.hostname, port: Number(target.port), noDelay: true });
    let listens: boolean | null = null;
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    client.on('data', (data) => {
      listens ??= data.includes(LISTENER);
      upstream.write(data);
    });
    upstream.on('data', (data) => {
      if (!(proxy.isDeaf && listens)) client.write(data);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const proxy: DeafProxy = {
    through: (original) => {
      const proxied = new URL(original);
      proxied.hostname = '127.0.0.1';
      proxied.port = String((server.address() as AddressInfo).port);
      return proxied.href;
    },
    isDeaf: false,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
