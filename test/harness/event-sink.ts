import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** Where audit events are sent in tests: an HTTP server that notes every batch, and may misbehave. */
export interface EventSink {
  readonly url: string;
  /** Events as they came, repetitions included, of the batches that were accepted or lost on the way back. */
  readonly received: ReceivedEvent[];
  readonly batches: ReceivedBatch[];
  /** What becomes of the next batches, one each; then all are as `judge` says. */
  readonly moods: Mood[];
  /** The status of a batch that no mood is for; 204 unless told otherwise. */
  judge: (events: readonly ReceivedEvent[]) => number;
  /** How many requests there were. */
  readonly requests: number;
  close(): Promise<void>;
}

export interface ReceivedBatch {
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly events: readonly ReceivedEvent[];
}

export interface ReceivedEvent {
  readonly id: string;
  readonly tenantid: string;
  readonly type: string;
  readonly sequence: string;
  readonly data: { readonly after?: { readonly title?: string }; readonly [member: string]: unknown };
  readonly [attribute: string]: unknown;
}

/**
 * `refuse`: 500. `swallow`: taken, but the answer is 500. `drop`: taken, but the connection breaks. `hang`: never answered. `mute`:
 * taken, but never answered. A number: taken that many ms later.
 */
export type Mood = 'refuse' | 'swallow' | 'drop' | 'redirect' | 'hang' | 'mute' | number;

export async function startEventSink(port = 0): Promise<EventSink> {
  const server = createServer();
  const sink = {
    received: [] as ReceivedEvent[],
    batches: [] as ReceivedBatch[],
    moods: [] as Mood[],
    judge: (_: readonly ReceivedEvent[]): number => 204,
    requests: 0,
  };
  server.on('request', async (request, response) => {
    sink.requests++;
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) text += chunk;
    const mood = sink.moods.shift();
    if (mood === 'hang') return;
    if (mood === 'refuse') return response.writeHead(500).end();
    if (mood === 'redirect') return response.writeHead(307, { location: '/elsewhere' }).end();
    if (typeof mood === 'number') await wait(mood);
    const events = JSON.parse(text) as ReceivedEvent[];
    const status = mood === 'swallow' ? 500 : sink.judge(events);
    if (status < 300 || mood === 'swallow' || mood === 'mute') {
      sink.batches.push({ headers: request.headers, text, events });
      sink.received.push(...events);
    }
    if (mood === 'mute') return;
    if (mood === 'drop') return response.destroy();
    return response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return Object.assign(sink, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`, close });
}

/** What a consumer keeps that drops what it has had of the same place in the trail, in the order of arrival. */
export function withoutRepetitions(received: readonly ReceivedEvent[]): ReceivedEvent[] {
  const known = new Map<string, string>();
  return received.filter(({ tenantid, sequence, id }) => {
    const place = `${tenantid} ${sequence}`;
    const before = known.get(place);
    // The same place is the same event, however often it comes.
    if (before !== undefined && before !== id) throw new Error(`${place} was ${before} and is ${id}`);
    known.set(place, id);
    return before === undefined;
  });
}
