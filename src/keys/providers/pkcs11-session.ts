import type { Attribute, Handle, Mechanism, PKCS11 } from 'pkcs11js';
import { returnValueOf } from './pkcs11-faults.js';

/** What a session with a token is used for here, with what of PKCS#11 that takes. */

export type Cryptoki = typeof import('pkcs11js');

/** PKCS#11 v2.40 §2.12.3: AES-GCM with a nonce of 96 and a tag of 128 bits. */
export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;

const AT_ONCE = 100;

export class TokenSession {
  constructor(
    private readonly cryptoki: Cryptoki,
    private readonly module: PKCS11,
    private readonly session: Handle,
  ) {}

  /** An AES-256 key that never leaves the token, and of which nothing can be changed. */
  generate(label: string, id: Buffer): void {
    const c = this.cryptoki;
    const may = (type: number, value: boolean): Attribute => ({ type, value });
    this.module.C_GenerateKey(this.session, { mechanism: c.CKM_AES_KEY_GEN }, [
      ...this.identity(label),
      { type: c.CKA_ID, value: id },
      { type: c.CKA_VALUE_LEN, value: 32 },
      ...[c.CKA_TOKEN, c.CKA_ENCRYPT, c.CKA_DECRYPT].map((type) => may(type, true)),
      ...[c.CKA_MODIFIABLE, c.CKA_WRAP, c.CKA_UNWRAP, c.CKA_SIGN, c.CKA_VERIFY, c.CKA_DERIVE].map((type) => may(type, false)),
    ]);
  }

  /** The keys of a label, each with its id. */
  find(label: string): { handle: Handle; id: Buffer }[] {
    const handles: Handle[] = [];
    this.module.C_FindObjectsInit(this.session, this.identity(label));
    try {
      for (;;) {
        const some = this.module.C_FindObjects(this.session, AT_ONCE);
        handles.push(...some);
        if (some.length < AT_ONCE) break;
      }
    } finally {
      this.module.C_FindObjectsFinal(this.session);
    }
    return handles.map((handle) => {
      const [id] = this.module.C_GetAttributeValue(this.session, handle, [{ type: this.cryptoki.CKA_ID }]);
      return { handle, id: id?.value as Buffer };
    });
  }

  /** Ciphertext and tag. */
  encrypt(key: Handle, nonce: Buffer, aad: Buffer, plain: Buffer): Buffer {
    this.module.C_EncryptInit(this.session, this.gcm(nonce, aad), key);
    return this.module.C_Encrypt(this.session, plain, Buffer.alloc(plain.length + TAG_BYTES));
  }

  decrypt(key: Handle, nonce: Buffer, aad: Buffer, sealed: Buffer): Buffer {
    this.module.C_DecryptInit(this.session, this.gcm(nonce, aad), key);
    return this.module.C_Decrypt(this.session, sealed, Buffer.alloc(sealed.length));
  }

  /** One that another has destroyed meanwhile is as good. */
  destroy(key: Handle): void {
    try {
      this.module.C_DestroyObject(this.session, key);
    } catch (error) {
      if (returnValueOf(error) !== 'CKR_OBJECT_HANDLE_INVALID') throw error;
    }
  }

  /**
   * What every key has that we make, and is looked for with: a secret key that somebody without the PIN, or who knows its value, has put
   * there under the same label is none of ours.
   */
  private identity(label: string): Attribute[] {
    const c = this.cryptoki;
    return [
      { type: c.CKA_CLASS, value: c.CKO_SECRET_KEY },
      { type: c.CKA_KEY_TYPE, value: c.CKK_AES },
      { type: c.CKA_LABEL, value: label },
      { type: c.CKA_PRIVATE, value: true },
      { type: c.CKA_SENSITIVE, value: true },
      { type: c.CKA_EXTRACTABLE, value: false },
    ];
  }

  private gcm(iv: Buffer, aad: Buffer): Mechanism {
    const { CKM_AES_GCM, CK_PARAMS_AES_GCM_v240 } = this.cryptoki;
    const parameter = { type: CK_PARAMS_AES_GCM_v240, iv, ivBits: iv.length * 8, aad, tagBits: TAG_BYTES * 8 };
    return { mechanism: CKM_AES_GCM, parameter };
  }
}
