import { createHash, createHmac } from 'node:crypto';
import type { Claims } from '../model/access/claims.js';
import { SERVICE_ROLE } from '../model/access/row-rule-sight.js';

/**
 * The signed context token that `bss.enter` verifies (migrations/0001_context.sql): HMAC-SHA-256 (RFC 2104) over who
 * enters which tenant, bound to one backend and a short time. Minted per transaction by the database room only.
 */

export interface ContextKey {
  /** 1-64 characters of [A-Za-z0-9._-]. */
  readonly kid: string;
  /** 32 bytes. */
  readonly secret: Buffer;
}

/** Who acts, on whose behalf it is traced. No part may hold control characters. */
export interface Actor {
  readonly subject: string;
  readonly roles: readonly string[];
  readonly requestId: string;
  /** What row rules may ask for; absent or null: nothing. */
  readonly claims?: Claims | null;
  /** The access grant by which a system admin is inside. */
  readonly grantId?: string;
}

/** For work of the service inside a tenant, on whoever's behalf: every row counts, also those that row rules keep from the actor. */
export function asService(actor: Actor): Actor {
  return { ...actor, roles: [SERVICE_ROLE], claims: null };
}

export interface ContextClaims {
  readonly tenantId: string;
  readonly schema: string;
  /** The database role to become. */
  readonly role: string;
  readonly actor: Actor;
}

const SEPARATOR = '\u001f';
const BLOCK = 64;

/** Longest any transaction may use its token, in seconds; statements and idle transactions end long before. */
export const CONTEXT_LIFETIME_SECONDS = 300;

export function mintContextToken(key: ContextKey, context: ContextClaims, backendPid: number, expiresAt: number): string {
  const { tenantId, schema, role, actor } = context;
  const { subject, roles, requestId, claims, grantId = '' } = actor;
  const said = claims && Object.keys(claims).length > 0 ? JSON.stringify(claims) : '';
  const parts = [key.kid, tenantId, schema, role, subject, roles.join(' '), requestId, expiresAt, backendPid, said, grantId];
  const signed = parts.join(SEPARATOR);
  if (signed.split(SEPARATOR).length !== parts.length) throw new Error('a part of the context token holds U+001F');
  return createHmac('sha256', key.secret).update(signed).digest('hex') + SEPARATOR + signed;
}

/** The two padded blocks of RFC 2104, as Postgres keeps them. */
export function hmacBlocks(secret: Buffer): { inner: Buffer; outer: Buffer } {
  const padded = Buffer.alloc(BLOCK);
  (secret.length > BLOCK ? createHash('sha256').update(secret).digest() : secret).copy(padded);
  return { inner: padded.map((byte) => byte ^ 0x36) as Buffer, outer: padded.map((byte) => byte ^ 0x5c) as Buffer };
}
