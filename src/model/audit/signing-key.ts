import { createPrivateKey, createPublicKey, hash, type JsonWebKey, type KeyObject } from 'node:crypto';

/** Ed25519 keys of checkpoints: how settings and files write them, and the names they are known by. */

export interface PublicKey {
  /** The thumbprint of the key (RFC 7638). */
  readonly kid: string;
  readonly key: KeyObject;
}

export interface SigningKey extends PublicKey {
  readonly secret: KeyObject;
}

/** What PKCS #8 says before the 32 bytes of an Ed25519 key (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** @param text PKCS #8 as PEM (also with `\n` for its line ends), or base64 of the 32 bytes @throws when it is neither */
export function readSigningKey(text: string): SigningKey {
  const secret = text.includes('-----BEGIN')
    ? createPrivateKey(text.replaceAll('\\n', '\n'))
    : createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seedOf(text)]), format: 'der', type: 'pkcs8' });
  if (secret.asymmetricKeyType !== 'ed25519') throw new Error('the key that signs checkpoints must be one of Ed25519');
  return { secret, ...named(createPublicKey(secret)) };
}

/** @param text a PEM, of the public key or of the private one, or a JWK or JWK Set @throws when there is no Ed25519 key in it */
export function readPublicKeys(text: string): PublicKey[] {
  const keys = text.trim().startsWith('{')
    ? jwksOf(JSON.parse(text)).map((jwk) => createPublicKey({ key: jwk, format: 'jwk' }))
    : [createPublicKey(text.replaceAll('\\n', '\n'))];
  if (keys.length === 0 || keys.some(({ asymmetricKeyType }) => asymmetricKeyType !== 'ed25519'))
    throw new Error('there is no public key of Ed25519');
  return keys.map(named);
}

/** As it is published (RFC 8037). */
export function publicJwk({ key, kid }: PublicKey): object {
  return { ...key.export({ format: 'jwk' }), kid, use: 'sig', alg: 'EdDSA' };
}

/** @param x the `x` of its JWK: base64url of 32 bytes */
export function publicKeyOf(x: string): PublicKey {
  return named(createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }));
}

function named(key: KeyObject): PublicKey {
  const { crv, kty, x } = key.export({ format: 'jwk' });
  return { key, kid: hash('sha256', JSON.stringify({ crv, kty, x }), 'base64url') };
}

function seedOf(text: string): Buffer {
  const seed = Buffer.from(text, 'base64');
  if (seed.length !== 32) throw new Error('the key that signs checkpoints must be PKCS #8 as PEM, or base64 of 32 bytes');
  return seed;
}

function jwksOf(document: JsonWebKey & { keys?: JsonWebKey[] }): JsonWebKey[] {
  return document.keys ?? [document];
}
