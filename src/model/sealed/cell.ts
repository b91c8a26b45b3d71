import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';
import { Problem } from '../../platform/problem.js';
import { randomFew } from '../../platform/random-bytes.js';

/**
 * What a column of encrypted values holds: AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits and a tag of 128 bits.
 *
 *   format 1 | algorithm 1 | key version 4 | [search tags 2 × 16] | [subject key 16] | nonce 12 | ciphertext | tag 16
 *
 * Everything before the nonce is authenticated with the place where the cell stands, so that neither a cell nor a part of one opens
 * anywhere else. With random nonces one key is good for 2^32 cells (§8.3); each field of each entity has one of its own.
 */

/** Where a cell stands. None of it ever changes: a cell that was moved does not open. */
export interface CellPlace {
  readonly tenantId: string;
  readonly entityId: string;
  readonly field: string;
  readonly recordId: string;
}

export interface CellHead {
  /** Of the data key, from 1. */
  readonly version: number;
  /** By slot; null: the field is not searched for. */
  readonly tags: readonly [Buffer, Buffer] | null;
  /** 16 bytes, the id of the key of whom the record is about; null: its entity names nobody. */
  readonly subject: Buffer | null;
}

/** Of a tag, bytes: 128 bits of HMAC-SHA-256. */
export const TAG_BYTES = 16;

/** Where the first of the two tags begins, from 0. */
export const TAGS_AT = 6;

/** A slot that nothing is looked for in. */
export const NO_TAG = Buffer.alloc(TAG_BYTES);

const SUBJECT_BYTES = 16;
const ALGORITHM = 1;
const NONCE_BYTES = 12;
const LENGTH_BYTES = 4;
const GCM_TAG_BYTES = 16;
/** Without tags and subject, and with nothing in it. */
export const SHORTEST_CELL = TAGS_AT + NONCE_BYTES + GCM_TAG_BYTES;

const LARGEST_VERSION = 0x7fffffff;

/** What a cell has in front, by its first byte. */
const FORMATS: Readonly<Record<number, { readonly tags: boolean; readonly subject: boolean }>> = {
  1: { tags: false, subject: false },
  2: { tags: true, subject: false },
  3: { tags: false, subject: true },
  4: { tags: true, subject: true },
};

/** It is not what was put here: changed, moved, or cut off. Says nothing of what it holds. */
export class BrokenCell extends Problem {
  constructor(readonly place: CellPlace) {
    super(
      'key/integrity',
      'An encrypted value is not what was stored there. It was logged: quote the request id when you report it.',
    );
  }
}

/** @param key of the head's version and the place's field */
export function sealCell(key: KeyObject, place: CellPlace, head: CellHead, plain: Buffer): Buffer {
  const front = headBytes(head);
  const nonce = randomFew(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: GCM_TAG_BYTES });
  cipher.setAAD(Buffer.concat([placeBytes(place), front]));
  return Buffer.concat([front, nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** What a cell says of itself, unproven. @throws BrokenCell */
export function readHead(cell: Buffer, place: CellPlace): CellHead {
  return split(cell, place).head;
}

/** @param key of what the head says. @throws BrokenCell */
export function openCell(key: KeyObject, place: CellPlace, cell: Buffer): Buffer {
  const { front, body } = split(cell, place);
  const nonce = body.subarray(0, NONCE_BYTES);
  // Pinned: Node takes a tag of four bytes where it is not told otherwise.
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: GCM_TAG_BYTES });
  decipher.setAAD(Buffer.concat([placeBytes(place), front]));
  decipher.setAuthTag(body.subarray(-GCM_TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(body.subarray(NONCE_BYTES, -GCM_TAG_BYTES)), decipher.final()]);
  } catch {
    throw new BrokenCell(place);
  }
}

function headBytes({ version, tags, subject }: CellHead): Buffer {
  const front = Buffer.alloc(TAGS_AT);
  front[0] = (tags ? 2 : 1) + (subject ? 2 : 0);
  front[1] = ALGORITHM;
  front.writeUInt32BE(version, 2);
  return Buffer.concat([front, ...(tags ?? []), ...(subject ? [subject] : [])]);
}

function split(cell: Buffer, place: CellPlace): { head: CellHead; front: Buffer; body: Buffer } {
  const format = FORMATS[cell[0] ?? 0];
  if (!format || cell[1] !== ALGORITHM) throw new BrokenCell(place);
  const subjectAt = TAGS_AT + (format.tags ? 2 * TAG_BYTES : 0);
  const end = subjectAt + (format.subject ? SUBJECT_BYTES : 0);
  if (cell.length < end + NONCE_BYTES + GCM_TAG_BYTES) throw new BrokenCell(place);
  const version = cell.readUInt32BE(2);
  if (version < 1 || version > LARGEST_VERSION) throw new BrokenCell(place);
  const tag = (slot: number): Buffer => cell.subarray(TAGS_AT + slot * TAG_BYTES, TAGS_AT + (slot + 1) * TAG_BYTES);
  const head = {
    version,
    tags: format.tags ? ([tag(0), tag(1)] as const) : null,
    subject: format.subject ? cell.subarray(subjectAt, end) : null,
  };
  return { head, front: cell.subarray(0, end), body: cell.subarray(end) };
}

/** Each part behind its length, so that no two places are the same bytes. */
function placeBytes({ tenantId, entityId, field, recordId }: CellPlace): Buffer {
  return lengthPrefixed([tenantId, entityId, field, recordId]);
}

export function lengthPrefixed(parts: readonly string[]): Buffer {
  const lengths = parts.map((part) => Buffer.byteLength(part, 'utf8'));
  const bytes = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + LENGTH_BYTES + length, 0));
  let at = 0;
  for (const [index, part] of parts.entries()) {
    at = bytes.writeUInt32BE(lengths[index] as number, at);
    at += bytes.write(part, at, 'utf8');
  }
  return bytes;
}
