/**
 * The Auth Service of embedded mode: one key in the data directory, and tokens signed with it. Used by the service (to
 * publish the key), by `bss token` (which works without a running service) and by tests. Never part of production.
 */

import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JSONWebKeySet, type JWK, SignJWT } from 'jose';
import type { JsonObject, JsonValue } from '../platform/json-value.js';
import { CLAIM_NAMES } from './claimed-principal.js';
import { readOrCreate } from './secret-file.js';

const DEVELOPMENT_ISSUER = 'urn:bss:development';
const DEVELOPMENT_AUDIENCE = 'business-store';
/** Known to every JWT library, and quicker to check than EdDSA (67 against 110 µs on Node 20). */
const ALGORITHM = 'ES256';
const FILE_NAME = 'development-issuer.json';
const DEFAULT_LIFETIME_SECONDS = 3600;

/** What every token says by itself: nobody may say otherwise (RFC 7519 §4.1, RFC 7662 §2.2). */
const OURS: readonly string[] = [
  ...['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'active', 'client_id', 'token_type', 'cnf'],
  ...Object.values(CLAIM_NAMES),
];

export interface TokenRequest {
  readonly subject: string;
  /** Required, unless the roles hold `system_admin`: then it must be absent. */
  readonly tenantId?: string;
  readonly roles: readonly string[];
  /** Default 3600. */
  readonly expiresInSeconds?: number;
  /** What the token says beside, by names that are not taken. */
  readonly claims?: JsonObject;
}

export interface DevelopmentIssuer {
  readonly issuer: string;
  readonly audience: string;
  /** The public half, as `/jwks` serves it. */
  jwks(): JSONWebKeySet;
  /** A signed access token (RFC 9068). Rejects with an Error as `claimsOf` throws it. */
  sign(request: TokenRequest): Promise<string>;
}

/**
 * Opens the issuer of a data directory (created with mode 0700 if need be); the first call makes its key, in a file of
 * mode 0600. Several processes may call this at once: all get the same key.
 */
export async function openDevelopmentIssuer(dataDir: string): Promise<DevelopmentIssuer> {
  const file = join(dataDir, FILE_NAME);
  const jwk = await readOrCreate(file, async () => {
    const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
    return exportJWK(privateKey);
  }).catch((error: unknown) => {
    throw error instanceof SyntaxError ? damaged(file, error) : error;
  });
  const key = await importKey(file, jwk);
  const { kty, crv, x, y } = jwk;
  const kid = await calculateJwkThumbprint({ kty, crv, x, y });

  return {
    issuer: DEVELOPMENT_ISSUER,
    audience: DEVELOPMENT_AUDIENCE,
    jwks: () => ({ keys: [{ kty, crv, x, y, kid, alg: ALGORITHM, use: 'sig' }] }),
    sign: async (request) =>
      new SignJWT({ ...claimsOf(request) }).setProtectedHeader({ alg: ALGORITHM, kid, typ: 'at+jwt' }).sign(key),
  };
}

/**
 * All that a token for this request says.
 * @throws Error when tenant and roles do not go together, or a claim has a name that is taken
 */
export function claimsOf(request: TokenRequest): Record<string, JsonValue> {
  const { subject, tenantId, roles, expiresInSeconds = DEFAULT_LIFETIME_SECONDS, claims = {} } = request;
  if (roles.includes('system_admin') === (tenantId !== undefined)) {
    throw new Error('A system_admin token names no tenant; a token with other roles names one.');
  }
  const taken = Object.keys(claims).find((name) => OURS.includes(name));
  if (taken !== undefined) throw new Error(`The claim ${taken} is not yours to set.`);
  const now = Math.floor(Date.now() / 1000);
  return {
    ...claims,
    iss: DEVELOPMENT_ISSUER,
    aud: DEVELOPMENT_AUDIENCE,
    sub: subject,
    iat: now,
    exp: now + expiresInSeconds,
    jti: randomUUID(),
    ...(tenantId !== undefined && { tenant_id: tenantId }),
    roles: [...roles],
  };
}

async function importKey(file: string, jwk: JWK) {
  try {
    const key = await importJWK(jwk, ALGORITHM);
    if (!('type' in key) || key.type !== 'private') throw new Error('not a private key');
    return key;
  } catch (error) {
    throw damaged(file, error);
  }
}

function damaged(file: string, cause: unknown): Error {
  return new Error(`${file} does not hold a key: delete it and start again (tokens issued so far stop working).`, { cause });
}
