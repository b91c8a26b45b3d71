import { createHash, createSecretKey, type KeyObject } from 'node:crypto';
import { webhookHeaders } from '../platform/standard-webhooks.js';
import { type AuditSink, type OutgoingEvent, reasonOf, type Sent, type SinkFault } from './audit-sink.js';

/**
 * CloudEvents over HTTP, batched content mode.
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
 * Signed by the Standard Webhooks scheme when there is a secret. Any 2xx is taken as accepted; redirects are not followed.
 */

/** Longest a batch may take, from connecting to the end of the answer. */
const PATIENCE_MS = 10_000;

/** Longest a `Retry-After` is obeyed. */
const LONGEST_RETRY_AFTER_S = 300;

/** These pass by themselves: timeout, conflict, too early, too many requests. */
const PASSING = new Set([408, 409, 425, 429]);

/** Statuses of places that are misconfigured, though some filters answer what they do not like so. */
const UNCLEAR = new Set([401, 402, 403, 404, 405, 406, 407, 410, 411, 415, 417, 421, 426, 428, 431, 451]);

export class HttpSink implements AuditSink {
  private readonly target: string;
  private readonly authorization: Readonly<Record<string, string>>;
  private readonly keys: readonly KeyObject[];

  /** @param url may have credentials, which are sent as Basic authentication (RFC 7617) */
  constructor(
    readonly name: string,
    readonly label: string,
    url: URL,
    secret: Buffer | null,
  ) {
    const { username, password } = url;
    const target = new URL(url);
    // fetch refuses a URL that has any, and repeats it in what it says.
    target.username = '';
    target.password = '';
    this.target = target.href;
    const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    this.authorization = username === '' ? {} : { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
    this.keys = secret === null ? [] : [createSecretKey(secret)];
  }

  async send(events: readonly OutgoingEvent[], signal: AbortSignal): Promise<Sent> {
    const body = `[${events.map(({ text }) => text).join(',')}]`;
    try {
      const response = await fetch(this.target, {
        method: 'POST',
        headers: {
          'content-type': 'application/cloudevents-batch+json',
          ...this.authorization,
          ...this.signatureOf(body),
        },
        body,
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]),
      });
      // What it says is nobody's business here, and could be without end.
      await response.body?.cancel();
      return response.ok ? { taken: events.length } : { taken: 0, fault: faultOf(response) };
    } catch (error) {
      return { taken: 0, fault: { blames: 'sink', reason: reasonOf(error) } };
    }
  }

  async close(): Promise<void> {}

  /** The id is that of the content: whoever is sent the same batch again can tell. */
  private signatureOf(body: string): Record<string, string> {
    if (this.keys.length === 0) return {};
    const id = `batch_${createHash('sha256').update(body).digest('hex').slice(0, 32)}`;
    return webhookHeaders({ id, timestamp: Math.floor(Date.now() / 1_000), body }, this.keys);
  }
}

function faultOf({ status, headers }: Response): SinkFault {
  const reason = `answered ${status}`;
  if (status === 500) return { blames: 'mishap', reason };
  if (status < 400 || status >= 500 || PASSING.has(status)) {
    const seconds = Number(headers.get('retry-after') ?? Number.NaN);
    if (!(seconds > 0)) return { blames: 'sink', reason };
    return { blames: 'sink', reason, retryAfterMs: Math.min(seconds, LONGEST_RETRY_AFTER_S) * 1_000 };
  }
  return { blames: UNCLEAR.has(status) ? 'unclear' : 'event', reason };
}
