import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';

/** The keys that redacted values are hashed with, one for each tenant: hashes of two tenants tell nothing of each other. */

/** Apart from every other use of the secret (RFC 5869 §3.2). */
const LABEL = 'business-store redaction 1';

export class RedactionKeys {
  /** @param secret hashes stay the same for as long as it does */
  constructor(private readonly secret: Buffer) {}

  of(tenantId: string): KeyObject {
    return createSecretKey(Buffer.from(hkdfSync('sha256', this.secret, tenantId, LABEL, 32)));
  }
}
