/**
 * The Auth Service of embedded mode: one key in the data directory, and tokens signed with it. Used by the service (to
 * publish the key), by `bss token` (which works without a running service) and by tests. Never part of production.
 */

import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JSONWebKeySet, type JWK, SignJWT } from 'jose';
import type { Role } from './principal.js';

const DEVELOPMENT_ISSUER = 'urn:bss:development';
const DEVELOPMENT_AUDIENCE = 'business-store';
/** Known to every JWT library, and quicker to check than EdDSA (67 against 110 µs on Node 20). */
const ALGORITHM = 'ES256';
const FILE_NAME = 'development-issuer.json';
const DEFAULT_LIFETIME_SECONDS = 3600;

interface TokenRequest {
  readonly subject: string;
  /** Required, unless the roles hold `system_admin`: then it must be absent. */
  readonly tenantId?: string;
  readonly roles: readonly Role[];
  /** Default 3600. */
  readonly expiresInSeconds?: number;
}

export interface DevelopmentIssuer {
  readonly issuer: string;
  readonly audience: string;
  /** The public half, as `/jwks` serves it. */
  jwks(): JSONWebKeySet;
  /** A signed access token (RFC 9068). Throws an Error when tenant and roles do not go together. */
  sign(request: TokenRequest): Promise<string>;
}

/**
 * Opens the issuer of a data directory (created with mode 0700 if need be); the first call makes its key, in a file of
 * mode 0600. Several processes may call this at once: all get the same key.
 */
export async function openDevelopmentIssuer(dataDir: string): Promise<DevelopmentIssuer> {
  const file = join(dataDir, FILE_NAME);
  const jwk = (await readKey(file)) ?? (await createKey(dataDir, file));
  const key = await importKey(file, jwk);
  const { kty, crv, x, y } = jwk;
  const kid = await calculateJwkThumbprint({ kty, crv, x, y });

  return {
    issuer: DEVELOPMENT_ISSUER,
    audience: DEVELOPMENT_AUDIENCE,
    jwks: () => ({ keys: [{ kty, crv, x, y, kid, alg: ALGORITHM, use: 'sig' }] }),
    sign: async ({ subject, tenantId, roles, expiresInSeconds = DEFAULT_LIFETIME_SECONDS }) => {
      if (roles.includes('system_admin') === (tenantId !== undefined)) {
        throw new Error('A system_admin token names no tenant; a token with other roles names one.');
      }
      const now = Math.floor(Date.now() / 1000);
      return new SignJWT({ tenant_id: tenantId, roles: [...roles] })
        .setProtectedHeader({ alg: ALGORITHM, kid, typ: 'at+jwt' })
        .setIssuer(DEVELOPMENT_ISSUER)
        .setAudience(DEVELOPMENT_AUDIENCE)
        .setSubject(subject)
        .setIssuedAt(now)
        .setExpirationTime(now + expiresInSeconds)
        .setJti(randomUUID())
        .sign(key);
    },
  };
}

async function readKey(file: string): Promise<JWK | null> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    if (error instanceof SyntaxError) throw damaged(file, error);
    throw error;
  }
}

/** A hard link appears whole or not at all and never replaces a file, so the first of several processes wins. */
async function createKey(dataDir: string, file: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const jwk = await exportJWK(privateKey);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomUUID()}`;
  try {
    const handle = await open(draft, 'wx', 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(jwk)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await link(draft, file);
    return jwk;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return (await readKey(file)) as JWK;
  } finally {
    await rm(draft, { force: true });
  }
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
