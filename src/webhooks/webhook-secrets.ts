import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';

/**
 * The secrets of webhooks as they are kept: AES-256-GCM under a key of the tenant's own, which HKDF-SHA-256 (RFC 5869) makes of the
 * setting WEBHOOK_KEY. `format 1 | nonce 12 | ciphertext | tag 16`. The tenant and the webhook are bound to it: moved to another row,
 * it does not open.
 */

const FORMAT = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const PURPOSE = 'business-store webhook secrets';

export class WebhookSecrets {
  private readonly keys: readonly KeyObject[];

  /** @param keys 32 bytes each; the first seals, all open. None: there are no webhooks. */
  constructor(keys: readonly Buffer[]) {
    this.keys = keys.map((key) => createSecretKey(key));
  }

  get areConfigured(): boolean {
    return this.keys.length > 0;
  }

  seal(tenantId: string, webhookId: string, secret: Buffer): Buffer {
    const [key] = this.keys;
    if (!key) throw new Error('there is no WEBHOOK_KEY');
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', tenantKey(key, tenantId), nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(boundTo(tenantId, webhookId));
    const sealed = Buffer.concat([cipher.update(secret), cipher.final()]);
    return Buffer.concat([Buffer.from([FORMAT]), nonce, sealed, cipher.getAuthTag()]);
  }

  /** The key to sign with; null when it is of another webhook, another tenant, or sealed with a key that is not among ours. */
  open(tenantId: string, webhookId: string, sealed: Buffer): KeyObject | null {
    if (sealed[0] !== FORMAT || sealed.length <= 1 + NONCE_BYTES + TAG_BYTES) return null;
    const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
    for (const key of this.keys) {
      const decipher = createDecipheriv('aes-256-gcm', tenantKey(key, tenantId), nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(boundTo(tenantId, webhookId)).setAuthTag(sealed.subarray(-TAG_BYTES));
      try {
        const secret = Buffer.concat([decipher.update(sealed.subarray(1 + NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
        const opened = createSecretKey(secret);
        secret.fill(0);
        return opened;
      } catch {
        // Of another key, perhaps.
      }
    }
    return null;
  }

  /** The keys to sign with: that of the secret, and that of the one before if it opens. null when the secret itself does not. */
  openBoth(tenantId: string, webhookId: string, secret: Buffer, former: Buffer | null): KeyObject[] | null {
    const key = this.open(tenantId, webhookId, secret);
    const formerKey = former && this.open(tenantId, webhookId, former);
    return key && (formerKey ? [key, formerKey] : [key]);
  }
}

function tenantKey(key: KeyObject, tenantId: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', key, tenantId.toLowerCase(), PURPOSE, 32)));
}

/** Length-prefixed, so that no two pairs have the same bytes. */
function boundTo(...parts: string[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const bytes = Buffer.from(part.toLowerCase());
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}
