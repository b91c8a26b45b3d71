import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';

/**
 * Digests of what is to be known again and not to be known from them, such as requests and files: HMAC-SHA-256 under keys that the
 * service derives from its secrets, so that nobody who has the database can try out what they might be of.
 */

/** Apart from every other use of the secrets (RFC 5869 §3.2). */
const LABEL = 'business-store fingerprints 1';

export class Fingerprints {
  private readonly keys: readonly KeyObject[];

  /** @param secrets at least one: the first makes new ones, each knows its own again, so that a secret can be changed */
  constructor(secrets: readonly Buffer[]) {
    this.keys = secrets.map((secret) => createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', LABEL, 32))));
  }

  /** Hex, 32 bytes. @param kind keeps what is of different kinds apart */
  of(kind: string, ...parts: readonly string[]): string {
    return this.allOf(kind, ...parts)[0] as string;
  }

  /** What may have been made of the same by now: the one of today first. */
  allOf(kind: string, ...parts: readonly string[]): readonly string[] {
    const text = JSON.stringify([kind, ...parts]);
    return this.keys.map((key) => createHmac('sha256', key).update(text).digest('hex'));
  }
}
