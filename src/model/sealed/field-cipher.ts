import type { JsonValue } from '../../platform/json-value.js';

/** Encrypts and decrypts the values of one property of one entity, under the keys of its tenant. Nothing of it waits for anybody. */
export interface FieldCipher {
  /** Of the tenant's keys: whoever writes or searches proves to the database that it has heard of their last change. */
  readonly epoch: number;

  /** In which of a cell's tags is searched. @throws KeysNeeded */
  readonly slot: Slot;

  /**
   * The text of the column for a value that is not null.
   * @param about whom the record is about, where its entity names somebody
   * @throws KeysNeeded, SubjectsNeeded
   */
  seal(recordId: string, value: JsonValue, about: string | null): string;

  /**
   * The value's JSON text; null: the key of whom the record is about was destroyed.
   * @param cell the text of the column
   * @throws KeysNeeded, SubjectsNeeded, BrokenCell
   */
  open(recordId: string, cell: string): string | null;

  /** The text of the tag that cells of this value have in `slot`. @throws KeysNeeded */
  tag(value: JsonValue): string;
}

/** The tags of two versions of the index key stand side by side while one takes the place of the other. */
export type Slot = 0 | 1;
