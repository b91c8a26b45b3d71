import { sign, verify } from 'node:crypto';
import type { PublicKey, SigningKey } from './signing-key.js';

/** What the service vouches for: a JWS in its compact form (RFC 7515, EdDSA by RFC 8037), whose `typ` says what kind of thing it is. */

export function signStatement(typ: string, said: object, { kid, secret }: SigningKey): string {
  const signed = `${encoded({ alg: 'EdDSA', kid, typ })}.${encoded(said)}`;
  return `${signed}.${sign(null, Buffer.from(signed), secret).toString('base64url')}`;
}

/** Whether one of the keys has signed it, as something of that kind. */
export function isSigned(typ: string, jws: string, keys: readonly PublicKey[]): boolean {
  const parts = jws.split('.');
  const [header = '', payload = '', signature = ''] = parts;
  if (parts.length !== 3) return false;
  const told = decoded(header) as { alg?: unknown; kid?: unknown; typ?: unknown } | null;
  if (told?.alg !== 'EdDSA' || told.typ !== typ) return false;
  const known = keys.find(({ kid }) => kid === told.kid);
  return known !== undefined && verify(null, Buffer.from(`${header}.${payload}`), known.key, Buffer.from(signature, 'base64url'));
}

/** What it says, whoever has signed it; null when that is no object. */
export function saidBy(jws: string): object | null {
  return decoded(jws.split('.')[1] ?? '');
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decoded(part: string): object | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}
