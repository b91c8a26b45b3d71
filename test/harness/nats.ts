import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { eventually } from './eventually.js';

/** A NATS server with JetStream in a process of its own, where there is one to start: `apt-get install nats-server`. */

export interface NatsServer {
  /** Such as `nats://127.0.0.1:41234`. */
  readonly url: string;
  connect(): Promise<NatsConnection>;
  kill(): Promise<void>;
  /** On the same port, with what it has kept. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export interface StreamMessage {
  readonly subject: string;
  readonly id: string | undefined;
  readonly contentType: string | undefined;
  readonly event: Readonly<Record<string, unknown>>;
}

/** Why specs that need it are skipped, for their names; null when they run. */
export const WITHOUT_NATS: string | null =
  spawnSync('nats-server', ['--version']).status === 0 ? null : 'SKIPPED, nats-server is not installed: ';

export async function startNatsServer(): Promise<NatsServer> {
  const folder = await mkdtemp(join(tmpdir(), 'business-store-test-nats-'));
  const port = await freePort();
  const url = `nats://127.0.0.1:${port}`;
  const open: NatsConnection[] = [];
  const begin = async () => {
    const child = spawn('nats-server', ['-js', '-sd', folder, '-a', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
    const ended = once(child, 'exit');
    await eventually(async () => {
      const probe = await connect({ servers: url, reconnect: false }).catch(() => null);
      await probe?.close();
      return probe !== null || child.exitCode !== null;
    });
    return { child, ended };
  };
  let running = await begin();
  const kill = async (): Promise<void> => {
    running.child.kill('SIGKILL');
    await running.ended;
  };
  return {
    url,
    kill,
    connect: async () => {
      const connection = await connect({ servers: url, reconnect: false });
      open.push(connection);
      return connection;
    },
    restart: async () => {
      running = await begin();
    },
    close: async () => {
      await Promise.all(open.map((connection) => connection.close()));
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Everything a stream holds, in its order. */
export async function messagesOf(connection: NatsConnection, stream: string): Promise<StreamMessage[]> {
  const manager = await jetstreamManager(connection);
  const { state } = await manager.streams.info(stream);
  const messages: StreamMessage[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const message = await manager.streams.getMessage(stream, { seq });
    if (!message) continue;
    const { subject, header } = message;
    messages.push({ subject, id: header.get('Nats-Msg-Id'), contentType: header.get('content-type'), event: message.json() });
  }
  return messages;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
