import { randomBytes } from 'node:crypto';
import type { Handle } from 'pkcs11js';
import { type Destruction, type KeyContext, KeyFault } from '../key-provider.js';
import { contextBytes } from './context-bytes.js';
import { returnValueOf } from './pkcs11-faults.js';
import { NONCE_BYTES, TAG_BYTES, type TokenSession } from './pkcs11-session.js';
import type { Pkcs11Token } from './pkcs11-token.js';

/**
 * A tenant's keys in a token. All versions have one label, `bss-<tenant id>`, which is the keyRef; CKA_ID is `version 4 | random 8`. What
 * they wrap:
 *
 *   format 1 | CKA_ID 12 | nonce 12 | ciphertext 32 | tag 16
 *
 * by AES-256-GCM, with what stands in front of the nonce and the context as associated data.
 *
 * Tokens know no unique names, so several processes may each make the same version at once. All then wrap with the one of the highest
 * version and, among those, the lowest id; the others stay, since somebody may have wrapped with one before the winner was there, and each
 * is found by its whole id.
 */

const FORMAT = 1;
const ID_BYTES = 12;
const HEAD_BYTES = 1 + ID_BYTES;
const MOST_LOOKS = 5;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const LABEL = /^bss-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

interface TokenKey {
  readonly handle: Handle;
  readonly id: Buffer;
}

/** Of `KeyProvider`, but each holds up its thread. */
export class Pkcs11Keys {
  constructor(private readonly token: Pkcs11Token) {}

  createKey(tenantId: string): string {
    if (!UUID.test(tenantId)) throw new KeyFault('denied', 'PKCS#11: keys are made for tenants, which have UUIDs');
    const label = `bss-${tenantId}`;
    this.token.run('making a key', (session) => {
      if (keysOf(session, label).length === 0) session.generate(label, newId(1));
    });
    return label;
  }

  wrap(keyRef: string, context: KeyContext, key: Buffer): Buffer {
    return this.withKeys('wrapping a key', keyRef, (session, [newest]) => {
      if (!newest) return null;
      const head = Buffer.concat([Buffer.of(FORMAT), newest.id]);
      const nonce = randomBytes(NONCE_BYTES);
      return Buffer.concat([
        head,
        nonce,
        session.encrypt(newest.handle, nonce, Buffer.concat([head, contextBytes(context)]), key),
      ]);
    });
  }

  unwrap(keyRef: string, context: KeyContext, wrapped: Buffer): Buffer {
    if (wrapped[0] !== FORMAT || wrapped.length < HEAD_BYTES + NONCE_BYTES + TAG_BYTES) {
      throw new KeyFault('integrity', 'PKCS#11: what is stored is not what was wrapped');
    }
    const head = wrapped.subarray(0, HEAD_BYTES);
    const nonce = wrapped.subarray(HEAD_BYTES, HEAD_BYTES + NONCE_BYTES);
    const sealed = wrapped.subarray(HEAD_BYTES + NONCE_BYTES);
    return this.withKeys('unwrapping a key', keyRef, (session, keys) => {
      const key = keys.find(({ id }) => id.equals(head.subarray(1)));
      if (!key) return null;
      const open = (): Buffer => session.decrypt(key.handle, nonce, Buffer.concat([head, contextBytes(context)]), sealed);
      try {
        return open();
      } catch (error) {
        // Which is also how some say that the tag is wrong, SoftHSM among them.
        if (returnValueOf(error) !== 'CKR_GENERAL_ERROR') throw error;
      }
      assertWorks(session, key.handle);
      try {
        return open();
      } catch (error) {
        if (returnValueOf(error) !== 'CKR_GENERAL_ERROR') throw error;
        throw new KeyFault('integrity', 'PKCS#11: what is stored is not what was wrapped, or is bound to something else');
      }
    });
  }

  rotateKey(keyRef: string): void {
    this.withKeys('rotating a key', keyRef, (session, [newest]) => {
      if (!newest) return null;
      session.generate(keyRef, newId(newest.id.readUInt32BE() + 1));
      return true;
    });
  }

  destroyKey(keyRef: string): Destruction {
    assertLabel(keyRef);
    // Until a fresh look finds none: another process may be making one.
    for (let look = 1; ; look++) {
      this.token.restart();
      if (!this.destroySome(keyRef)) break;
      if (look === MOST_LOOKS) throw new KeyFault('unavailable', 'PKCS#11: the token still lists keys that were destroyed');
    }
    const detail =
      'All versions of the tenant’s key are destroyed in the PKCS#11 token; backups of the token, if there are any, are not.';
    return { destroyed: true, detail };
  }

  /** Whether there were any. */
  private destroySome(label: string): boolean {
    return this.token.run('destroying a key', (session) => {
      const keys = keysOf(session, label);
      for (const { handle } of keys) session.destroy(handle);
      return keys.length > 0;
    });
  }

  /** @param work with the one to wrap with first; null: the one that it needs is not among them */
  private withKeys<T>(doing: string, keyRef: string, work: (session: TokenSession, keys: TokenKey[]) => T | null): T {
    assertLabel(keyRef);
    const attempt = () => this.token.run(doing, (session) => work(session, keysOf(session, keyRef)));
    const result = attempt();
    if (result !== null) return result;
    // That a key is gone is not said before it was looked for again.
    this.token.restart();
    const second = attempt();
    if (second !== null) return second;
    if (this.token.run(doing, (session) => keysOf(session, keyRef)).length > 0) {
      throw new KeyFault('integrity', 'PKCS#11: the tenant has no such version of its key');
    }
    throw new KeyFault('destroyed', 'PKCS#11: the tenant has no key in the token any more');
  }
}

function newId(version: number): Buffer {
  const id = randomBytes(ID_BYTES);
  id.writeUInt32BE(version);
  return id;
}

/** The one to wrap with first. */
function keysOf(session: TokenSession, label: string): TokenKey[] {
  const version = ({ id }: TokenKey): number => id.readUInt32BE();
  return session
    .find(label)
    .filter(({ id }) => id.length === ID_BYTES)
    .sort((a, b) => version(b) - version(a) || Buffer.compare(a.id, b.id));
}

/** @throws unless the key does its work: then it is not the token's fault that something is not opened */
function assertWorks(session: TokenSession, key: Handle): void {
  const [nonce, none, plain] = [randomBytes(NONCE_BYTES), Buffer.alloc(0), randomBytes(32)];
  if (!session.decrypt(key, nonce, none, session.encrypt(key, nonce, none, plain)).equals(plain)) {
    throw new KeyFault('unavailable', 'PKCS#11: the token does not open what it wraps');
  }
}

function assertLabel(keyRef: string): void {
  if (!LABEL.test(keyRef)) throw new KeyFault('denied', 'PKCS#11: the key is not one of a tenant');
}
