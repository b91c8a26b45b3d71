import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { inspect } from 'node:util';
import type { ColumnType } from '../entity.js';
import { BrokenCell, openCell } from './cell.js';
import type { SealedProperty } from './field-ciphers.js';
import { Keyring, type OpenKeys, type SubjectKeys, UnknownKeyVersion } from './keyring.js';

const RECORD = '018f0000-0000-7000-8000-000000000001';
const key = (byte: number): KeyObject => createSecretKey(Buffer.alloc(32, byte));
const KEYS: OpenKeys = {
  ...{ tenantId: 'tenant-1', epoch: 4, encrypt: new Map([[1, key(1)]]), encryptVersion: 1 },
  ...{ index: new Map([[1, key(2)]]), indexVersion: 1, indexNext: null },
};
const NOBODY: SubjectKeys = {
  byId: () => {
    throw new Error('nobody is asked for');
  },
  of: () => {
    throw new Error('nobody is asked for');
  },
};

const ring = (keys: Partial<OpenKeys> = {}, subjects = NOBODY): Keyring => new Keyring({ ...KEYS, ...keys }, subjects);

function property(field = 'ssn@1', of: ColumnType = 'text', searchable = true): SealedProperty {
  return { encrypted: { of, searchable, field } };
}

const cipher = (keys: Partial<OpenKeys> = {}, entityId = 'entity-1', field = 'ssn@1') =>
  ring(keys).cipherOf(entityId, property(field));

describe('the keys of a tenant', () => {
  it('open nothing that was moved to another tenant, entity, field or record', () => {
    const cell = cipher().seal(RECORD, 'x', null);
    expect(() => cipher({ tenantId: 'tenant-2' }).open(RECORD, cell)).toThrow(BrokenCell);
    expect(() => cipher({}, 'entity-2').open(RECORD, cell)).toThrow(BrokenCell);
    expect(() => cipher({}, 'entity-1', 'ssn@2').open(RECORD, cell)).toThrow(BrokenCell);
    expect(() => cipher().open('018f0000-0000-7000-8000-000000000002', cell)).toThrow(BrokenCell);
    expect(cipher().open(RECORD, cell)).toBe('"x"');
    expect(cipher().open(RECORD.toUpperCase(), cell)).toBe('"x"');
  });

  it('open nothing of a version that the tenant does not have, and tell it apart from a broken cell', () => {
    const both = { encrypt: new Map([...KEYS.encrypt, [2, key(3)]]), encryptVersion: 2 };
    const cell = cipher(both).seal(RECORD, 'x', null);
    expect(() => cipher().open(RECORD, cell)).toThrow(UnknownKeyVersion);
    expect(cipher(both).open(RECORD, cell)).toBe('"x"');
    expect(cipher({ ...both, encryptVersion: 1 }).open(RECORD, cell)).toBe('"x"');
    expect(() => cipher({ encrypt: new Map([[2, key(4)]]) }).open(RECORD, cell)).toThrow(BrokenCell);
  });

  it('take nothing that is not written as bytes for a cell', () => {
    for (const text of ['', '"x"', 'x', '\\x', '\\x00', '123-45-6789']) {
      expect(() => cipher().open(RECORD, text)).toThrow(BrokenCell);
    }
  });

  it('find the same value under another tag in each tenant, entity, field and version of the key', () => {
    const later = { index: new Map([[2, key(5)]]), indexVersion: 2 };
    const tags = [
      cipher(),
      cipher({ tenantId: 'tenant-2' }),
      cipher({}, 'entity-2'),
      cipher({}, 'entity-1', 'ssn@2'),
      cipher({}, 'entity-1', 'phone@1'),
      cipher(later),
    ].map((each) => each.tag('123-45-6789'));
    expect(new Set(tags).size).toBe(tags.length);
    expect(tags.map((tag) => tag.length)).toEqual(tags.map(() => '\\x'.length + 32));
    expect(cipher().tag('123-45-6789')).toBe(tags[0]);
    expect(cipher().tag('123-45-678')).not.toBe(tags[0]);
  });

  it('write the tag of one version, and of both while one takes the place of the other', () => {
    const index = new Map([...KEYS.index, [2, key(5)]]);
    const next = cipher({ index, indexVersion: 2 });
    const slots = (keys: Partial<OpenKeys>): string[] => {
      const head = cipher(keys)
        .seal(RECORD, 'x', null)
        .slice('\\x'.length + 12);
      return [head.slice(0, 32), head.slice(32, 64)].map((tag) => `\\x${tag}`);
    };
    const none = `\\x${'00'.repeat(16)}`;
    expect(slots({})).toEqual([none, cipher().tag('x')]);
    expect(slots({ index, indexNext: 2 })).toEqual([next.tag('x'), cipher().tag('x')]);
    expect(slots({ index, indexVersion: 2 })).toEqual([next.tag('x'), none]);
    expect([cipher().slot, cipher({ index, indexNext: 2 }).slot, next.slot]).toEqual([1, 1, 0]);
  });

  it('are derived as RFC 5869 says: computed once more, step by step', () => {
    const prefixed = (...parts: string[]): Buffer =>
      Buffer.concat(parts.map((part) => Buffer.concat([Buffer.from([0, 0, 0, part.length]), Buffer.from(part)])));
    const derived = (from: KeyObject, purpose: string): Buffer => {
      const extracted = createHmac('sha256', 'tenant-1').update(from.export()).digest();
      return createHmac('sha256', extracted)
        .update(Buffer.concat([prefixed(purpose, 'entity-1', 'ssn@1'), Buffer.from([1])]))
        .digest();
    };
    const tag = createHmac('sha256', derived(key(2), 'index'))
      .update('ä')
      .digest()
      .subarray(0, 16);
    expect(cipher().tag('ä')).toBe(`\\x${tag.toString('hex')}`);
    const cell = Buffer.from(cipher().seal(RECORD, 'ä', null).slice(2), 'hex');
    const place = { tenantId: 'tenant-1', entityId: 'entity-1', field: 'ssn@1', recordId: RECORD };
    const opened = openCell(createSecretKey(derived(key(1), 'encrypt')), place, cell);
    expect(opened.toString()).toBe('"ä"');
  });

  it('are never those of what is encrypted and of what is found at once', () => {
    const same = { index: KEYS.encrypt };
    const cell = Buffer.from(cipher(same).seal(RECORD, 'x', null).slice(2), 'hex');
    const tag = cipher(same).tag('x');
    expect(tag).not.toBe(cipher().tag('x'));
    expect(cell.subarray(22, 38).toString('hex')).toBe(tag.slice(2));
  });

  it('encrypt whole texts for one purpose and one owner each', () => {
    const sealed = ring().sealText('answer', 'a', 'text');
    expect(ring().openText('answer', 'a', sealed)).toBe('text');
    expect(() => ring().openText('answer', 'b', sealed)).toThrow(BrokenCell);
    expect(() => ring().openText('import', 'a', sealed)).toThrow(BrokenCell);
    expect(() => ring({ tenantId: 'tenant-2' }).openText('answer', 'a', sealed)).toThrow(BrokenCell);
  });

  it('give no cipher for what is not encrypted, or is of no entity in force', () => {
    expect(() => ring().cipherOf('entity-1', {})).toThrow();
    expect(() => ring().cipherOf('entity-1', { encrypted: { of: 'text', searchable: false } })).toThrow();
  });

  it('are shown by nothing that prints or writes what holds them', () => {
    const open = ring();
    const of = open.cipherOf('entity-1', property());
    of.open(RECORD, of.seal(RECORD, 'a secret value', null));
    of.tag('a secret value');
    const error = (() => {
      try {
        return of.open('018f0000-0000-7000-8000-000000000002', of.seal(RECORD, 'a secret value', null));
      } catch (caught) {
        return caught;
      }
    })();
    const shown = [open, of, error].flatMap((each) => [
      inspect(each, { depth: null, showHidden: true, getters: true }),
      JSON.stringify(each) ?? '',
      String(each),
    ]);
    const bytes = [1, 2].map((byte) => Buffer.alloc(32, byte));
    const forms = bytes.flatMap((each) => [each.toString('hex'), each.toString('base64'), [...each].join(', ')]);
    for (const text of shown) {
      expect(forms.filter((form) => text.includes(form))).toEqual([]);
      expect(text).not.toContain('secret value');
      // As `inspect` prints bytes.
      expect(text).not.toMatch(/(?:01 ){8}|(?:02 ){8}|0x?01, ?0x?01/);
    }
  });
});

describe('the keys of whom a record is about', () => {
  const somebody = (byte: number): SubjectKeys => {
    const known = { id: Buffer.alloc(16, byte), key: key(byte) };
    return { of: () => known, byId: () => known.key };
  };

  it("take part in the encryption: the tenant's alone open nothing, nor do another person's", () => {
    const cell = ring({}, somebody(7)).cipherOf('entity-1', property()).seal(RECORD, 'x', 'ada');
    expect(ring({}, somebody(7)).cipherOf('entity-1', property()).open(RECORD, cell)).toBe('"x"');
    expect(() => ring({}, somebody(8)).cipherOf('entity-1', property()).open(RECORD, cell)).toThrow(BrokenCell);
    expect(() => ring().cipherOf('entity-1', property()).open(RECORD, cell)).toThrow('nobody is asked for');
  });

  it('that never were there say that the cell is broken', () => {
    const cell = ring({}, somebody(7)).cipherOf('entity-1', property()).seal(RECORD, 'x', 'ada');
    const nobody: SubjectKeys = { ...somebody(8), byId: () => undefined };
    expect(() => ring({}, nobody).cipherOf('entity-1', property()).open(RECORD, cell)).toThrow(BrokenCell);
  });

  it('once destroyed leave nothing of the value, which is no fault', () => {
    const cell = ring({}, somebody(7)).cipherOf('entity-1', property()).seal(RECORD, 'x', 'ada');
    const nobody: SubjectKeys = { ...somebody(8), byId: () => null };
    expect(ring({}, nobody).cipherOf('entity-1', property()).open(RECORD, cell)).toBeNull();
  });

  it('leave the tags alone, so that values are found whoever they are about', () => {
    const tag = (cell: string): string => cell.slice('\\x'.length + 12, '\\x'.length + 76);
    const [ada, bob] = [7, 8].map((byte) => ring({}, somebody(byte)).cipherOf('entity-1', property()).seal(RECORD, 'x', 'b'));
    expect(tag(ada as string)).toBe(tag(bob as string));
  });
});
