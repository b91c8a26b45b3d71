import type { KeyObject } from 'node:crypto';
import { webhookHeaders } from '../platform/standard-webhooks.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import type { PostOutcome, SafeClient } from './safe-requests.js';
import { CLOUD_EVENT_JSON, type Include, messageOf, type Redaction, type SealedEvent } from './webhook-message.js';

const NEVER = new AbortController().signal;

/** Where an event goes, in which form, and who signs for it. */
export interface Receiver {
  readonly tenant: Tenant;
  readonly url: string;
  readonly include: Include;
  /** Of the secret, and of the one before while that holds. */
  readonly keys: readonly KeyObject[];
}

/** Sends one event once. The id that receivers know it by is that of the event: the same whenever it is sent again. */
export async function postEvent(
  client: SafeClient,
  { tenant, url, include, keys }: Receiver,
  event: SealedEvent,
  redact: Redaction,
  stop: AbortSignal = NEVER,
): Promise<PostOutcome> {
  const body = messageOf(tenant.id, await redact(tenant, event), include);
  const signed = webhookHeaders({ id: event.id, timestamp: Math.floor(Date.now() / 1_000), body }, keys);
  const headers = { 'content-type': CLOUD_EVENT_JSON, 'user-agent': 'business-store-webhooks', ...signed };
  return client.post(url, headers, body, stop);
}
