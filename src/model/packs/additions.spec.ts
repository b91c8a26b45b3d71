import type { JsonObject, JsonValue } from '../../platform/json-value.js';
import { LIMITS } from '../document/limits.js';
import { readEntity } from '../document/read-entity.js';
import { own, pack } from './additions.fixture.js';
import { additionsOf, withAdditions } from './additions.js';

const edited = (edit: (document: Record<string, JsonValue>) => void, from: JsonObject = withAdditions(pack, own)) => {
  const copy = structuredClone(from) as Record<string, JsonValue>;
  edit(copy);
  return copy;
};

/** The document with members of `properties` replaced or, by undefined, removed. */
const declaring = (properties: Readonly<Record<string, JsonValue | undefined>>) =>
  edited((document) => {
    const all = { ...(document.properties as JsonObject), ...properties };
    document.properties = Object.fromEntries(Object.entries(all).filter(([, schema]) => schema !== undefined)) as JsonObject;
  });

function faultsOf(wanted: JsonObject, of: JsonObject = pack) {
  const found = additionsOf(of, wanted);
  if ('additions' in found) throw new Error('it was accepted');
  return found.faults;
}

const placesOf = (wanted: JsonObject, of?: JsonObject) => faultsOf(wanted, of).map(({ pointer: at }) => at);

describe('additionsOf refuses', () => {
  it.each<[string, JsonObject, string[]]>([
    ['a changed title', edited((d) => (d.title = 'Thing')), ['/title']],
    ['a missing title', edited((d) => delete d.title), ['/title']],
    ['additionalProperties let go', edited((d) => (d.additionalProperties = true)), ['/additionalProperties']],
    ['a word of its own at the root', edited((d) => (d.$defs = {})), ['/$defs']],
    ['a synonym of such a word', edited((d) => (d['x-concurrency'] = 'required')), ['/x-concurrency']],
    ['a missing property', declaring({ tag: undefined }), ['/properties/tag']],
    ['a changed keyword', declaring({ tag: { type: 'string', title: 'Number', unique: true } }), ['/properties/tag/title']],
    [
      'an added keyword',
      declaring({ tag: { type: 'string', title: 'Tag', unique: true, maxLength: 9 } }),
      ['/properties/tag/maxLength'],
    ],
    ['a missing keyword', declaring({ tag: { type: 'string', title: 'Tag' } }), ['/properties/tag/unique']],
    [
      'a changed value deep inside',
      declaring({ kind: { type: 'string', enum: ['server', 'x'], index: true } }),
      ['/properties/kind/enum/1'],
    ],
    [
      'enum values in another order',
      declaring({ kind: { type: 'string', enum: ['other', 'server'], index: true } }),
      ['/properties/kind/enum/0'],
    ],
    [
      'a changed word under its synonym',
      declaring({ owner: { type: 'string', 'x-relation': { entity: 'Person', field: 'id' } } }),
      ['/properties/owner/x-relation/field'],
    ],
    ['true for an empty schema', declaring({ anything: {} }), ['/properties/anything']],
    ['a requirement dropped', edited((d) => (d.required = ['kind', 'room'])), ['/required']],
    ['a property of the pack required', edited((d) => (d.required = ['tag', 'kind', 'owner'])), ['/required/2']],
    ['a stranger required', edited((d) => (d.required = ['constructor', 'tag', 'kind'])), ['/required/0']],
    ['a system member required', edited((d) => (d.required = ['tag', 'kind', 'id'])), ['/required/2']],
    ['a required name twice', edited((d) => (d.required = ['tag', 'kind', 'tag'])), ['/required/2']],
    ['a required that is no name', edited((d) => (d.required = ['tag', 'kind', 7])), ['/required/2']],
    ['a unique key dropped', edited((d) => (d.uniqueKeys = [['room', 'tag']])), ['/uniqueKeys']],
    ['a unique key in another order', edited((d) => (d.uniqueKeys = [['kind', 'tag']])), ['/uniqueKeys']],
    ['all indexes dropped', edited((d) => delete d.indexes), ['/indexes', '/indexes']],
    ['one of two indexes dropped', edited((d) => (d.indexes = [['kind', '-created_at']])), ['/indexes']],
    [
      'no properties',
      edited((d) => delete d.properties),
      ['tag', 'kind', 'owner', 'anything'].map((name) => `/properties/${name}`).concat('/required/2'),
    ],
    ['properties of another shape', edited((d) => (d.properties = [])), ['/properties']],
    [
      'lists of another shape',
      edited((d) => Object.assign(d, { required: 'tag', uniqueKeys: {}, indexes: null })),
      ['/required', '/uniqueKeys', '/indexes'],
    ],
    ['a word spelt in two ways', edited((d) => (d['x-indexes'] = [])), ['/x-indexes']],
    [
      'a document with nothing',
      {},
      [
        '/title',
        '/type',
        '/additionalProperties',
        '/properties/tag',
        '/properties/kind',
        '/properties/owner',
        '/properties/anything',
        '/required',
        '/required',
        '/uniqueKeys',
        '/indexes',
        '/indexes',
      ],
    ],
  ])('%s', (_, wanted, places) => expect(placesOf(wanted)).toEqual(places));

  it('each with what to do about it', () => {
    const wanted = declaring({ tag: { type: 'integer', title: 'Tag', unique: true }, kind: undefined });
    expect(faultsOf({ ...wanted, $defs: {}, title: 'T', required: ['kind', 'owner'] })).toEqual([
      { pointer: '/title', rule: 'pack', message: '"title" belongs to the pack: send it unchanged' },
      {
        pointer: '/$defs',
        rule: 'pack',
        message:
          '"$defs" is not part of the pack, and only properties, required, uniqueKeys, indexes can be added to: leave it out',
      },
      {
        pointer: '/properties/tag/type',
        rule: 'pack',
        message: '"tag" belongs to the pack: send it unchanged, or declare a property of your own under another name',
      },
      { pointer: '/properties/kind', rule: 'pack', message: '"kind" belongs to the pack and is missing: send it unchanged' },
      { pointer: '/required', rule: 'pack', message: 'the entry "tag" belongs to the pack and is missing: send it unchanged' },
      {
        pointer: '/required/1',
        rule: 'pack',
        message: '"owner" is no property of your own: beyond what the pack requires, only those can be required',
      },
    ]);
  });

  it("members that everything inherits in place of the pack's own", () => {
    const hostile: JsonObject = { type: 'object', constructor: {}, properties: { toString: { type: 'string' }, valueOf: true } };
    expect(placesOf({ type: 'object', properties: {} }, hostile)).toEqual([
      '/constructor',
      '/properties/toString',
      '/properties/valueOf',
    ]);
  });

  it('a word at the root that objects inherit, as one that is not of the pack', () => {
    const [fault] = faultsOf({ ...withAdditions(pack, own), toString: 'ours' });
    expect(fault).toMatchObject({ pointer: '/toString', message: expect.stringContaining('"toString" is not part of the pack') });
  });

  it.each([
    ['at the root', '{"__proto__":{"properties":{"tag":{}}},"type":"object"}', '/__proto__'],
    ['as a property', '{"properties":{"__proto__":{"type":"string"}}}', '/properties/__proto__'],
    ['in a property of the pack', '{"properties":{"anything":{"__proto__":{}}}}', '/properties/anything/__proto__'],
  ])('__proto__ %s', (_, text, at) => expect(faultsOf(JSON.parse(text))).toMatchObject([{ pointer: at, rule: 'name' }]));

  it('documents without measure, each within a second and with no more than 100 faults of bearable length', () => {
    const deep = JSON.parse(`${'{"properties":'.repeat(5_000)}{}${'}'.repeat(5_000)}`);
    const many = edited((d) => (d.required = Array.from({ length: 5_000 }, (_, i) => `p${i}`)));
    const long = edited((d) => (d['x'.repeat(LIMITS.keyLength)] = { a: 1 }));
    for (const wanted of [deep, many, long, { ['y'.repeat(1_000_000)]: { a: '\u0000' } }]) {
      const faults = faultsOf(wanted);
      expect(faults.length).toBeLessThanOrEqual(100);
      expect(JSON.stringify(faults).length).toBeLessThan(100_000);
    }
  });
});

describe('additionsOf accepts', () => {
  it("the pack's document as it is, which adds nothing", () => expect(additionsOf(pack, pack)).toEqual({ additions: {} }));

  it('additions, spelt as the tenant wrote them', () => {
    expect(additionsOf(pack, withAdditions(pack, own))).toEqual({ additions: own });
  });

  it("the same in another order and with x-, keeping the order of the tenant's own", () => {
    const wanted: JsonObject = {
      'x-indexes': [['floor', '-kind'], { method: 'brin', fields: ['owner'] }, ['kind', '-created_at'], ['room', 'floor']],
      properties: {
        floor: { 'x-index': true, type: 'integer' },
        owner: { 'x-relation': { field: 'email', entity: 'Person' }, type: 'string' },
        room: { type: 'string', 'x-unique': true },
        anything: true,
        kind: { index: true, enum: ['server', 'other'], type: 'string' },
        tag: { unique: true, title: 'Tag', type: 'string', 'x-unique': true },
      },
      'x-uniqueKeys': [
        ['room', 'tag'],
        ['tag', 'kind'],
      ],
      required: ['floor', 'kind', 'room', 'tag'],
      additionalProperties: false,
      type: 'object',
      title: 'Asset',
    };
    const indexes = [
      ['floor', '-kind'],
      ['room', 'floor'],
    ];
    expect(additionsOf(pack, wanted)).toEqual({ additions: { ...own, required: ['floor', 'room'], indexes } });
  });

  it('own properties under names that objects inherit, which are then for readEntity to refuse', () => {
    const wanted = declaring({ constructor: { type: 'string' }, room: undefined, floor: undefined });
    const found = additionsOf(pack, {
      ...wanted,
      required: ['tag', 'kind'],
      uniqueKeys: pack.uniqueKeys!,
      indexes: pack.indexes!,
    });
    expect(found).toEqual({ additions: { properties: { constructor: { type: 'string' } } } });
  });

  it("the pack's index once more, as something the tenant has asked for too", () => {
    const indexes = [['kind', '-created_at']];
    expect(additionsOf(pack, withAdditions(pack, { indexes }))).toEqual({ additions: { indexes } });
  });
});

describe('withAdditions', () => {
  it('refuses a property that the pack declares too', () => {
    expect(() => withAdditions(pack, { properties: { tag: true } })).toThrow('the pack and the tenant both declare "tag"');
  });

  it('puts the pack first and changes neither', () => {
    const [before, given] = [structuredClone(pack), structuredClone(own)];
    const document = withAdditions(pack, own);
    expect([pack, own]).toEqual([before, given]);
    expect(Object.keys(document)).toEqual(Object.keys(pack));
    expect(Object.keys(document.properties!)).toEqual(['tag', 'kind', 'owner', 'anything', 'room', 'floor']);
    expect(document.required).toEqual(['tag', 'kind', 'room']);
    expect(readEntity('Asset', document).uniqueKeys.map(({ properties }) => properties)).toEqual([
      ['tag'],
      ['room'],
      ['tag', 'kind'],
      ['room', 'tag'],
    ]);
  });

  it("gives the pack's document itself when nothing is added", () => expect(withAdditions(pack, {})).toEqual(pack));

  it('spells a list as the pack does, and declares what the pack has nothing of', () => {
    const { uniqueKeys, indexes, ...rest } = pack;
    const spelt = withAdditions({ ...rest, 'x-indexes': indexes! }, own);
    expect(spelt).toMatchObject({ uniqueKeys: own.uniqueKeys, 'x-indexes': [...(indexes as []), ...own.indexes!] });
    expect(Object.hasOwn(spelt, 'indexes')).toBe(false);
    expect(withAdditions({ type: 'object' }, own)).toEqual({ type: 'object', ...own });
  });
});
