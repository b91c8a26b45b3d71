import { Problem } from '../platform/problem.js';

/** Keys of the tenant are asked for that are not open: whoever runs the work opens them and begins anew. Nothing of it was kept. */
export class KeysNeeded extends Problem {
  constructor(readonly tenantId: string) {
    super(...UNAVAILABLE);
  }
}

/** @param detail for the client: what is with the keys, and nothing of the provider */
export function keysUnavailable(): Problem {
  return new Problem(...UNAVAILABLE);
}

export function keysDestroyed(): Problem {
  return new Problem('key/destroyed', 'The keys of the tenant were destroyed: what was encrypted with them is gone for good.');
}

const UNAVAILABLE = [
  'key/unavailable',
  "The tenant's encryption keys cannot be had at the moment. Nothing was written. Send the request again.",
  {},
  { 'Retry-After': '2' },
] as const;
