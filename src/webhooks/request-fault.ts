/**
 * Why a request had no answer, as much of it as a tenant may know. `address`: the host has none that may be reached, or there is no
 * such host; which of the two would tell the names of a private network. `redirect`: the answer leads nowhere or too far.
 */
export type FaultKind = 'address' | 'connect' | 'tls' | 'timeout' | 'redirect' | 'response';

export class RequestFault extends Error {
  constructor(readonly kind: FaultKind) {
    super(`the request failed: ${kind}`);
    this.name = 'RequestFault';
  }
}
