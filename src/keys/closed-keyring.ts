import type { FieldCipher } from '../model/sealed/field-cipher.js';
import type { FieldCiphers } from '../model/sealed/field-ciphers.js';
import { KeysNeeded } from './keys-needed.js';

/** Stands for the keys of a tenant while they are not open: whatever needs none of them goes on, and what does says so. */
export function closedKeyring(tenantId: string): FieldCiphers {
  const needed = (): never => {
    throw new KeysNeeded(tenantId);
  };
  const cipher: FieldCipher = {
    get epoch(): number {
      return needed();
    },
    get slot(): never {
      return needed();
    },
    seal: needed,
    open: needed,
    tag: needed,
  };
  return {
    get epoch(): number {
      return needed();
    },
    cipherOf: () => cipher,
    sealText: needed,
    openText: needed,
  };
}
