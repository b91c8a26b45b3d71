import { createSecretKey } from 'node:crypto';
import { isAbsolute } from 'node:path';
import { parseWebhookSecret } from '../platform/standard-webhooks.js';
import { fileOfCheckpoints } from './checkpoint-file.js';
import { httpCheckpoints } from './checkpoint-http.js';
import { natsCheckpoints } from './checkpoint-nats.js';
import type { CheckpointPlace } from './checkpoint-place.js';

/** The place that a setting names; it is not connected to before there is something to send. */

/**
 * @param setting `file:/path`, an http(s) URL, or `nats://host:port/subject`; `none` gives null @throws when it is nothing of
 * the kind
 */
export function openCheckpointPlace(setting: string, secret: string | undefined): CheckpointPlace | null {
  if (setting === 'none') return null;
  const path = /^file:(.+)$/.exec(setting)?.[1];
  if (path !== undefined) {
    if (!isAbsolute(path)) throw new Error('AUDIT_CHECKPOINTS: the path of the file has to be absolute');
    return fileOfCheckpoints(path);
  }
  const url = new URL(setting);
  if (url.protocol === 'nats:') return natsCheckpoints(url);
  const key = secret === undefined ? null : parseWebhookSecret(secret);
  if (secret !== undefined && key === null)
    throw new Error('AUDIT_CHECKPOINTS_SECRET is not whsec_ and base64 of 24 to 64 bytes');
  return httpCheckpoints(url, key && createSecretKey(key));
}
