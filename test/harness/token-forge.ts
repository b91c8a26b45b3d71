/**
 * Makes access tokens for tests, honest and hostile: header and payload are taken as objects or as raw text, and nothing
 * is checked. Used where a proper issuer would refuse to sign.
 */

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { JSONWebKeySet, JWK } from 'jose';

type ForgeAlgorithm = 'RS256' | 'ES256' | 'EdDSA';
/** Text and bytes go in as they are, objects as JSON. */
type Part = string | Uint8Array | Readonly<Record<string, unknown>>;

interface TokenForge {
  readonly issuer: string;
  readonly audience: string;
  readonly keys: Readonly<Record<ForgeAlgorithm, KeyObject>>;
  /** Public half of each key, with the algorithm's name as its kid. */
  jwks(): JSONWebKeySet;
  /** `{ alg, kid, typ }`, plus changes; a member set to undefined is left out. */
  header(changes?: Record<string, unknown>): Record<string, unknown>;
  /** The claims of a viewer, plus changes; a claim set to undefined is left out. */
  claims(changes?: Record<string, unknown>): Record<string, unknown>;
  /** Signs whatever it is given; the signature follows the key, not the header. */
  forge(header: Part, payload: Part, key?: KeyObject): string;
  /** An acceptable token with some claims changed. */
  token(claims?: Record<string, unknown>, header?: Record<string, unknown>): string;
}

export const FORGE_TENANT = '0190f3c0-7a1e-7c3b-8f00-000000000001';

export function createTokenForge(issuer = 'https://issuer.test', audience = 'business-store'): TokenForge {
  const keys: Record<ForgeAlgorithm, KeyObject> = {
    RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
    ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
    EdDSA: generateKeyPairSync('ed25519').privateKey,
  };
  const jwks = { keys: Object.entries(keys).map(([alg, key]) => publicJwk(key, alg)) };

  const header = (changes: Record<string, unknown> = {}) => ({ alg: 'EdDSA', kid: 'EdDSA', typ: 'JWT', ...changes });
  const claims = (changes: Record<string, unknown> = {}) => {
    const now = Math.floor(Date.now() / 1000);
    return {
      iss: issuer,
      aud: audience,
      sub: 'somebody',
      exp: now + 600,
      iat: now,
      tenant_id: FORGE_TENANT,
      roles: ['viewer'],
      ...changes,
    };
  };
  const forge = (head: Part, payload: Part, key: KeyObject = keys.EdDSA) => {
    const input = `${encode(head)}.${encode(payload)}`;
    return `${input}.${signature(input, key).toString('base64url')}`;
  };

  return {
    issuer,
    audience,
    keys,
    jwks: () => jwks,
    header,
    claims,
    forge,
    token: (claimChanges, headerChanges) => {
      const head = header(headerChanges);
      return forge(head, claims(claimChanges), keys[head.alg as ForgeAlgorithm]);
    },
  };
}

export function encode(part: Part): string {
  const bytes = typeof part === 'string' || part instanceof Uint8Array ? part : JSON.stringify(part);
  return Buffer.from(bytes as string).toString('base64url');
}

export function publicJwk(key: KeyObject, alg: string, kid = alg): JWK {
  const { kty, crv, x, y, n, e } = key.export({ format: 'jwk' }) as JWK;
  return JSON.parse(JSON.stringify({ kty, crv, x, y, n, e, kid, alg, use: 'sig' }));
}

function signature(input: string, key: KeyObject): Buffer {
  const data = Buffer.from(input);
  if (key.asymmetricKeyType === 'ed25519') return sign(null, data, key);
  return sign('sha256', data, key.asymmetricKeyType === 'ec' ? { key, dsaEncoding: 'ieee-p1363' } : key);
}
