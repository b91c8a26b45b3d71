import { createHmac, type KeyObject, randomBytes } from 'node:crypto';

/**
 * Signatures of what is sent by HTTP, by the Standard Webhooks scheme: HMAC-SHA-256 over `id.timestamp.body`.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */

const PREFIX = 'whsec_';

/** The scheme allows 24 to 64. */
const SECRET_BYTES = 32;

export function newWebhookSecret(): Buffer {
  return randomBytes(SECRET_BYTES);
}

/** `whsec_` and base64, as receivers' libraries take it. */
export function webhookSecretText(secret: Buffer): string {
  return PREFIX + secret.toString('base64');
}

/** null when it is no secret of 24 to 64 bytes. */
export function parseWebhookSecret(text: string): Buffer | null {
  const encoded = text.startsWith(PREFIX) ? text.slice(PREFIX.length) : '';
  const secret = /^[A-Za-z0-9+/]+={0,2}$/.test(encoded) ? Buffer.from(encoded, 'base64') : Buffer.alloc(0);
  return secret.length >= 24 && secret.length <= 64 ? secret : null;
}

export interface SignedMessage {
  /** The same each time a message is sent again, and without a dot. */
  readonly id: string;
  /** Of this attempt, seconds since 1970: receivers refuse what is older than some minutes. */
  readonly timestamp: number;
  readonly body: string;
}

/** @param keys a signature for each, so that a receiver which knows the former secret or the new one is content with either */
export function webhookHeaders({ id, timestamp, body }: SignedMessage, keys: readonly KeyObject[]): Record<string, string> {
  const signatures = keys.map((key) => `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`);
  return { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': signatures.join(' ') };
}
