import type { JsonObject, JsonValue } from '../../platform/json-value.js';
import { compareVersions, isVersion, readPack } from './pack.js';

const manifest = { name: 'lib', version: '1.0.0', title: 'Library', description: 'Books.', entities: ['Author', 'Book'] };

const documents: Record<string, JsonValue> = {
  Author: { type: 'object', properties: { code: { type: 'string', 'x-unique': true }, born: { type: 'integer' } } },
  Book: { type: 'object', properties: { author: { type: 'string', relation: { entity: 'Author', field: 'code' } } } },
};

function read(over: JsonObject = {}, docs: Record<string, JsonValue> = {}) {
  return readPack({ ...manifest, ...over }, (name) => ({ ...documents, ...docs })[name] as JsonValue);
}

const related = (relation: JsonObject) => ({ Book: { type: 'object', properties: { author: { type: 'string', relation } } } });

describe('readPack refuses', () => {
  it.each<[JsonObject, string]>([
    [{ name: 'Lib' }, 'pack.json at /name: "Lib" is not a name'],
    [{ name: '../lib' }, 'pack.json at /name'],
    [{ name: '' }, 'pack.json at /name: a text'],
    [{ version: '1.0' }, 'pack.json at /version: "1.0" is not a version'],
    [{ version: '1.0.0-rc.1' }, 'pack.json at /version'],
    [{ version: 1 }, 'pack.json at /version: a text'],
    [{ title: ' ' }, 'pack.json at /title: a text'],
    [{ description: null }, 'pack.json at /description: a text'],
    [{ 'a/b': 1 }, 'pack.json at /a~1b: a manifest has name, version, title, description, entities and nothing else'],
    [{ entities: [] }, 'pack.json at /entities: a list'],
    [{ entities: 'Author' }, 'pack.json at /entities: a list'],
    [{ entities: ['Author', 7] }, 'pack.json at /entities/1: an entity name'],
    [{ entities: ['Author', 'Author'] }, 'pack.json at /entities/1: "Author" is listed already'],
    [{ entities: ['Author', 'author'] }, 'pack.json at /entities/1: "author" is listed already'],
    [{ entities: ['Pack'] }, 'pack.json at /entities/0: an entity "Pack" would have the manifest for its document'],
  ])('the manifest with %j', (over, message) => expect(() => read(over)).toThrow(message));

  it.each([[null], ['pack'], [[manifest]]])('the manifest %j', (value) => {
    expect(() => readPack(value, () => ({}))).toThrow('pack.json: it is not an object');
  });

  it.each(['title', 'entities'])('a manifest without %s, whatever objects inherit', (member) => {
    const { [member as 'title']: _, ...rest } = manifest;
    expect(() => readPack(rest, (name) => documents[name]!)).toThrow(`pack.json at /${member}: `);
  });

  it('a name that is a path or inherited, before it asks for its document', () => {
    const documentOf = jest.fn();
    for (const name of ['../../etc/passwd', 'a/b', '__proto__', 'constructor', 'rpc', '']) {
      expect(() => readPack({ ...manifest, entities: [name] }, documentOf)).toThrow('pack.json at /entities/0: the entity name');
    }
    expect(documentOf).not.toHaveBeenCalled();
  });

  it.each<[Record<string, JsonValue>, string]>([
    [{ Author: [] }, 'Author.json'],
    [{ Author: { type: 'object', uniqueKey: [] } }, 'Author.json at /uniqueKey: the keyword "uniqueKey" is not known'],
    [{ Author: { type: 'object', semanticSearch: {}, required: ['x'], additionalProperties: false } }, ' (and 1 more)'],
    [related({ entity: 'Editor' }), 'Book.json at /properties/author/relation: a relation leads to "Editor", which pack.json'],
    [related({ entity: 'Author', field: 'born' }), 'Book.json at /properties/author/relation/field: "born" of "Author" is not'],
    [related({ entity: 'Author' }), 'Book.json at /properties/author/relation/field'],
  ])('the documents %j', (docs, message) => expect(() => read({}, docs)).toThrow(message));

  it('an order in which a relation comes before its target', () => {
    expect(() => read({ entities: ['Book', 'Author'] })).toThrow('which pack.json does not list before "Book"');
  });

  it('what the caller could not read, in the words of the caller', () => {
    const documentOf = () => {
      throw new Error('no such file');
    };
    expect(() => readPack(manifest, documentOf)).toThrow('no such file');
  });
});

describe('readPack reads', () => {
  it('the manifest, and the documents as they are written', () => {
    const entities = ['Author', 'Book'].map((name) => ({ name, document: documents[name] }));
    expect(read()).toEqual({ ...manifest, entities });
  });

  it('a relation to the entity itself', () => {
    const sequel = { type: 'string', format: 'uuid', relation: { entity: 'Book' } };
    expect(read({}, { Book: { type: 'object', properties: { sequel } } }).entities).toHaveLength(2);
  });
});

describe('compareVersions', () => {
  it.each(['1', '1.0', '1.0.0.0', 'v1.0.0', '01.0.0', '1.0.0-a', '1.0.0+a', ' 1.0.0', '1.0.0\n', '-1.0.0', '1.1234567890.0', ''])(
    'refuses %j',
    (version) => {
      expect(isVersion(version)).toBe(false);
      expect(() => compareVersions(version, '1.0.0')).toThrow('is not a version');
      expect(() => compareVersions('1.0.0', version)).toThrow('is not a version');
    },
  );

  it('sorts by number, not by text', () => {
    const sorted = ['0.0.9', '0.0.10', '0.9.0', '0.10.0', '1.0.0', '1.0.1', '1.2.0', '2.0.0', '10.0.0', '999999999.0.0'];
    expect([...sorted].reverse().sort(compareVersions)).toEqual(sorted);
    expect(compareVersions('1.2.3', '1.2.3')).toBe(0);
  });
});
