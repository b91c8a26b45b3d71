import { createSecretKey, type KeyObject } from 'node:crypto';
import type { JsonValue } from '../../platform/json-value.js';
import type { ColumnType } from '../entity.js';
import { BrokenCell } from './cell.js';
import type { SealedProperty } from './field-ciphers.js';
import { Keyring, type OpenKeys, type SubjectKeys } from './keyring.js';

const RECORD = '018f0000-0000-7000-8000-000000000001';
const key = (byte: number): KeyObject => createSecretKey(Buffer.alloc(32, byte));
const OLD: OpenKeys = {
  ...{ tenantId: 'tenant-1', epoch: 1, encrypt: new Map([[1, key(1)]]), encryptVersion: 1 },
  ...{ index: new Map([[1, key(2)]]), indexVersion: 1, indexNext: null },
};
const BOTH: OpenKeys = {
  ...OLD,
  ...{ encrypt: new Map([...OLD.encrypt, [2, key(3)]]), encryptVersion: 2 },
  ...{ index: new Map([...OLD.index, [2, key(4)]]), indexNext: 2 },
};
const NEW: OpenKeys = { ...BOTH, indexVersion: 2, indexNext: null };

const SUBJECT = Buffer.alloc(16, 7);
const somebody = (isGone: boolean): SubjectKeys => ({
  byId: () => (isGone ? null : key(9)),
  of: () => ({ id: SUBJECT, key: key(9) }),
});
const ring = (keys: OpenKeys, isGone = false): Keyring => new Keyring(keys, somebody(isGone));
const property = (of: ColumnType, searchable = true): SealedProperty => ({ encrypted: { of, searchable, field: 'f@1' } });
const renewed = (keys: OpenKeys, of: SealedProperty, cell: string): string =>
  ring(keys).renewed('entity', of, RECORD, cell) as string;

const VALUES: readonly (readonly [ColumnType, JsonValue])[] = [
  ['text', 'Añ\u{1f600}'],
  ['uuid', '018F0000-0000-7000-8000-00000000000A'],
  ['date', '2026-02-28'],
  ['timestamptz', '2026-02-28T10:00:00.1200+02:00'],
  ['time', '10:00:00.500+01:00'],
  ['inet', '2001:DB8:0:0::1'],
  ['bytea', 'AQID'],
  ['numeric', '0012.500'],
  ['bigint', 9_007_199_254_740_991],
  ['double precision', -0],
  ['boolean', true],
];

describe('a value that is written anew', () => {
  it.each(VALUES)('of %s says what it said, and is found by what finds the same value', (of, value) => {
    const sealed = property(of);
    const cell = ring(OLD).cipherOf('entity', sealed).seal(RECORD, value, null);
    const cipher = ring(NEW).cipherOf('entity', sealed);
    for (const again of [renewed(NEW, sealed, cell), renewed(NEW, sealed, renewed(BOTH, sealed, cell))]) {
      expect(cipher.open(RECORD, again)).toBe(ring(OLD).cipherOf('entity', sealed).open(RECORD, cell));
      expect(again.slice(2, 14)).toBe('020100000002');
      expect(`\\x${again.slice(14, 46)}`).toBe(cipher.tag(value));
      expect(again.slice(46, 78)).toBe('00'.repeat(16));
    }
  });

  it('has the tags of both keys while one takes the place of the other', () => {
    const sealed = property('text');
    const cell = ring(OLD).cipherOf('entity', sealed).seal(RECORD, 'x', null);
    const both = renewed(BOTH, sealed, cell);
    expect(`\\x${both.slice(46, 78)}`).toBe(ring(OLD).cipherOf('entity', sealed).tag('x'));
    expect(`\\x${both.slice(14, 46)}`).toBe(ring(NEW).cipherOf('entity', sealed).tag('x'));
  });

  it('stays one that is not found, and one about the same subject', () => {
    const sealed = property('text', false);
    const plain = ring(OLD).cipherOf('entity', sealed).seal(RECORD, 'x', null);
    expect(renewed(NEW, sealed, plain)).toMatch(/^\\x010100000002/);
    const about = ring(OLD).cipherOf('entity', property('text')).seal(RECORD, 'x', 'ann');
    expect(renewed(NEW, property('text'), about).slice(0, 110)).toMatch(
      new RegExp(`^\\\\x040100000002[0-9a-f]{64}${SUBJECT.toString('hex')}$`),
    );
  });

  it('is not, where the key of its subject was destroyed', () => {
    const cell = ring(OLD).cipherOf('entity', property('text')).seal(RECORD, 'x', 'ann');
    expect(ring(NEW, true).renewed('entity', property('text'), RECORD, cell)).toBeNull();
  });

  it('is not, where it is not what was stored', () => {
    const cell = ring(OLD).cipherOf('entity', property('text')).seal(RECORD, 'x', null);
    for (const broken of [`${cell.slice(0, -2)}00`, 'x', cell.slice(0, 60)]) {
      expect(() => renewed(NEW, property('text'), broken)).toThrow(BrokenCell);
    }
  });
});
