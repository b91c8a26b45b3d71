import { Problem } from '../platform/problem.js';

const REFUSED = 'The access token is not valid.';
/** What the bearer of an expired token is told; otherwise it was good. */
export const EXPIRED = 'The token has expired: get a new one.';

/** `WWW-Authenticate` as RFC 6750 §3.1 asks. @param reason for the server's log, as `cause.message` */
export function refusedToken(reason: string, detail: string = REFUSED): Problem {
  const problem = new Problem('auth/invalid-token', detail, {}, { 'WWW-Authenticate': 'Bearer error="invalid_token"' });
  problem.cause = new Error(reason);
  return problem;
}
