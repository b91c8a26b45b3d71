import { createHash, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto';
import { lengthPrefixed } from '../model/sealed/cell.js';
import { type KeyContext, KeyFault, type KeyProvider } from './key-provider.js';

/** A tenant's data keys: 32 random bytes, of which the database keeps what a provider has wrapped, and a commitment to what is inside. */

const KEY_BYTES = 32;
const COMMITMENT_LABEL = 'bss:data-key:1';

export interface WrappedKey {
  readonly wrapped: Buffer;
  /** AES-GCM does not commit to its key, and a provider may hand over another than was asked for. */
  readonly commitment: Buffer;
}

export async function newDataKey(provider: KeyProvider, keyRef: string, context: KeyContext): Promise<WrappedKey> {
  const key = randomBytes(KEY_BYTES);
  try {
    return { wrapped: await provider.wrap(keyRef, context, key), commitment: commitmentTo(context, key) };
  } finally {
    key.fill(0);
  }
}

/** @throws KeyFault, also where the provider hands over another key than was wrapped */
export async function openDataKey(
  provider: KeyProvider,
  keyRef: string,
  context: KeyContext,
  wrapped: WrappedKey,
): Promise<KeyObject> {
  return withDataKey(provider, keyRef, context, wrapped, async (key) => createSecretKey(key));
}

/** The same key, wrapped by another. */
export async function rewrapDataKey(
  from: { readonly provider: KeyProvider; readonly keyRef: string },
  to: { readonly provider: KeyProvider; readonly keyRef: string },
  context: KeyContext,
  wrapped: WrappedKey,
): Promise<Buffer> {
  return withDataKey(from.provider, from.keyRef, context, wrapped, (key) => to.provider.wrap(to.keyRef, context, key));
}

async function withDataKey<T>(
  provider: KeyProvider,
  keyRef: string,
  context: KeyContext,
  { wrapped, commitment }: WrappedKey,
  work: (key: Buffer) => Promise<T>,
): Promise<T> {
  const key = await provider.unwrap(keyRef, context, wrapped);
  try {
    if (key.length !== KEY_BYTES || !timingSafeEqual(commitmentTo(context, key), commitment)) {
      throw new KeyFault('integrity', `the key provider ${provider.name} handed over another key than was wrapped`);
    }
    return await work(key);
  } finally {
    key.fill(0);
  }
}

function commitmentTo({ tenantId, purpose, version }: KeyContext, key: Buffer): Buffer {
  const context = lengthPrefixed([COMMITMENT_LABEL, tenantId, purpose, String(version)]);
  return createHash('sha256').update(context).update(key).digest();
}
