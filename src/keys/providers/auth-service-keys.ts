/**
 * The key interface of the Auth Service, as its client (HTTP Basic, RFC 6749 §2.3.1). It is defined here; JSON both ways, bytes in base64:
 *
 *   PUT    {url}/keys/{tenantId}                              200 {"key": ref}            the same ref however often
 *   POST   {url}/keys/{ref}/wrap    {context, "plaintext"}    200 {"wrapped": base64}     of 32 bytes, up to 4 KB
 *   POST   {url}/keys/{ref}/unwrap  {context, "wrapped"}      200 {"plaintext": base64}   32 bytes
 *   POST   {url}/keys/{ref}/rotate  {}                        204                         older wraps still open
 *   DELETE {url}/keys/{ref}                                   200 {"destroyed": boolean}  the same however often
 *
 * with "context": {"tenantId", "purpose": "encrypt" | "index", "version": 1...}, which a wrapped key is bound to, and a ref of 1 to 2,048
 * characters, percent-encoded in the path. Refusals: 401 and 403; 404 {"error": "unknown_key"} and 410 for a key that is gone for good;
 * 422 for what was not wrapped so; 429 and 503 for not now. Any other 404 is of something else than this interface, and says nothing of keys.
 */

import type { JsonObject } from '../../platform/json-value.js';
import { type Destruction, type KeyContext, KeyFault, type KeyProvider } from '../key-provider.js';
import { type KeyAnswer, KeyHttp } from './key-http.js';

const KEY_BYTES = 32;
const LONGEST_WRAPPED = 4_096;
const LONGEST_REF = 2_048;

export interface AuthServiceKeysOptions {
  /** What `/keys/...` follows. */
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** For one request. */
  readonly timeoutMs?: number;
}

export class AuthServiceKeys implements KeyProvider {
  readonly name = 'auth-service';
  private readonly http: KeyHttp;

  /** @throws Error for an address that keys must not be sent to */
  constructor({ url, clientId, clientSecret, timeoutMs }: AuthServiceKeysOptions) {
    const pair = [clientId, clientSecret].map(formEncoded).join(':');
    const headers = { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
    this.http = new KeyHttp({ service: 'the Auth Service', url, headers, timeoutMs });
  }

  async createKey(tenantId: string): Promise<string> {
    const { body } = this.done(await this.http.ask('PUT', `/keys/${encodeURIComponent(tenantId)}`));
    const ref = body?.key;
    if (typeof ref !== 'string' || ref === '' || ref.length > LONGEST_REF) {
      throw this.http.fault('integrity', 'answered without the name of a key');
    }
    return ref;
  }

  async wrap(keyRef: string, context: KeyContext, key: Buffer): Promise<Buffer> {
    const answer = await this.post(keyRef, 'wrap', { context: sent(context), plaintext: key.toString('base64') });
    return this.http.bytes(answer, 'wrapped', 1, LONGEST_WRAPPED);
  }

  async unwrap(keyRef: string, context: KeyContext, wrapped: Buffer): Promise<Buffer> {
    const answer = await this.post(keyRef, 'unwrap', { context: sent(context), wrapped: wrapped.toString('base64') });
    return this.http.bytes(answer, 'plaintext', KEY_BYTES);
  }

  async rotateKey(keyRef: string): Promise<void> {
    await this.post(keyRef, 'rotate', {});
  }

  async destroyKey(keyRef: string): Promise<Destruction> {
    const answer = await this.http.ask('DELETE', pathOf(keyRef));
    const destroyed = isGone(answer) || this.done(answer).body?.destroyed;
    if (typeof destroyed !== 'boolean') throw this.http.fault('integrity', 'does not say whether the key was destroyed');
    return {
      destroyed,
      detail: destroyed
        ? 'The Auth Service says that the key is destroyed.'
        : 'The Auth Service keeps the key: who has copies of what it wrapped may still have them unwrapped there.',
    };
  }

  close(): Promise<void> {
    return this.http.close();
  }

  private async post(keyRef: string, what: 'wrap' | 'unwrap' | 'rotate', body: JsonObject): Promise<KeyAnswer> {
    return this.done(await this.http.ask('POST', `${pathOf(keyRef)}/${what}`, body));
  }

  /** @throws KeyFault for every answer but 2xx */
  private done(answer: KeyAnswer): KeyAnswer {
    if (answer.status < 300) return answer;
    if (isGone(answer)) throw this.http.fault('destroyed', 'says that the key is gone for good');
    if (answer.status === 404) throw this.http.fault('unavailable', 'has no key interface at its address');
    throw this.http.fault('integrity', `answered ${answer.status}`);
  }
}

function isGone({ status, body }: KeyAnswer): boolean {
  return status === 410 || (status === 404 && body?.error === 'unknown_key');
}

function pathOf(keyRef: string): string {
  // These two would be taken out of the path.
  if (keyRef === '' || keyRef === '.' || keyRef === '..')
    throw new KeyFault('integrity', 'that is not the name of a key of the Auth Service');
  return `/keys/${encodeURIComponent(keyRef)}`;
}

function sent({ tenantId, purpose, version }: KeyContext): JsonObject {
  return { tenantId, purpose, version };
}

function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}
