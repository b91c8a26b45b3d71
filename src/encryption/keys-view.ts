import type { KeyPurpose } from '../keys/key-provider.js';
import type { DataKeysRow, TenantKeysRow } from './keys-sql.js';

/** A data key as it is shown: all that tells it from others, and nothing of it. */
export interface DataKeyView {
  readonly purpose: KeyPurpose;
  readonly version: number;
  /**
   * `current`: what is new is under it; `next`: about to be, and written beside; `former`: older values may still be under it;
   * `retired`: nothing is, and it is not opened any more.
   */
  readonly state: 'current' | 'next' | 'former' | 'retired' | 'destroyed';
  /** SHA-256 over what the key is for and the key, hex. */
  readonly commitment: string;
  readonly createdAt: Date;
  readonly retiredAt: Date | null;
  readonly destroyedAt: Date | null;
}

export function dataKeyView(key: DataKeysRow, tenant: TenantKeysRow): DataKeyView {
  const { purpose, version, commitment, createdAt, retiredAt, destroyedAt } = key;
  return {
    ...{ purpose, version, state: stateOf(key, tenant), commitment: commitment.toString('hex') },
    ...{ createdAt, retiredAt, destroyedAt },
  };
}

function stateOf({ purpose, version, retiredAt, destroyedAt }: DataKeysRow, tenant: TenantKeysRow): DataKeyView['state'] {
  if (destroyedAt) return 'destroyed';
  if (retiredAt) return 'retired';
  const current = purpose === 'encrypt' ? tenant.encryptVersion : tenant.indexVersion;
  if (version === current) return 'current';
  return version > current ? 'next' : 'former';
}
