/**
 * The transit engine of HashiCorp Vault from 1.13 on, or of OpenBao: a key for each tenant, `bss-{tenantId}`, from which the engine derives
 * one by the tenant's id, and associated data that bind a wrapped key to its purpose and version (earlier ones pass `associated_data` over,
 * without a word). https://developer.hashicorp.com/vault/api-docs/secret/transit
 *
 * The token needs `create`, `update`, `read` and, for shredding, `delete` on `{mount}/keys/bss-*`, and `update` alone on
 * `{mount}/encrypt/bss-*` and `{mount}/decrypt/bss-*`: with `create` there, encrypting under a key that was deleted would make a new one.
 */

import type { JsonObject } from '../../platform/json-value.js';
import { isUuid } from '../../platform/uuid.js';
import { type Destruction, type KeyContext, KeyFault, type KeyProvider } from '../key-provider.js';
import { contextBytes } from './context-bytes.js';
import { type KeyAnswer, KeyHttp } from './key-http.js';

const PREFIX = 'bss-';
const KEY_BYTES = 32;
const CIPHERTEXT = /^vault:v[1-9]\d{0,8}:[A-Za-z0-9+/]+={0,2}$/;
const LONGEST_CIPHERTEXT = 4_096;

export interface VaultTransitOptions {
  /** Of the server, without `/v1`. */
  readonly url: string;
  readonly token: string;
  /** Where the engine is mounted; `transit` unless said. */
  readonly mount?: string;
  readonly namespace?: string;
  /** For one request. */
  readonly timeoutMs?: number;
}

export class VaultTransit implements KeyProvider {
  readonly name = 'vault';
  private readonly http: KeyHttp;
  private readonly mount: string;

  /** @throws Error for an address that keys must not be sent to, or a mount that is no path */
  constructor({ url, token, mount = 'transit', namespace, timeoutMs }: VaultTransitOptions) {
    if (!/^[\w-]+(\/[\w-]+)*$/.test(mount)) throw new Error('the mount of the transit engine has to be a path such as transit');
    const headers = {
      'x-vault-token': token,
      // Agents and proxies of Vault may be told to let nothing pass without it.
      'x-vault-request': 'true',
      ...(namespace !== undefined && { 'x-vault-namespace': namespace }),
    };
    this.http = new KeyHttp({ service: 'Vault', url, headers, timeoutMs });
    this.mount = mount;
  }

  async createKey(tenantId: string): Promise<string> {
    const keyRef = PREFIX + tenantId;
    tenantOf(keyRef);
    // Of a key that is there already it changes nothing.
    this.done(await this.ask('POST', `keys/${keyRef}`, { type: 'aes256-gcm96', derived: true }));
    await this.usable(keyRef);
    return keyRef;
  }

  async wrap(keyRef: string, context: KeyContext, key: Buffer): Promise<Buffer> {
    const bound = binding(keyRef, context);
    const plaintext = key.toString('base64');
    // Encrypting may make a key that is missing, and does not say so.
    await this.usable(keyRef);
    const { body } = this.done(await this.ask('POST', `encrypt/${keyRef}`, { plaintext, ...bound }));
    const ciphertext = dataOf(body)?.ciphertext;
    if (typeof ciphertext !== 'string' || ciphertext.length > LONGEST_CIPHERTEXT || !CIPHERTEXT.test(ciphertext)) {
      throw this.http.fault('integrity', 'answered without a ciphertext');
    }
    return Buffer.from(ciphertext);
  }

  async unwrap(keyRef: string, context: KeyContext, wrapped: Buffer): Promise<Buffer> {
    const bound = binding(keyRef, context);
    const ciphertext = wrapped.toString('latin1');
    if (ciphertext.length > LONGEST_CIPHERTEXT || !CIPHERTEXT.test(ciphertext))
      throw this.http.fault('integrity', 'never wrapped that');
    const answer = await this.ask('POST', `decrypt/${keyRef}`, { ciphertext, ...bound });
    if (answer.status === 400) await this.explainRefusal(keyRef, ciphertext);
    const { status, body } = this.done(answer);
    return this.http.bytes({ status, body: dataOf(body) }, 'plaintext', KEY_BYTES);
  }

  async rotateKey(keyRef: string): Promise<void> {
    tenantOf(keyRef);
    await this.usable(keyRef);
    this.done(await this.ask('POST', `keys/${keyRef}/rotate`, {}));
  }

  async destroyKey(keyRef: string): Promise<Destruction> {
    tenantOf(keyRef);
    if ((await this.described(keyRef)) !== null) {
      try {
        await this.ask('POST', `keys/${keyRef}/config`, { deletion_allowed: true });
        await this.ask('DELETE', `keys/${keyRef}`);
      } catch (error) {
        if (!(error instanceof KeyFault) || error.kind !== 'denied') throw error;
        // The token is good: it has just read the key.
        return {
          destroyed: false,
          detail: 'Vault does not let this service delete the key: copies of what it wrapped stay readable.',
        };
      }
      if ((await this.described(keyRef)) !== null)
        throw this.http.fault('unavailable', 'still has the key that it was told to delete');
    }
    return {
      destroyed: true,
      detail: 'Vault has no such key any more; backups of its storage from before still have it.',
    };
  }

  close(): Promise<void> {
    return this.http.close();
  }

  private ask(method: 'GET' | 'POST' | 'DELETE', path: string, body?: JsonObject): Promise<KeyAnswer> {
    return this.http.ask(method, `/v1/${this.mount}/${path}`, body);
  }

  /** @throws KeyFault for every answer but 2xx */
  private done(answer: KeyAnswer): KeyAnswer {
    if (answer.status < 300) return answer;
    if (answer.status === 404) throw this.nowhere();
    throw this.http.fault('integrity', `answered ${answer.status}`);
  }

  /** null when there is no such key. A route that is missing has the same status, but names errors: that says nothing of keys. */
  private async described(keyRef: string): Promise<JsonObject | null> {
    const answer = await this.ask('GET', `keys/${keyRef}`);
    if (answer.status === 404) {
      const errors = answer.body?.errors;
      if (Array.isArray(errors) && errors.length === 0) return null;
      throw this.nowhere();
    }
    const key = dataOf(this.done(answer).body);
    if (!key) throw this.http.fault('integrity', 'answered without a description of the key');
    return key;
  }

  /** @throws KeyFault `destroyed`, or `denied` for a key that is not as `createKey` makes it: without derivation the context would not count */
  private async usable(keyRef: string): Promise<JsonObject> {
    const key = await this.described(keyRef);
    if (key === null) throw this.http.fault('destroyed', 'has no such key');
    if (key.soft_deleted === true) throw this.http.fault('denied', 'has the key marked as deleted');
    const { type, derived, exportable, allow_plaintext_backup } = key;
    if (type !== 'aes256-gcm96' || derived !== true || exportable !== false || allow_plaintext_backup !== false) {
      throw this.http.fault(
        'denied',
        'has another kind of key by that name: it has to be aes256-gcm96, derived and not exportable',
      );
    }
    return key;
  }

  /** Of a 400, which Vault has for a missing key as well as for a broken ciphertext. @throws KeyFault that says which, if it is not broken */
  private async explainRefusal(keyRef: string, ciphertext: string): Promise<void> {
    const { min_decryption_version: oldest } = await this.usable(keyRef);
    const version = Number(/\d+/.exec(ciphertext)?.[0]);
    if (typeof oldest === 'number' && version < oldest) {
      throw this.http.fault('denied', `opens nothing under versions of the key before ${oldest} (min_decryption_version)`);
    }
  }

  private nowhere(): KeyFault {
    return this.http.fault('unavailable', 'has no transit engine at that mount and namespace');
  }
}

/** What the key is derived by, and what is authenticated, as members of a request. */
function binding(keyRef: string, context: KeyContext): JsonObject {
  if (tenantOf(keyRef) !== context.tenantId) throw new KeyFault('integrity', "that is another tenant's key");
  return {
    context: Buffer.from(context.tenantId).toString('base64'),
    associated_data: contextBytes(context).toString('base64'),
  };
}

function tenantOf(keyRef: string): string {
  const tenantId = keyRef.startsWith(PREFIX) ? keyRef.slice(PREFIX.length) : '';
  if (!isUuid(tenantId)) throw new KeyFault('integrity', 'that is not the name of a key of the transit engine');
  return tenantId;
}

function dataOf(body: JsonObject | null): JsonObject | null {
  const data = body?.data;
  return data !== undefined && data !== null && typeof data === 'object' && !Array.isArray(data) ? (data as JsonObject) : null;
}
