import { Agent, type Dispatcher, request } from 'undici';
import { hasDuplicateMembers } from '../../platform/json.js';
import { isJsonObject, type JsonObject } from '../../platform/json-value.js';
import { KeyFault } from '../key-provider.js';
import { PLACES } from './places.js';

/**
 * Requests to a key service over HTTP, with what they have in common: an end to waiting and to reading, no redirects, and what an answer
 * means in faults. Nothing of an answer gets into a message, and no secret into what is printed of this.
 */

/** For one request, connection included: less than the guard around a provider waits, so that the reason is known. */
const TIMEOUT_MS = 1_400;
const LARGEST_BYTES = 65_536;
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost']);
/** Beside 5xx; 412 is Vault's for a node that has not heard of everything yet. */
const LATER: ReadonlySet<number> = new Set([408, 412, 425, 429]);
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const utf8 = new TextDecoder('utf-8', { fatal: true });

export interface KeyHttpOptions {
  /** For messages, such as `the Auth Service`. */
  readonly service: string;
  /** What paths are appended to. By https, or to this machine: data keys travel there. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

export interface KeyAnswer {
  /** 2xx, or a 4xx that is not a fault by itself. */
  readonly status: number;
  /** null when it is empty; of a 4xx also when it is no JSON object. */
  readonly body: JsonObject | null;
}

export class KeyHttp {
  readonly service: string;
  private readonly url: string;
  private readonly timeoutMs: number;
  private readonly agent: Agent;
  /** Not among what `util.inspect` shows. */
  readonly #headers: Readonly<Record<string, string>>;

  /** @throws Error for an address that keys must not be sent to */
  constructor({ service, url, headers, timeoutMs = TIMEOUT_MS }: KeyHttpOptions) {
    this.service = service;
    this.url = checkedUrl(service, url);
    this.timeoutMs = timeoutMs;
    // By default a connection that nobody waits for any more is waited for another eight seconds, and is in the way of others.
    const connect = { timeout: timeoutMs };
    this.agent = new Agent({ connections: PLACES, pipelining: 1, maxHeaderSize: 16_384, connect });
    this.#headers = { accept: 'application/json', 'content-type': 'application/json', ...headers };
  }

  /**
   * @param path from `/` on, its parts encoded
   * @throws KeyFault `denied` for 401 and 403; `unavailable` for want of an answer, for a redirect, for 429, 5xx and the like; `integrity`
   *   for a 2xx with more than 64 KB or with what is no JSON object
   */
  async ask(method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, body?: JsonObject): Promise<KeyAnswer> {
    const signal = AbortSignal.timeout(this.timeoutMs);
    const text = body && JSON.stringify(body);
    try {
      const answer = await request(this.url + path, {
        method,
        headers: this.#headers,
        body: text,
        signal,
        dispatcher: this.agent,
      });
      return await this.read(answer);
    } catch (error) {
      if (error instanceof KeyFault) throw error;
      const why = signal.aborted ? `did not answer within ${this.timeoutMs} ms` : `cannot be reached${codeOf(error)}`;
      throw this.fault('unavailable', why);
    }
  }

  /** @param what such as `did not answer`: nothing that came from outside */
  fault(kind: KeyFault['kind'], what: string): KeyFault {
    return new KeyFault(kind, `${this.service} ${what}`);
  }

  /** Of an answer, what its member holds in base64. @throws KeyFault `integrity` when it does not, or not as many bytes */
  bytes({ body }: KeyAnswer, member: string, fewest: number, most = fewest): Buffer {
    const text = body?.[member];
    const bytes = typeof text === 'string' && BASE64.test(text) ? Buffer.from(text, 'base64') : null;
    if (bytes && bytes.length >= fewest && bytes.length <= most) return bytes;
    bytes?.fill(0);
    throw this.fault('integrity', `answered without the right ${member}`);
  }

  async close(): Promise<void> {
    await this.agent.destroy();
  }

  private async read({ statusCode: status, body }: Dispatcher.ResponseData): Promise<KeyAnswer> {
    const isAnswer = status >= 200 && status < 300;
    if (!isAnswer && (status < 400 || status >= 500 || status === 401 || status === 403 || LATER.has(status))) {
      body.on('error', () => {}).destroy();
      const kind = status === 401 || status === 403 ? 'denied' : 'unavailable';
      throw this.fault(kind, `answered ${status}`);
    }
    const bytes = await wholeOf(body);
    const json = bytes && objectOf(bytes);
    bytes?.fill(0);
    if (isAnswer && json === undefined) throw this.fault('integrity', 'answered with more than 64 KB or no JSON object');
    return { status, body: json ?? null };
  }
}

/** undefined when it is too large. */
async function wholeOf(body: Dispatcher.ResponseData['body']): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    // Leaving the loop ends the connection.
    if (size > LARGEST_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** null when there is nothing; undefined when it is no JSON object. Whoever reads the first of two members and whoever the last would differ. */
function objectOf(bytes: Buffer): JsonObject | null | undefined {
  if (bytes.length === 0) return null;
  try {
    const text = utf8.decode(bytes);
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) && !hasDuplicateMembers(text) ? value : undefined;
  } catch {
    return undefined;
  }
}

function checkedUrl(service: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || (url.protocol !== 'https:' && !(url.protocol === 'http:' && LOOPBACK.has(url.hostname)))) {
    throw new Error(`the address of ${service} has to begin with https://, or be on this machine: keys travel there`);
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new Error(`the address of ${service} has to be without credentials, query and fragment`);
  }
  return url.href.replace(/\/+$/, '');
}

/** Such as ` (ECONNREFUSED)`: a code of the system, of TLS or of HTTP, and never a text. */
function codeOf(error: unknown): string {
  const code: unknown = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[A-Z0-9_]{3,50}$/.test(code) ? ` (${code})` : '';
}
