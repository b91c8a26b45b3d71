import { Agent, request } from 'undici';
import type { FaultKind } from './request-fault.js';
import { RequestFault } from './request-fault.js';
import { type ConnectorOptions, safeConnector } from './safe-connector.js';
import { urlFault } from './webhook-url.js';

/**
 * Posts to where tenants want it, and tells nothing of what is there but a status and how long it took. No cookies, no proxies, no
 * credentials, nothing kept of an answer.
 */

/** For one post, its redirects included. */
const PATIENCE_MS = 10_000;

const MOST_REDIRECTS = 3;

/** Of an answer so much is read, so that the connection can be used again; the rest is cut off. */
const ANSWER_BYTES = 65_536;

/** These keep method and body (RFC 9110 §15.4); the others would make a GET of it, which delivers nothing. */
const REDIRECTS: ReadonlySet<number> = new Set([307, 308]);

export interface PostOutcome {
  /** Of the answer; null when there was none. */
  readonly status: number | null;
  /** Why it counts as not delivered; null when it was. `internal`: nothing could be sent, by our own fault. */
  readonly error: FaultKind | 'status' | 'internal' | null;
  /** How long it took, milliseconds. */
  readonly ms: number;
  /** What the answer says of when to come again, seconds; null when nothing. */
  readonly retryAfter: number | null;
}

export class SafeRequests {
  constructor(private readonly options: ConnectorOptions) {}

  /** Why no webhook may have this URL; null when it may. */
  urlFault(url: string): string | null {
    return urlFault(url, this.options.allowed);
  }

  /** Connections of its own, which end with it: names are looked up again for the next. */
  open(): SafeClient {
    return new SafeClient(this.options);
  }
}

export class SafeClient {
  private readonly agent: Agent;

  constructor(private readonly options: ConnectorOptions) {
    this.agent = new Agent({ connect: safeConnector(options), connections: 8, pipelining: 1, maxHeaderSize: 16_384 });
  }

  /** @throws the signal's reason when that ends it, and nothing else */
  async post(url: string, headers: Record<string, string>, body: string, signal: AbortSignal): Promise<PostOutcome> {
    const started = performance.now();
    const patience = AbortSignal.timeout(PATIENCE_MS);
    const outcome = (status: number | null, error: PostOutcome['error'], retryAfter: number | null = null): PostOutcome => ({
      ...{ status, error, retryAfter },
      ms: Math.round(performance.now() - started),
    });
    try {
      const { status, retryAfter } = await this.follow(url, headers, body, AbortSignal.any([signal, patience]));
      return outcome(status, status >= 200 && status < 300 ? null : 'status', retryAfter);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof RequestFault) return outcome(null, error.kind);
      return outcome(null, patience.aborted || isTimeout(error) ? 'timeout' : 'response');
    }
  }

  async close(): Promise<void> {
    await this.agent.destroy();
  }

  /** Each place that an answer leads to is judged as the first one was. What was signed for the first goes there as it is. */
  private async follow(url: string, headers: Record<string, string>, body: string, signal: AbortSignal) {
    let place = url;
    for (let followed = 0; ; followed++) {
      if (urlFault(place, this.options.allowed) !== null) throw new RequestFault(followed === 0 ? 'address' : 'redirect');
      const answer = await request(place, { method: 'POST', headers, body, signal, dispatcher: this.agent });
      // Its status is what counts: an answer that breaks off after it is an answer.
      await answer.body.dump({ limit: ANSWER_BYTES, signal }).catch(() => {});
      const { location, 'retry-after': retryAfter } = answer.headers;
      if (!REDIRECTS.has(answer.statusCode)) {
        return { status: answer.statusCode, retryAfter: secondsUntil(first(retryAfter)) };
      }
      const next = first(location);
      if (followed === MOST_REDIRECTS || next === undefined || !URL.canParse(next, place)) throw new RequestFault('redirect');
      place = new URL(next, place).href;
    }
  }
}

function first(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

/** Seconds or a date (RFC 9110 §10.2.3). */
function secondsUntil(retryAfter: string | undefined): number | null {
  if (retryAfter === undefined) return null;
  if (/^\d{1,9}$/.test(retryAfter)) return Number(retryAfter);
  const until = Date.parse(retryAfter);
  return Number.isNaN(until) ? null : Math.max(0, Math.ceil((until - Date.now()) / 1_000));
}

function isTimeout(error: unknown): boolean {
  return /TIMEOUT/.test(String((error as { code?: unknown }).code));
}
