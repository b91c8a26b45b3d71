/**
 * passport-jwt, with our own reading of the header and our own verifier: its built-in one (jsonwebtoken) knows no
 * EdDSA and re-reads the key on each request. Used by the Authenticator; registers itself with passport as `jwt`.
 */

import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-jwt';
import type { Principal } from './principal.js';
import { TokenVerifier } from './token-verifier.js';

/** What is read of a request: Node's header record, names in lower case. */
export interface RequestWithHeaders {
  readonly headers: {
    readonly authorization?: string | undefined;
    readonly 'x-api-key'?: string | readonly string[] | undefined;
  };
}

type Verified = (error: unknown, payload?: Principal) => void;

// passport-jwt's seam for another verifier. It is one per process, so it holds no state: the verifier to use arrives as
// the "key", and every strategy of the process can share it.
(Strategy as unknown as { JwtVerifier: unknown }).JwtVerifier = (
  token: string,
  verifier: TokenVerifier,
  _options: unknown,
  done: Verified,
) => {
  verifier.verify(token).then((principal) => done(null, principal), done);
};

@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy, 'jwt') {
  constructor(verifier: TokenVerifier) {
    super({
      jwtFromRequest: bearerToken,
      secretOrKeyProvider: (_request: unknown, _token: unknown, done: (error: unknown, key?: never) => void) =>
        done(null, verifier as never),
    });
  }

  /** passport's last word: what the verifier made is the user. */
  validate(principal: Principal): Principal {
    return principal;
  }
}

/**
 * The credentials of `Authorization: Bearer` (RFC 6750 §2.1), or null when the header is absent or of another scheme.
 * Everything after the scheme is the token, so that `Bearer good junk` is refused. passport-jwt's own extractor drops
 * the junk, and its pattern takes quadratic time on a long header without a blank.
 */
export function bearerToken(request: RequestWithHeaders): string | null {
  const header = request.headers.authorization;
  if (header === undefined || header.slice(0, 7).toLowerCase() !== 'bearer ') return null;
  return header.slice(7).replace(/^ +/, '') || null;
}
