/**
 * Where the keys are that wrap the tenants' data keys. A provider never sees a value: it makes a key for a tenant, wraps 32 bytes under
 * it and unwraps them again. Its keys stay where they are; of a data key it has only what it is told to wrap.
 */

/** What a wrapped key is bound to: unwrapped under anything else, it does not open. */
export interface KeyContext {
  readonly tenantId: string;
  readonly purpose: KeyPurpose;
  /** Of the data key, from 1. */
  readonly version: number;
}

export type KeyPurpose = 'encrypt' | 'index';

export const KEY_PROVIDERS = ['local', 'auth-service', 'vault', 'aws-kms', 'pkcs11'] as const;

export type KeyProviderName = (typeof KEY_PROVIDERS)[number];

/** Every method throws `KeyFault`, and nothing else, for what may happen to it. */
export interface KeyProvider {
  readonly name: KeyProviderName;

  /** The name of the tenant's key, which is made if there is none yet: the same for every call. */
  createKey(tenantId: string): Promise<string>;

  /** @param key 32 bytes, which the caller wipes afterwards */
  wrap(keyRef: string, context: KeyContext, key: Buffer): Promise<Buffer>;

  /** The 32 bytes, which the caller wipes. Whether they are those that were wrapped is the caller's to check. */
  unwrap(keyRef: string, context: KeyContext, wrapped: Buffer): Promise<Buffer>;

  /** From then on `wrap` uses a new version of the key, while `unwrap` still opens what older ones wrapped. */
  rotateKey(keyRef: string): Promise<void>;

  /** For good: nothing that it wrapped can be unwrapped any more, wherever a copy of it is. Of a key that is gone: the same answer. */
  destroyKey(keyRef: string): Promise<Destruction>;

  close?(): Promise<void>;
}

export interface Destruction {
  /** false: others use the key too, or the provider does not let it be destroyed. Copies of wrapped keys stay readable to whoever has them. */
  readonly destroyed: boolean;
  /** In a sentence, for the receipt. */
  readonly detail: string;
}

/**
 * `unavailable`: not now, maybe later; `denied`: the provider does not let us; `integrity`: what came is not what was wrapped, which is never
 * tried again; `destroyed`: the key is gone for good.
 */
export type KeyFaultKind = 'unavailable' | 'denied' | 'integrity' | 'destroyed';

/** What went wrong with a key. Its message is for operators, and holds neither keys nor secrets. */
export class KeyFault extends Error {
  constructor(
    readonly kind: KeyFaultKind,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'KeyFault';
  }
}
