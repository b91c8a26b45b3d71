import fc from 'fast-check';
import { derivedName, entityNameFaults, MAX_PHYSICAL_BYTES, physicalName, propertyNameFaults, shown } from './names.js';

const byteLength = (text: string) => Buffer.byteLength(text, 'utf8');
const messages = (faults: readonly { message: string }[]) => faults.map(({ message }) => message).join('\n');

describe('property names', () => {
  it.each([
    ['empty', '', 'is empty'],
    ['200 characters', 'a'.repeat(200), 'is 200 characters long; at most 128 are allowed'],
    ['the tenant column', 'tenant_id', 'is reserved'],
    ['the extras column', '_extra', 'is reserved'],
    ['a name like the extras column', '_extra_2', 'is reserved'],
    ['__proto__', '__proto__', 'JavaScript gives every object'],
    ['constructor', 'constructor', 'JavaScript gives every object'],
    ['prototype', 'prototype', 'JavaScript gives every object'],
    ['toString', 'toString', 'JavaScript gives every object'],
    ['a quote', 'a"b', 'has the character U+0022 at position 2'],
    ['an apostrophe', "a'b", 'has the character U+0027 at position 2'],
    ['a semicolon', 'a; drop table x', 'has the character U+003B at position 2'],
    ['NUL', 'a\u0000', 'has the character U+0000 at position 2'],
    ['a newline', 'a\nb', 'has the character U+000A at position 2'],
    ['an emoji', 'a😀', 'has the character U+1F600 at position 2'],
    ['a right-to-left override', 'a\u202eb', 'has the character U+202E at position 2'],
    ['a zero-width joiner', 'a\u200db', 'has the character U+200D at position 2'],
    ['a space', 'a b', 'has the character U+0020 at position 2'],
    ['a dot', 'a.b', 'has the character U+002E at position 2'],
    ['a leading digit', '1a', 'has the character U+0031 at position 1'],
    ['a leading minus', '-a', 'has the character U+002D at position 1'],
    ['a leading combining mark', '\u0301a', 'has the character U+0301 at position 1'],
    ['a decomposed letter', 'e\u0301', 'form NFC'],
    ['a lone surrogate', 'a\ud800', 'has the character U+D800 at position 2'],
  ])('refuse %s', (_, name, message) => {
    const faults = propertyNameFaults(name, '/properties/x');
    expect(messages(faults)).toContain(message);
    expect(faults).toEqual([expect.objectContaining({ pointer: '/properties/x', rule: 'name' })]);
  });

  it.each([
    'a',
    '_a',
    '_version',
    'select',
    'order',
    'AlbumId',
    'größe',
    'имя',
    '名前',
    'اسم',
    'नाम',
    'a-b',
    'a1',
    'x'.repeat(128),
  ])('accept %s', (name) => expect(propertyNameFaults(name, '')).toEqual([]));
});

describe('entity names', () => {
  it.each([
    ['', 'is empty'],
    ['a'.repeat(129), 'is 129 characters long'],
    ['_a', 'U+005F at position 1'],
    ['1a', 'U+0031 at position 1'],
    ['a/b', 'U+002F at position 2'],
    ['a.b', 'U+002E at position 2'],
    ['größe', 'U+00F6 at position 3'],
    ['constructor', 'JavaScript gives every object'],
    ['rpc', 'is part of a path'],
  ])('refuse %j', (name, message) => expect(messages(entityNameFaults(name, ''))).toContain(message));

  it.each(['Album', 'order-items', 'order_items', 'a', 'Z9', 'table'])('accept %s', (name) => {
    expect(entityNameFaults(name, '')).toEqual([]);
  });
});

describe('physicalName', () => {
  it.each(['Album', 'AlbumId', 'order', 'größe', 'a-b', 'x'.repeat(45)])('keeps %s', (name) =>
    expect(physicalName(name)).toBe(name),
  );

  it.each([
    ['a system member', 'created_at', 'created_at~'],
    ['the id', 'id', 'id~'],
    ['a column every Postgres table has', 'xmin', 'xmin~'],
    ['a leading underscore', '_version', '_version~'],
    ['a long name', 'x'.repeat(46), `${'x'.repeat(19)}~`],
    ['quotes', 'a"b', 'a_b~'],
  ])('hashes %s', (_, name, start) => {
    expect(physicalName(name).startsWith(start)).toBe(true);
    expect(physicalName(name)).toHaveLength(start.length + 25);
  });

  it('stays the same between releases', () => {
    expect(physicalName('tenant_id')).toBe('tenant_id~3mtoiwjis3iwgo2delqh8hqkc');
  });

  it('tells names apart that share 64 bytes', () => {
    const shared = 'é'.repeat(32);
    expect(physicalName(`${shared}left`)).not.toBe(physicalName(`${shared}right`));
  });

  it.each([
    ['case pairs', 'name', 'Name'],
    ['homoglyphs', 'a', 'а'],
    ['composed and decomposed letters', 'é', 'e\u0301'],
    ['lone surrogates', '\ud800', '\ud801'],
    ['a name and its own hashed form', 'id', physicalName('id')],
  ])('tells %s apart', (_, left, right) => expect(physicalName(left)).not.toBe(physicalName(right)));

  it('gives any two names different identifiers of at most 45 bytes', () => {
    const name = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 100 }),
      fc.string({ unit: 'grapheme', minLength: 40, maxLength: 60 }),
    );
    fc.assert(
      fc.property(name, name, (left, right) => {
        const physical = physicalName(left);
        expect(byteLength(physical)).toBeLessThanOrEqual(MAX_PHYSICAL_BYTES);
        expect(physical).not.toMatch(/["'\u0000-\u001f]/);
        expect(physical === physicalName(right)).toBe(left === right);
      }),
    );
  });
});

describe('derivedName', () => {
  it('is readable while it is short', () => expect(derivedName(['Album', 'Title'], 'key')).toBe('Album.Title.key'));

  it('is never the name of a table', () => {
    expect(entityNameFaults(derivedName(['a'], 'key'), '')).not.toEqual([]);
    const long = derivedName(['a'.repeat(45)], 'key');
    expect(long).not.toBe(physicalName(long));
  });

  it.each([
    [
      ['a_b', 'c'],
      ['a', 'b_c'],
    ],
    [
      ['a.b', 'c'],
      ['a', 'b.c'],
    ],
    [
      ['a', 'b'],
      ['a', 'b', ''],
    ],
    [[], ['']],
  ])('tells %j and %j apart', (left, right) => expect(derivedName(left, 'key')).not.toBe(derivedName(right, 'key')));

  it('gives different parts different identifiers of at most 45 bytes', () => {
    const parts = fc.array(fc.string({ unit: 'grapheme', maxLength: 30 }), { maxLength: 4 });
    fc.assert(
      fc.property(parts, parts, (left, right) => {
        const name = derivedName(left, 'idx');
        expect(byteLength(name)).toBeLessThanOrEqual(MAX_PHYSICAL_BYTES);
        expect(name === derivedName(right, 'idx')).toBe(JSON.stringify(left) === JSON.stringify(right));
      }),
    );
  });
});

describe('shown', () => {
  it('keeps hostile text harmless and short', () => {
    expect(shown('a"b\u202e\n\u0000')).toBe('"a\\"b\\u{202e}\\n\\u0000"');
    expect(shown('x'.repeat(10_000)).length).toBeLessThan(70);
  });
});
