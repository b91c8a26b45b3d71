import { createCipheriv, createDecipheriv, createHmac, createSecretKey, hash, hkdfSync, type KeyObject } from 'node:crypto';
import type { ContextKey } from '../database/context-token.js';
import { randomFew } from '../platform/random-bytes.js';

/**
 * Seals what a cursor says, which may be as sensitive as the records, and opens it again for the same list alone: AES-256-GCM
 * (NIST SP 800-38D) under keys that every instance derives from the context keys. The first of them seals, each opens, so that
 * keys are changed as those of the context are.
 */

/** Apart from every other use of the context keys (RFC 5869 §3.2). */
const LABEL = 'business-store list cursor 1';
const NONCE = 12;
const TAG = 16;

/** Longer ones were never made here: nothing of them is decoded. Characters. */
const LONGEST = 16 * 1024;

export class CursorSeal {
  private readonly roots: readonly Buffer[];

  /** @param keys at least one */
  constructor(keys: readonly ContextKey[]) {
    this.roots = keys.map(({ secret }) => Buffer.from(hkdfSync('sha256', secret, '', LABEL, 32)));
  }

  /** @param list what the cursors are bound to */
  of(list: string): ListSeal {
    return new ListSeal(this.roots, hash('sha256', list, 'buffer'));
  }
}

/** The cursors of one list. Its keys are derived once: with a page that has a next, that was a third of the cost of its cursor. */
export class ListSeal {
  /** The first of `roots`, and the others when they are needed. */
  private readonly keys: KeyObject[] = [];

  constructor(
    private readonly roots: readonly Buffer[],
    private readonly binding: Buffer,
  ) {}

  /** @returns [A-Za-z0-9_-], 38 characters longer than 4/3 of the bytes of `text` */
  seal(text: string): string {
    const nonce = randomFew(NONCE);
    const cipher = createCipheriv('aes-256-gcm', this.keyOf(0), nonce, { authTagLength: TAG }).setAAD(this.binding);
    return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64url');
  }

  /** null: not a cursor of this list, or not as it was made. The tag is compared in constant time. */
  open(cursor: string): string | null {
    if (cursor.length > LONGEST) return null;
    const bytes = Buffer.from(cursor, 'base64url');
    // Decoding overlooks what is no base64url and the bits that are left over: one cursor has one spelling.
    if (bytes.length < NONCE + TAG || bytes.toString('base64url') !== cursor) return null;
    for (const index of this.roots.keys()) {
      const text = opened(this.keyOf(index), this.binding, bytes);
      if (text !== null) return text;
    }
    return null;
  }

  /** Each list has a key of its own: random nonces of 96 bits are safe for 2^32 texts under one (SP 800-38D §8.3), not for ever. */
  private keyOf(index: number): KeyObject {
    const known = this.keys[index];
    if (known) return known;
    const root = this.roots[index];
    if (!root) throw new Error('there is no key to seal cursors with');
    const key = createSecretKey(createHmac('sha256', root).update(this.binding).digest());
    this.keys[index] = key;
    return key;
  }
}

function opened(key: KeyObject, binding: Buffer, bytes: Buffer): string | null {
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE), { authTagLength: TAG })
    .setAAD(binding)
    .setAuthTag(bytes.subarray(-TAG));
  const text = decipher.update(bytes.subarray(NONCE, -TAG));
  try {
    decipher.final();
  } catch {
    return null;
  }
  return text.toString('utf8');
}
