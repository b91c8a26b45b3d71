import type { Property } from '../entity.js';
import type { FieldCipher } from './field-cipher.js';

/** The keys of a tenant, for whatever is encrypted with them. */
export interface FieldCiphers {
  /** Of the tenant's keys: whoever stores what was sealed proves to the database that it has heard of their last change. @throws KeysNeeded */
  readonly epoch: number;

  /** @param property encrypted, and of an entity in force, or about to be */
  cipherOf(entityId: string, property: SealedProperty): FieldCipher;

  /** A text that belongs to no field. @param label what it is for. @param id whose it is: it opens under no other. @throws KeysNeeded */
  sealText(label: string, id: string, text: string): Buffer;

  /** @throws KeysNeeded, BrokenCell */
  openText(label: string, id: string, sealed: Buffer): string;
}

export type SealedProperty = Pick<Property, 'encrypted' | 'precision' | 'scale'>;
