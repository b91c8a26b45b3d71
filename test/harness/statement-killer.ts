import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * A TCP proxy before Postgres that counts the statements it is sent (frontend messages of protocol 3.0) over all connections,
 * and at the n-th cuts everything off for good, as the death of the process at its other end does: no connection is left, and
 * no new one is let in. A statement is a simple Query, or what is executed up to a Sync.
 */
export interface StatementKiller {
  /** The same database by way of this proxy. */
  through(url: string): string;
  /** Statements since it was armed. */
  readonly sent: readonly string[];
  /** Whether the n-th has come. */
  readonly hasCut: boolean;
  /** From now on it counts, and lets connections in again. */
  arm(aim: Aim): void;
  /** Ports of the connections that Postgres saw from here, to find their backends by `client_port`. */
  readonly ports: readonly number[];
  close(): Promise<void>;
}

export interface Aim {
  /** The n-th statement, infinite for never; or the first that this holds for. */
  readonly at: number | ((sql: string) => boolean);
  /** `before`: the server never hears of it. `after`: it does, and nobody hears the answer. */
  readonly moment: 'before' | 'after';
  /** Counting begins behind the first statement that this holds for; default: at once. */
  readonly behind?: (sql: string) => boolean;
  /** What else dies with the connections. */
  readonly onCut?: () => void;
}

/** In front of the server that `url` names. */
export async function startStatementKiller(url: string): Promise<StatementKiller> {
  const target = new URL(url);
  const pairs = new Set<readonly [client: Socket, upstream: Socket]>();
  const ports: number[] = [];
  const sent: string[] = [];
  let aim: Aim = { at: Number.POSITIVE_INFINITY, moment: 'before' };
  let counting = false;
  let hasCut = false;

  const cut = (): void => {
    hasCut = true;
    // First: who is to die with its connections is not to answer for their loss.
    aim.onCut?.();
    for (const [client, upstream] of pairs) {
      client.destroy();
      // What was forwarded still arrives.
      upstream.end();
    }
  };
  const server = createServer((client) => {
    if (hasCut) {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect({ host: target.hostname, port: Number(target.port), noDelay: true });
    const pair = [client, upstream] as const;
    pairs.add(pair);
    client.setNoDelay(true);
    upstream.on('connect', () => ports.push((upstream.address() as AddressInfo).port));
    for (const socket of pair) socket.on('error', () => socket.destroy());
    client.on('close', () => upstream.end());
    upstream.on('close', () => {
      pairs.delete(pair);
      client.destroy();
    });
    upstream.on('data', (data) => {
      if (!hasCut) client.write(data);
    });
    client.on(
      'data',
      readStatements((bytes, sql) => {
        if (hasCut) return;
        if (sql === null) {
          upstream.write(bytes);
          return;
        }
        const counts = counting;
        if (counts) sent.push(sql);
        else counting = aim.behind?.(sql) ?? true;
        const isIt = counts && (typeof aim.at === 'number' ? sent.length === aim.at : aim.at(sql));
        if (!isIt || aim.moment === 'after') upstream.write(bytes);
        if (isIt) cut();
      }),
    );
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    through: (original) => {
      const proxied = new URL(original);
      proxied.hostname = '127.0.0.1';
      proxied.port = String(port);
      return proxied.href;
    },
    sent,
    ports,
    get hasCut() {
      return hasCut;
    },
    arm: (next) => {
      sent.length = 0;
      aim = next;
      counting = next.behind === undefined;
      hasCut = false;
    },
    close: async () => {
      for (const pair of pairs) for (const socket of pair) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * Takes chunks apart into messages. `sql` is null for what is no end of a statement; a statement in the extended protocol is
 * told by all its texts, or by the names of what was prepared before.
 */
function readStatements(onMessage: (bytes: Buffer, sql: string | null) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let started = false;
  let texts: string[] = [];
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (;;) {
      const header = started ? 1 : 0;
      if (rest.length < header + 4) return;
      const length = header + rest.readInt32BE(header);
      if (rest.length < length) return;
      const bytes = rest.subarray(0, length);
      rest = rest.subarray(length);
      const type = started ? String.fromCharCode(bytes[0] as number) : '';
      started = true;
      const strings = (): string[] => bytes.subarray(5).toString('utf8').split('\0');
      if (type === 'Q') onMessage(bytes, strings()[0] ?? '');
      else if (type === 'S') {
        onMessage(bytes, texts.join('; '));
        texts = [];
      } else {
        if (type === 'P') texts.push(strings()[1] ?? '');
        // Bind names the portal, then the statement.
        if (type === 'B' && texts.length === 0) texts.push(strings()[1] ?? '');
        onMessage(bytes, null);
      }
    }
  };
}
