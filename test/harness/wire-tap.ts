import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';

/**
 * Sits between a client and Postgres and reads what the client sends (frontend messages of protocol 3.0); can cut the
 * connection at a chosen statement, as a crash of either end would.
 */

export interface FrontendMessage {
  /** `Q` is a simple query, `P` Parse; a startup message has none, a cancel request is called `cancel`. */
  readonly type: string;
  /** The SQL text of Query and Parse; otherwise empty. */
  readonly sql: string;
}

/**
 * `cut before`: the server never hears of it. `cut after`: the server did it, and nobody hears the answer. `silence`: from
 * here on nothing passes either way, and nobody is told.
 */
export type Verdict = 'pass' | 'cut before' | 'cut after' | 'silence';

export interface WireTap {
  /** Of the same server, through the tap. */
  readonly url: string;
  readonly messages: FrontendMessage[];
  judge: (message: FrontendMessage) => Verdict;
  stop(): Promise<void>;
}

const CANCEL_REQUEST = 80_877_102;

export async function tapWire(url: string): Promise<WireTap> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = createConnection(Number(target.port || 5432), target.hostname);
    let verdict: Verdict = 'pass';
    const cut = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', cut);
      socket.on('close', () => {
        sockets.delete(socket);
        cut();
      });
    }
    upstream.on('data', (data) => {
      if (verdict === 'cut after') cut();
      else if (verdict === 'pass') client.write(data);
    });
    client.on(
      'data',
      readMessages((message, bytes) => {
        if (verdict === 'pass') {
          tap.messages.push(message);
          verdict = tap.judge(message);
        }
        if (verdict === 'cut before') cut();
        else if (verdict !== 'silence') upstream.write(bytes);
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const through = new URL(url);
  through.hostname = '127.0.0.1';
  through.port = String((server.address() as AddressInfo).port);
  const tap: WireTap = {
    url: through.href,
    messages: [],
    judge: () => 'pass',
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return tap;
}

/** Takes chunks apart into whole messages. */
function readMessages(onMessage: (message: FrontendMessage, bytes: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let started = false;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const header = started ? 1 : 0;
      if (rest.length < header + 4) return;
      const length = header + rest.readInt32BE(header);
      if (rest.length < length) return;
      const bytes = rest.subarray(0, length);
      rest = rest.subarray(length);
      onMessage(started ? typed(bytes) : { type: bytes.readInt32BE(4) === CANCEL_REQUEST ? 'cancel' : '', sql: '' }, bytes);
      started = true;
    }
  };
}

function typed(bytes: Buffer): FrontendMessage {
  const type = String.fromCharCode(bytes[0] as number);
  const strings = bytes.subarray(5).toString('utf8').split('\0');
  if (type === 'Q') return { type, sql: strings[0] ?? '' };
  return { type, sql: type === 'P' ? (strings[1] ?? '') : '' };
}
