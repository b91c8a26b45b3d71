import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';

/** Where webhooks are sent in tests: an HTTP server on loopback that notes every request, and may misbehave. */
export interface WebhookReceiver {
  readonly url: string;
  readonly received: Received[];
  /** What becomes of a request; by default it is answered 204. */
  mood: Mood;
  /** Ids of the events that were taken, without repetitions, in the order of their first arrival. */
  ids(): string[];
  close(): Promise<void>;
}

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly event: { readonly id: string; readonly type: string; readonly sequence: string; readonly tenantid: string } & {
    // biome-ignore lint/suspicious/noExplicitAny: tests look into it
    readonly data: any;
  };
  readonly taken: boolean;
}

/** A status, a status after so many ms, or `hang`: never answered. A function says it of each request. */
export type Mood = number | 'hang' | readonly [status: number, ms: number] | ((request: Omit<Received, 'taken'>) => Mood);

export async function startWebhookReceiver(answerHeaders: Record<string, string> = {}, port = 0): Promise<WebhookReceiver> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) text += chunk;
    const seen = { headers: request.headers, text, event: JSON.parse(text) };
    let mood = receiver.mood;
    while (typeof mood === 'function') mood = mood(seen);
    if (mood === 'hang') {
      received.push({ ...seen, taken: false });
      return;
    }
    const [status, ms] = typeof mood === 'number' ? [mood, 0] : (mood as readonly [number, number]);
    if (ms > 0) await wait(ms);
    received.push({ ...seen, taken: status < 300 });
    response.writeHead(status, answerHeaders).end('what a receiver says');
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const receiver: WebhookReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    mood: 204,
    ids: () => [...new Set(received.filter(({ taken }) => taken).map(({ event }) => event.id))],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return receiver;
}

/** By the library that receivers use. @throws when the secret did not sign it */
export function verified({ headers, text }: Received, secret: string): unknown {
  return new Webhook(secret).verify(text, headers as Record<string, string>);
}
