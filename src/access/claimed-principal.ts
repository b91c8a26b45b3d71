import { claimsOf, NO_CLAIMS } from '../model/access/claims.js';
import type { JsonObject } from '../platform/json-value.js';
import { isUuid } from '../platform/uuid.js';
import { API_KEY_SUBJECT, type Principal, roleNames } from './principal.js';
import { refusedToken } from './refused-token.js';

/** Whom the claims of a token speak of, once the token itself is known to be good. */

const MAX_SUBJECT_LENGTH = 255;
/** Control characters, lone surrogates, line and paragraph separators: none of them belongs in a log or an audit row. */
const UNSAFE_TEXT = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u;

/** What the Auth Service calls our two private claims. */
export interface ClaimNames {
  readonly tenantId: string;
  readonly roles: string;
}

export const CLAIM_NAMES: ClaimNames = { tenantId: 'tenant_id', roles: 'roles' };

/**
 * Names that no role can have are dropped; a token whose roles the tenant does not know is a valid principal that may do nothing. The
 * result is frozen.
 * @throws Problem `auth/invalid-token`, the reason as `cause.message`
 */
export function claimedPrincipal(claims: JsonObject, names: ClaimNames): Principal {
  const subject = claims.sub;
  if (typeof subject !== 'string' || subject === '' || subject.length > MAX_SUBJECT_LENGTH || UNSAFE_TEXT.test(subject)) {
    throw refusedToken('"sub" is not a string of 1 to 255 characters without control characters');
  }
  if (subject.startsWith(API_KEY_SUBJECT)) throw refusedToken('"sub" is that of an API key');
  const claimed = claims[names.roles];
  if (!Array.isArray(claimed) || !claimed.every((role) => typeof role === 'string')) {
    throw refusedToken('the roles claim is not an array of strings');
  }
  const roles = roleNames(claimed);
  if (roles.includes('system_admin')) {
    if (Object.hasOwn(claims, names.tenantId)) throw refusedToken('a system admin token names a tenant');
    return Object.freeze({ subject, tenantId: null, roles, claims: NO_CLAIMS });
  }
  const tenantId = claims[names.tenantId];
  if (typeof tenantId !== 'string' || !isUuid(tenantId)) throw refusedToken('the tenant claim is not a UUID');
  const ofRules = claimsOf(claims, [names.tenantId, names.roles]);
  return Object.freeze({ subject, tenantId: tenantId.toLowerCase(), roles, claims: ofRules });
}
