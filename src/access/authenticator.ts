/**
 * Who is asking: a signed token goes to the passport strategy, run on one request without Express, as passport's middleware would want
 * sessions and a response to write to; an API key to its verifier; any other token to whoever asks the Auth Service. Used by the access
 * guard.
 */

import { Injectable } from '@nestjs/common';
import { Problem } from '../platform/problem.js';
import { API_KEY_PREFIX } from './api-key-form.js';
import { ApiKeyVerifier } from './api-key-verifier.js';
import { bearerToken, JwtStrategy, type RequestWithHeaders } from './jwt.strategy.js';
import { OpaqueTokens } from './opaque-tokens.js';
import type { Principal } from './principal.js';

/** The outcomes passport hangs on a strategy for each attempt (passport-strategy's contract). */
interface Attempt {
  success(principal: Principal): void;
  fail(reason: unknown): void;
  error(reason: unknown): void;
  authenticate(request: RequestWithHeaders): void;
}

@Injectable()
export class Authenticator {
  constructor(
    private readonly strategy: JwtStrategy,
    private readonly keys: ApiKeyVerifier,
    private readonly opaque: OpaqueTokens,
  ) {}

  /**
   * @throws Problem `auth/missing-credentials` (401, `WWW-Authenticate: Bearer`) when there is neither a Bearer token nor an API key
   * @throws Problem `request/invalid-header` (400) for `X-API-Key` together with `Authorization`
   * @throws Problem as `TokenVerifier.verify`, `ApiKeyVerifier.verify` or `OpaqueTokens.verify` raised it
   */
  async authenticate(request: RequestWithHeaders): Promise<Principal> {
    const key = apiKeyOf(request);
    if (key !== null) return this.keys.verify(key);
    const token = bearerToken(request);
    return token !== null && this.opaque.takes(token) ? this.opaque.verify(token) : this.byToken(request);
  }

  /**
   * Whether the Auth Service would have to be asked about whoever this is.
   * @throws Problem `request/invalid-header` as `authenticate`
   */
  hasToAsk(request: RequestWithHeaders): boolean {
    if (apiKeyOf(request) !== null) return false;
    const token = bearerToken(request);
    return token !== null && this.opaque.takes(token) && this.opaque.isUnknown(token);
  }

  private byToken(request: RequestWithHeaders): Promise<Principal> {
    return new Promise((resolve, reject) => {
      const attempt: Attempt = Object.create(this.strategy);
      attempt.success = resolve;
      // passport-jwt fails with the verifier's own error, or with a plain one when it found no token.
      attempt.fail = (reason) => reject(reason instanceof Problem ? reason : missingCredentials());
      attempt.error = reject;
      attempt.authenticate(request);
    });
  }
}

/** null: there is none. @throws Problem `request/invalid-header` where it is not clear who is asking */
function apiKeyOf(request: RequestWithHeaders): string | null {
  const { 'x-api-key': alone, authorization } = request.headers;
  if (alone === undefined) {
    const token = bearerToken(request);
    return token?.startsWith(API_KEY_PREFIX) ? token : null;
  }
  if (authorization === undefined) return [alone].flat().join(', ');
  throw new Problem(
    'request/invalid-header',
    'Say once who is asking: send the API key in X-API-Key or in "Authorization: Bearer <key>", and no token with it.',
    { header: 'X-API-Key' },
  );
}

function missingCredentials(): Problem {
  return new Problem(
    'auth/missing-credentials',
    'Send an access token or an API key in the header "Authorization: Bearer <token>", or an API key in X-API-Key.',
    {},
    { 'WWW-Authenticate': 'Bearer' },
  );
}
