import { Agent, type IncomingMessage, request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * A well-behaved HTTP client, as a connection pool or a load balancer is one: it keeps one connection alive, honours
 * `Connection: close`, and moves on to the next address when it is told to.
 */
export interface RunningLoad {
  /** Answers of 2xx, by the address that gave them. */
  readonly answered: Map<string, number>;
  /** Everything else: other statuses, broken connections. */
  readonly failures: string[];
  /** Resolves once every client has had its last answer. */
  readonly ended: Promise<unknown>;
}

interface Load {
  readonly token: string;
  /** Milliseconds between two requests of one client. */
  readonly pause: number;
  /** The next request of the n-th client. */
  next(client: number): { method: string; path: string; body?: string };
  /** Ends the load. */
  readonly signal: AbortSignal;
}

/** Runs `count` clients until the signal; each starts at the next of the addresses, and goes around them. */
export function runClients(count: number, addresses: readonly string[], load: Load): RunningLoad {
  const report = { answered: new Map<string, number>(), failures: [] };
  const clients = Array.from({ length: count }, (_, client) => runClient(client, addresses, load, report));
  return { ...report, ended: Promise.all(clients) };
}

async function runClient(
  client: number,
  addresses: readonly string[],
  load: Load,
  report: Omit<RunningLoad, 'ended'>,
): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let at = client; !load.signal.aborted; await wait(load.pause)) {
    const address = addresses[at % addresses.length] as string;
    const { method, path, body } = load.next(client);
    try {
      const { status, close } = await send(agent, address + path, { method, token: load.token, body });
      if (status >= 200 && status < 300) report.answered.set(address, (report.answered.get(address) ?? 0) + 1);
      else report.failures.push(`${method} ${path}: ${status}`);
      if (close) at++;
    } catch (error) {
      report.failures.push(`${method} ${path}: ${(error as NodeJS.ErrnoException).code ?? error}`);
      at++;
    }
  }
  agent.destroy();
}

/** One request to the end of its answer. */
export function send(
  agent: Agent | undefined,
  url: string,
  { method, token, body }: { method: string; token: string; body?: string },
): Promise<{ status: number; close: boolean; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
    const sent = request(url, { method, agent, headers }, (response: IncomingMessage) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, close: response.headers.connection === 'close', body: text }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
