/**
 * Keys that wrap in a file of this machine, one for each tenant, for development and tests: whoever reads the file has every key, and
 * nothing but its mode keeps them from it. Several processes may share it, on a local file system.
 *
 * A wrapped key: format 1 | version of the key that wraps 4 | nonce 12 | ciphertext 32 | tag 16, AES-256-GCM (NIST SP 800-38D), bound to
 * its context and that version.
 */

import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';
import { isUuid } from '../../platform/uuid.js';
import { type Destruction, type KeyContext, KeyFault, type KeyProvider } from '../key-provider.js';
import { contextBytes } from './context-bytes.js';
import { KeyringFile, type KeyVersions } from './keyring-file.js';

const FORMAT = 1;
const HEAD_BYTES = 5;
const NONCE_BYTES = 12;
const KEY_BYTES = 32;
const TAG_BYTES = 16;
const WRAPPED_BYTES = HEAD_BYTES + NONCE_BYTES + KEY_BYTES + TAG_BYTES;
const CIPHER = 'aes-256-gcm';
const PREFIX = 'local:';

export interface LocalKeyringOptions {
  /** For whoever accepts that the keys lie in a file. */
  readonly allowInProduction?: boolean;
  /** By default that of the process, so that nobody forgets to say it. */
  readonly environment?: string;
}

export class LocalKeyring implements KeyProvider {
  readonly name = 'local';
  private readonly file: KeyringFile;

  /** @param path made by the first key. @throws Error in production, unless told that it may */
  constructor(path: string, options: LocalKeyringOptions = {}) {
    const { allowInProduction = false, environment = process.env.NODE_ENV } = options;
    if (environment === 'production' && !allowInProduction) {
      throw new Error(
        'the local keyring keeps keys in a file and is for development: in production set KEY_PROVIDER to auth-service, vault, aws-kms or pkcs11',
      );
    }
    this.file = new KeyringFile(path);
  }

  async createKey(tenantId: string): Promise<string> {
    if (!isTenantId(tenantId)) throw new KeyFault('integrity', 'the local keyring makes keys for tenants only');
    const versions = await this.file.versionsOf(tenantId);
    if (newest(versions) === null) await this.file.append(tenantId, highest(versions) + 1);
    return PREFIX + tenantId;
  }

  async wrap(keyRef: string, context: KeyContext, key: Buffer): Promise<Buffer> {
    if (key.length !== KEY_BYTES) throw new KeyFault('integrity', 'what is to be wrapped is not a key of 32 bytes');
    const { version, wrapping } = await this.current(tenantOf(keyRef, context));
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUInt8(FORMAT);
    head.writeUInt32BE(version, 1);
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, wrapping, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.concat([head, contextBytes(context)]));
    return Buffer.concat([head, nonce, cipher.update(key), cipher.final(), cipher.getAuthTag()]);
  }

  async unwrap(keyRef: string, context: KeyContext, wrapped: Buffer): Promise<Buffer> {
    const tenantId = tenantOf(keyRef, context);
    if (wrapped.length !== WRAPPED_BYTES || wrapped[0] !== FORMAT) throw notOurs();
    const wrapping = (await this.versionsOf(tenantId)).get(wrapped.readUInt32BE(1));
    if (wrapping === null) throw destroyed();
    if (wrapping === undefined) throw notOurs();
    return opened(wrapping, contextBytes(context), wrapped);
  }

  async rotateKey(keyRef: string): Promise<void> {
    const tenantId = tenantOf(keyRef);
    const { version } = await this.current(tenantId);
    await this.file.append(tenantId, version + 1);
  }

  async destroyKey(keyRef: string): Promise<Destruction> {
    const tenantId = tenantOf(keyRef);
    await this.versionsOf(tenantId);
    await this.file.overwrite(tenantId);
    return {
      destroyed: true,
      detail: 'Every version of the key was overwritten in the keyring file; who has copied that file still has the key.',
    };
  }

  private async current(tenantId: string): Promise<{ version: number; wrapping: KeyObject }> {
    const versions = await this.versionsOf(tenantId);
    const wrapping = newest(versions);
    if (wrapping === null) throw destroyed();
    return { version: highest(versions), wrapping };
  }

  /** A file that never had the tenant's key is not the one that has it: nothing is said of a key that may well be elsewhere. */
  private async versionsOf(tenantId: string): Promise<KeyVersions> {
    const versions = await this.file.versionsOf(tenantId);
    if (versions.size === 0)
      throw new KeyFault('unavailable', 'the keyring file has no key of the tenant: is it the right file?');
    return versions;
  }
}

function opened(wrapping: KeyObject, context: Buffer, wrapped: Buffer): Buffer {
  const nonce = wrapped.subarray(HEAD_BYTES, HEAD_BYTES + NONCE_BYTES);
  const decipher = createDecipheriv(CIPHER, wrapping, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.concat([wrapped.subarray(0, HEAD_BYTES), context]));
  decipher.setAuthTag(wrapped.subarray(-TAG_BYTES));
  const key = decipher.update(wrapped.subarray(HEAD_BYTES + NONCE_BYTES, -TAG_BYTES));
  try {
    decipher.final();
    return key;
  } catch {
    key.fill(0);
    throw notOurs();
  }
}

function tenantOf(keyRef: string, context?: KeyContext): string {
  const tenantId = keyRef.startsWith(PREFIX) ? keyRef.slice(PREFIX.length) : '';
  if (!isTenantId(tenantId)) throw new KeyFault('integrity', 'that is not the name of a key of the local keyring');
  if (context && context.tenantId !== tenantId) throw new KeyFault('integrity', "that is another tenant's key");
  return tenantId;
}

function isTenantId(text: string): boolean {
  return isUuid(text) && text === text.toLowerCase();
}

function highest(versions: KeyVersions): number {
  return Math.max(0, ...versions.keys());
}

/** null when it is destroyed, or there is none. */
function newest(versions: KeyVersions): KeyObject | null {
  return versions.get(highest(versions)) ?? null;
}

function destroyed(): KeyFault {
  return new KeyFault('destroyed', "the tenant's key was destroyed in the keyring file");
}

function notOurs(): KeyFault {
  return new KeyFault('integrity', 'the wrapped key was not made by this keyring for this tenant, purpose and version');
}
