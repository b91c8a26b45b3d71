import type { JsonObject, JsonValue } from '../platform/json-value.js';
import { EXPIRED, refusedToken } from './refused-token.js';

/** What the Auth Service says of a token it was asked about (RFC 7662 §2.2) is held to the rules that signed claims are held to. */

export interface IntrospectionRules {
  readonly issuer: string;
  readonly audience: string;
  /** Allowed difference between the clocks. */
  readonly clockToleranceSeconds: number;
}

/**
 * @param now milliseconds since the epoch
 * @returns when it expires, in milliseconds since the epoch
 * @throws Problem `auth/invalid-token`, the reason as `cause.message`
 */
export function checkIntrospected(answer: JsonObject, rules: IntrospectionRules, now: number): number {
  const { active, iss, aud, exp, nbf, iat, token_type: type } = answer;
  if (active !== true) throw refusedToken('the Auth Service says that the token is not active');
  if (iss !== undefined && iss !== rules.issuer) throw refusedToken('the token is that of another issuer');
  if (aud !== rules.audience && !(Array.isArray(aud) && aud.includes(rules.audience))) {
    throw refusedToken('the token is for another audience');
  }
  // A token that is bound to a key, such as one of DPoP (RFC 9449), is not proven by being sent.
  if (answer.cnf !== undefined || (type !== undefined && !isBearer(type))) throw refusedToken('the token is no bearer token');
  const [latest, earliest] = [now / 1000 + rules.clockToleranceSeconds, now / 1000 - rules.clockToleranceSeconds];
  if (!isInstant(exp)) throw refusedToken('"exp" is not a finite number');
  if (exp <= earliest) throw refusedToken('the token has expired', EXPIRED);
  for (const [name, value] of Object.entries({ nbf, iat })) {
    if (value !== undefined && !(isInstant(value) && value <= latest))
      throw refusedToken(`"${name}" is in the future, or no number`);
  }
  return exp * 1000;
}

function isBearer(type: JsonValue): boolean {
  return typeof type === 'string' && type.toLowerCase() === 'bearer';
}

function isInstant(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
