import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** Where audit events are sent in tests: an HTTP server that notes every batch, and may misbehave. */
export interface EventSink {
  readonly url: string;
  /** Events as they came, repetitions included, of the batches that were accepted or lost on the way back. */
  readonly received: ReceivedEvent[];
  readonly batches: { readonly contentType: string | undefined; readonly events: readonly ReceivedEvent[] }[];
  /** What becomes of the next batches, one each; then all are accepted. */
  readonly moods: Mood[];
  close(): Promise<void>;
}

export interface ReceivedEvent {
  readonly id: string;
  readonly tenantid: string;
  readonly type: string;
  readonly data: { readonly after?: { readonly title?: string }; readonly [member: string]: unknown };
  readonly [attribute: string]: unknown;
}

/** `refuse`: 500. `swallow`: taken, but the answer is 500. `drop`: taken, but the connection breaks. `hang`: never answered. A number: taken that many ms later. */
export type Mood = 'refuse' | 'swallow' | 'drop' | 'redirect' | 'hang' | number;

export async function startEventSink(port = 0): Promise<EventSink> {
  const received: ReceivedEvent[] = [];
  const batches: EventSink['batches'] = [];
  const moods: Mood[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) text += chunk;
    const mood = moods.shift();
    if (mood === 'hang') return;
    if (mood === 'refuse') return response.writeHead(500).end();
    if (mood === 'redirect') return response.writeHead(307, { location: '/elsewhere' }).end();
    if (typeof mood === 'number') await wait(mood);
    const events = JSON.parse(text) as ReceivedEvent[];
    batches.push({ contentType: request.headers['content-type'], events });
    received.push(...events);
    if (mood === 'drop') return response.destroy();
    return response.writeHead(mood === 'swallow' ? 500 : 204).end();
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`,
    received,
    batches,
    moods,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
