import { isJsonObject, type JsonObject } from '../../platform/json-value.js';

/** What a token says of its bearer that the row rules of entities may ask for, beside `sub`. */

export type ClaimScalar = string | number | boolean;
export type ClaimValue = ClaimScalar | readonly ClaimScalar[];

/** By name; scalars and lists of them. Without those that are about the token itself. */
export type Claims = Readonly<Record<string, ClaimValue>>;

export const NO_CLAIMS: Claims = Object.freeze({});

/** Bytes of JSON that the claims of one token may take: they travel with every transaction. */
export const MAX_CLAIMS_BYTES = 2_048;

/** RFC 7519 §4.1, RFC 9068 and RFC 7662 §2.2: of the token, not of whom it speaks of; `sub` is known apart. */
const OF_THE_TOKEN: ReadonlySet<string> = new Set(
  'iss aud sub exp nbf iat jti active scope client_id token_type azp at_hash c_hash nonce sid auth_time acr amr cnf'.split(' '),
);

/**
 * @param without names of claims that mean something else to the service, such as that of the tenant
 * @returns null where they are too many for a transaction to carry
 */
export function claimsOf(payload: JsonObject, without: readonly string[]): Claims | null {
  const entries = Object.entries(payload).filter(
    (entry): entry is [string, ClaimValue] =>
      !OF_THE_TOKEN.has(entry[0]) && isClaimName(entry[0]) && !without.includes(entry[0]) && isClaimValue(entry[1]),
  );
  if (entries.length === 0) return NO_CLAIMS;
  const claims = Object.freeze(Object.fromEntries(entries));
  return Buffer.byteLength(JSON.stringify(claims)) > MAX_CLAIMS_BYTES ? null : claims;
}

/** As row rules can name it; whatever else a token holds travels with no transaction. */
export function isClaimName(name: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_:./-]{0,127}$/.test(name);
}

function isClaimValue(value: unknown): value is ClaimValue {
  if (Array.isArray(value)) return value.every(isClaimScalar);
  return !isJsonObject(value as never) && isClaimScalar(value);
}

/** No text in Postgres holds U+0000, and half a surrogate pair is no character. */
function isClaimScalar(value: unknown): value is ClaimScalar {
  if (typeof value === 'string') return !/[\u0000\p{Surrogate}]/u.test(value);
  return typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));
}
