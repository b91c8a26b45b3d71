import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';

/** A TCP proxy before Postgres, for everything that goes wrong with a network, and to see what is sent at all. */
export interface DatabaseProxy {
  /** The same database by way of this proxy. */
  through(url: string): string;
  /** Bytes that came from clients, over all connections: a statement that was not sent leaves it as it was. */
  readonly bytesFromClients: number;
  /** What clients send from now on; the answer ends it and tells, as text. */
  record(): () => string;
  /** Connections break, new ones are reset: the server is gone. */
  cut(): void;
  /** Connections stay and new ones are accepted, but nothing passes: the network swallows everything. */
  freeze(): void;
  /** As on the first day. What was swallowed stays lost: frozen connections break. */
  heal(): void;
  close(): Promise<void>;
}

/** In front of the server that `url` names. */
export async function startProxy(url: string): Promise<DatabaseProxy> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let state: 'open' | 'cut' | 'frozen' = 'open';
  let bytesFromClients = 0;
  let recorded: Buffer[] | null = null;

  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  };
  const server = createServer((client) => {
    keep(client);
    client.setNoDelay(true);
    if (state === 'cut') {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect({ host: target.hostname, port: Number(target.port), noDelay: true });
    keep(upstream);
    client.on('data', (chunk) => {
      bytesFromClients += chunk.length;
      recorded?.push(chunk);
      if (state === 'open') upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (state === 'open') client.write(chunk);
    });
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  const breakAll = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };

  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    through: (original) => {
      const proxied = new URL(original);
      proxied.hostname = '127.0.0.1';
      proxied.port = String(port);
      return proxied.href;
    },
    get bytesFromClients() {
      return bytesFromClients;
    },
    record: () => {
      const chunks: Buffer[] = [];
      recorded = chunks;
      return () => {
        recorded = null;
        return Buffer.concat(chunks).toString('latin1');
      };
    },
    cut: () => {
      state = 'cut';
      breakAll();
    },
    freeze: () => {
      state = 'frozen';
    },
    heal: () => {
      if (state === 'frozen') breakAll();
      state = 'open';
    },
    close: async () => {
      breakAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
