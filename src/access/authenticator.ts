/**
 * Runs the passport strategy on one request, without Express: passport's middleware would want sessions and a response
 * to write to. Used by the access guard.
 */

import { Injectable } from '@nestjs/common';
import { Problem } from '../platform/problem.js';
import { JwtStrategy, type RequestWithHeaders } from './jwt.strategy.js';
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
  constructor(private readonly strategy: JwtStrategy) {}

  /**
   * @throws Problem `auth/missing-credentials` (401, `WWW-Authenticate: Bearer`) when there is no Bearer token
   * @throws Problem as `TokenVerifier.verify` raised it
   */
  authenticate(request: RequestWithHeaders): Promise<Principal> {
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

function missingCredentials(): Problem {
  return new Problem(
    'auth/missing-credentials',
    'Send an access token in the header "Authorization: Bearer <token>".',
    {},
    { 'WWW-Authenticate': 'Bearer' },
  );
}
