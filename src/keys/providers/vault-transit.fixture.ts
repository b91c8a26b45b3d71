import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { KeyReply, KeyRequest } from './key-server.fixture.js';

/**
 * The transit engine as far as it is used, with the statuses and bodies of Vault: it really derives, encrypts and authenticates, and
 * answers what is not exactly such a request with 418, so that a test fails.
 */

const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  keys: ['derived', 'type'],
  config: ['deletion_allowed'],
  rotate: [],
  encrypt: ['associated_data', 'context', 'plaintext'],
  decrypt: ['associated_data', 'ciphertext', 'context'],
};

interface TransitKey {
  readonly description: Record<string, unknown>;
  /** From version 1 on. */
  readonly versions: Buffer[];
}

const refused = (error: string): KeyReply => ({ status: 400, body: { errors: [error] } });
const bytes = (member: unknown) => Buffer.from(String(member), 'base64');

export class FakeTransit {
  readonly keys = new Map<string, TransitKey>();
  /** What the token may not do, such as `DELETE keys`. */
  readonly forbidden = new Set<string>();

  constructor(
    private readonly token: string,
    private readonly mount: string,
    private readonly namespace?: string,
  ) {}

  answer({ method, path, headers, text }: KeyRequest): KeyReply {
    if (headers['x-vault-request'] !== 'true') return { status: 418 };
    if (headers['x-vault-token'] !== this.token) return { status: 403, body: { errors: ['permission denied'] } };
    const prefix = `/v1/${this.mount}/`;
    if (headers['x-vault-namespace'] !== this.namespace || !path.startsWith(prefix)) {
      return { status: 404, body: { errors: [`no handler for route "${path}". route entry not found.`] } };
    }
    const [area = '', name = '', below, ...more] = path.slice(prefix.length).split('/');
    const action = below ?? area;
    if (!/^bss-[0-9a-f-]{36}$/.test(name) || more.length > 0) return { status: 418 };
    if (this.forbidden.has(`${method} ${action}`)) return { status: 403, body: { errors: ['permission denied'] } };
    if (method === 'GET' && action === 'keys') return this.described(name);
    if (method === 'DELETE' && action === 'keys') return this.deleted(name);
    const body = JSON.parse(text) as Record<string, unknown>;
    if (method !== 'POST' || String(Object.keys(body).sort()) !== String(MEMBERS[action])) return { status: 418 };
    return this.posted(action, name, body);
  }

  private described(name: string): KeyReply {
    const key = this.keys.get(name);
    if (!key) return { status: 404, body: { errors: [] } };
    return { status: 200, body: { data: { name, latest_version: key.versions.length, ...key.description } } };
  }

  private deleted(name: string): KeyReply {
    const key = this.keys.get(name);
    if (!key) return refused(`error deleting policy ${name}: could not delete key; not found`);
    if (key.description.deletion_allowed !== true) return refused('deletion is not allowed for this key');
    this.keys.delete(name);
    return { status: 204 };
  }

  private posted(action: string, name: string, body: Record<string, unknown>): KeyReply {
    const key = this.keys.get(name);
    if (action === 'keys') {
      if (!key) this.make(name, body);
      return this.described(name);
    }
    // As a token with `create` there would have it.
    if (action === 'encrypt' && !key) return this.encrypted(this.make(name, { type: 'aes256-gcm96', derived: true }), body);
    if (!key) return refused(action === 'config' ? `no existing key named ${name} could be found` : 'encryption key not found');
    if (action === 'config') Object.assign(key.description, body);
    if (action === 'rotate') key.versions.push(randomBytes(32));
    if (action === 'encrypt') return this.encrypted(key, body);
    if (action === 'decrypt') return this.decrypted(key, body);
    return { status: 200, body: { data: key.description } };
  }

  private make(name: string, { type, derived }: Record<string, unknown>): TransitKey {
    const fixed = { exportable: false, allow_plaintext_backup: false, deletion_allowed: false, min_decryption_version: 1 };
    const key = { description: { type, derived, ...fixed }, versions: [randomBytes(32)] };
    this.keys.set(name, key);
    return key;
  }

  private encrypted(key: TransitKey, { plaintext, context, associated_data }: Record<string, unknown>): KeyReply {
    const version = key.versions.length;
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', derivedOf(key, version, context), nonce, { authTagLength: 16 });
    cipher.setAAD(bytes(associated_data));
    const sealed = Buffer.concat([nonce, cipher.update(bytes(plaintext)), cipher.final(), cipher.getAuthTag()]);
    return {
      status: 200,
      body: { data: { ciphertext: `vault:v${version}:${sealed.toString('base64')}`, key_version: version } },
    };
  }

  private decrypted(key: TransitKey, { ciphertext, context, associated_data }: Record<string, unknown>): KeyReply {
    const [, digits, encoded] = /^vault:v(\d+):(.*)$/.exec(String(ciphertext)) ?? [];
    const version = Number(digits);
    if (version > key.versions.length) return refused('invalid ciphertext: version is too new');
    if (version < Number(key.description.min_decryption_version)) return refused('disallowed by policy (too old)');
    const sealed = bytes(encoded);
    if (sealed.length < 28) return refused('invalid ciphertext length');
    const decipher = createDecipheriv('aes-256-gcm', derivedOf(key, version, context), sealed.subarray(0, 12), {
      authTagLength: 16,
    });
    decipher.setAAD(bytes(associated_data)).setAuthTag(sealed.subarray(-16));
    try {
      const plain = Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
      return { status: 200, body: { data: { plaintext: plain.toString('base64') } } };
    } catch {
      return refused('cipher: message authentication failed');
    }
  }
}

function derivedOf(key: TransitKey, version: number, context: unknown): Buffer {
  return Buffer.from(hkdfSync('sha256', key.versions[version - 1] as Buffer, '', bytes(context), 32));
}
