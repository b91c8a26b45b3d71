import type { KeyObject } from 'node:crypto';
import { webhookHeaders } from '../platform/standard-webhooks.js';
import { type CheckpointPlace, checkpointJson } from './checkpoint-place.js';

/** Checkpoints by HTTP, one a request, by the Standard Webhooks scheme when there is a secret. Any 2xx is taken as kept. */

const PATIENCE_MS = 10_000;

export function httpCheckpoints(url: URL, key: KeyObject | null): CheckpointPlace {
  return {
    label: `${url.protocol}//${url.host}${url.pathname}`,
    async send(checkpoints, signal) {
      for (const checkpoint of checkpoints) {
        const body = checkpointJson(checkpoint);
        const timestamp = Math.floor(Date.now() / 1_000);
        const signed = webhookHeaders({ id: `checkpoint-${checkpoint.number}`, timestamp, body }, key ? [key] : []);
        const response = await fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...(key && signed) },
          body,
          redirect: 'error',
          signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]),
        });
        await response.body?.cancel();
        if (!response.ok) throw new Error(`the place of checkpoints answered ${response.status}`);
      }
    },
    last: async () => null,
    close: async () => {},
  };
}
