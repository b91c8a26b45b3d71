import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import type { JsonValue } from '../../platform/json-value.js';
import { Problem } from '../../platform/problem.js';
import { BrokenCell, type CellPlace, lengthPrefixed, NO_TAG, openCell, readHead, sealCell, TAG_BYTES } from './cell.js';
import type { FieldCipher, Slot } from './field-cipher.js';
import type { FieldCiphers, SealedProperty } from './field-ciphers.js';
import { equalText, shownJson } from './plain-value.js';

/**
 * The keys of one tenant as they are open in memory. Every field of every entity has keys of its own, derived by HKDF-SHA-256 (RFC 5869):
 * salt = the tenant, info = purpose, entity and field, each behind its length. Data keys stay `KeyObject`s, which print nothing of
 * themselves.
 */

export interface OpenKeys extends WrittenVersions {
  readonly tenantId: string;
  readonly epoch: number;
  /** By version. */
  readonly encrypt: ReadonlyMap<number, KeyObject>;
  readonly index: ReadonlyMap<number, KeyObject>;
}

/** Which versions of a tenant's keys are written. */
export interface WrittenVersions {
  /** That everything new is encrypted with. */
  readonly encryptVersion: number;
  /** That is searched for, and, while another takes its place, that one. */
  readonly indexVersion: number;
  readonly indexNext: number | null;
}

export interface SubjectKey {
  /** 16 bytes. */
  readonly id: Buffer;
  readonly key: KeyObject;
}

/** Keys of those whom records are about. */
export interface SubjectKeys {
  /** null: it was destroyed; undefined: there never was one. @throws SubjectsNeeded */
  byId(id: Buffer): KeyObject | null | undefined;
  /** @param about as the record says it. @throws SubjectsNeeded */
  of(about: string): SubjectKey;
}

/** A key of another time: the tenant's keys have changed since they were opened, or there never was such a version. */
export class UnknownKeyVersion extends Problem {
  /** @param place of the value; null: something was to be encrypted, or looked for */
  constructor(readonly place: CellPlace | null = null) {
    super('key/integrity', 'An encrypted value is under a key that the tenant does not have.');
  }
}

/** Keeps the places of whole texts apart from those of fields. */
export const TEXT_FIELD = '~text';

export class Keyring implements FieldCiphers {
  private readonly ciphers = new WeakMap<SealedProperty, FieldCipher>();
  private readonly derived = new Map<string, KeyObject>();

  constructor(
    private readonly keys: OpenKeys,
    private readonly subjects: SubjectKeys,
  ) {}

  get epoch(): number {
    return this.keys.epoch;
  }

  cipherOf(entityId: string, property: SealedProperty): FieldCipher {
    const known = this.ciphers.get(property);
    if (known) return known;
    const cipher = this.makeCipher(entityId, property);
    this.ciphers.set(property, cipher);
    return cipher;
  }

  sealText(label: string, id: string, text: string): Buffer {
    const place = this.place(label, TEXT_FIELD, id);
    const { encryptVersion: version } = this.keys;
    return sealCell(this.cellKey(place, version, null), place, { version, tags: null, subject: null }, Buffer.from(text, 'utf8'));
  }

  openText(label: string, id: string, sealed: Buffer): string {
    return this.open(this.place(label, TEXT_FIELD, id), sealed) as string;
  }

  /** Which versions everything new is written under. */
  get written(): WrittenVersions {
    const { encryptVersion, indexVersion, indexNext } = this.keys;
    return { encryptVersion, indexVersion, indexNext };
  }

  /**
   * The same value as it would be written now, about the same subject; null: the key of whom it is about was destroyed.
   * @param cell the text of the column. @throws SubjectsNeeded, BrokenCell
   */
  renewed(entityId: string, { encrypted }: SealedProperty, recordId: string, cell: string): string | null {
    const { of, field } = encrypted ?? {};
    if (of === undefined || field === undefined) throw new Error('the property is not encrypted, or of no entity in force');
    const place = this.place(entityId, field, recordId);
    const bytes = cellBytes(cell, place);
    const plain = this.open(place, bytes);
    if (plain === null) return null;
    const { tags: before, subject: id } = readHead(bytes, place);
    const key = id && this.subjects.byId(id);
    const subject = id && key ? { id, key } : null;
    const tags = before && this.tags(place, equalText(of, JSON.parse(plain) as JsonValue));
    const { encryptVersion: version } = this.keys;
    const head = { version, tags, subject: id };
    return hexText(sealCell(this.cellKey(place, version, subject), place, head, Buffer.from(plain, 'utf8')));
  }

  private makeCipher(entityId: string, { encrypted, precision, scale }: SealedProperty): FieldCipher {
    const { of, searchable, field } = encrypted ?? {};
    if (of === undefined || field === undefined) throw new Error('the property is not encrypted, or of no entity in force');
    const { epoch, encryptVersion: version, indexVersion } = this.keys;
    const digits = { ...(precision !== undefined && { precision }), ...(scale !== undefined && { scale }) };
    return {
      epoch,
      slot: slotOf(indexVersion),
      seal: (recordId, value, about) => {
        const place = this.place(entityId, field, recordId);
        const subject = about === null ? null : this.subjects.of(about);
        const tags = searchable ? this.tags(place, equalText(of, value)) : null;
        const plain = Buffer.from(shownJson(of, digits, value), 'utf8');
        const head = { version, tags, subject: subject?.id ?? null };
        return hexText(sealCell(this.cellKey(place, version, subject), place, head, plain));
      },
      open: (recordId, cell) => {
        const place = this.place(entityId, field, recordId);
        return this.open(place, cellBytes(cell, place));
      },
      tag: (value) => hexText(this.tag(entityId, field, indexVersion, equalText(of, value as JsonValue))),
    };
  }

  /** null: the key of whom it is about was destroyed. */
  private open(place: CellPlace, cell: Buffer): string | null {
    const { version, subject: id } = readHead(cell, place);
    const key = id && this.subjects.byId(id);
    if (key === undefined) throw new BrokenCell(place);
    if (id && !key) return null;
    const subject = id && key ? { id, key } : null;
    if (!this.keys.encrypt.has(version)) throw new UnknownKeyVersion(place);
    return openCell(this.cellKey(place, version, subject), place, cell).toString('utf8');
  }

  private place(entityId: string, field: string, recordId: string): CellPlace {
    return { tenantId: this.keys.tenantId, entityId, field, recordId: recordId.toLowerCase() };
  }

  private tags({ entityId, field }: CellPlace, text: string): [Buffer, Buffer] {
    const tags: [Buffer, Buffer] = [NO_TAG, NO_TAG];
    const { indexVersion, indexNext } = this.keys;
    for (const version of indexNext === null ? [indexVersion] : [indexVersion, indexNext]) {
      tags[slotOf(version)] = this.tag(entityId, field, version, text);
    }
    return tags;
  }

  private tag(entityId: string, field: string, version: number, text: string): Buffer {
    const key = this.derive('index', version, [entityId, field]);
    return createHmac('sha256', key).update(text, 'utf8').digest().subarray(0, TAG_BYTES);
  }

  /** Those of whom a record is about take part: without theirs, the tenant's alone opens nothing. */
  private cellKey({ entityId, field }: CellPlace, version: number, subject: SubjectKey | null): KeyObject {
    if (subject === null) return this.derive('encrypt', version, [entityId, field]);
    return this.derive('encrypt', version, [entityId, field, subject.id.toString('hex')], subject.key);
  }

  private derive(purpose: 'encrypt' | 'index', version: number, info: readonly string[], subject?: KeyObject): KeyObject {
    const known = this.derived.get(`${purpose} ${version} ${info.join(' ')}`);
    if (known) return known;
    const key = this.keys[purpose].get(version);
    if (!key) throw new UnknownKeyVersion();
    const material = subject ? Buffer.concat([key.export(), subject.export()]) : key;
    const bytes = Buffer.from(hkdfSync('sha256', material, this.keys.tenantId, lengthPrefixed([purpose, ...info]), 32));
    if (Buffer.isBuffer(material)) material.fill(0);
    const made = createSecretKey(bytes);
    bytes.fill(0);
    // Of as many people as there are, keys are derived anew each time.
    if (!subject) this.derived.set(`${purpose} ${version} ${info.join(' ')}`, made);
    return made;
  }
}

export function slotOf(indexVersion: number): Slot {
  return (indexVersion % 2) as Slot;
}

function cellBytes(cell: string, place: CellPlace): Buffer {
  if (!cell.startsWith('\\x')) throw new BrokenCell(place);
  return Buffer.from(cell.slice(2), 'hex');
}

function hexText(bytes: Buffer): string {
  return `\\x${bytes.toString('hex')}`;
}
