import type { JsonObject, JsonValue } from '../../platform/json-value.js';
import { readEntity } from '../document/read-entity.js';
import type { Entity } from '../entity.js';
import { compareEntities } from './compare.js';

const EQUALITY: JsonObject = { searchable: 'equality' };

function person(ssn: JsonObject, words: JsonObject = {}): Entity {
  const properties = { ssn: { type: 'string', ...ssn }, owner: { type: 'string' }, other: { type: 'string' } };
  const document = { type: 'object', additionalProperties: false, properties, required: ['owner', 'other'], ...words };
  return readEntity('Person', document);
}

const told = (before: Entity, after: Entity): string[] =>
  compareEntities(before, after).map(({ kind, pointer, message, additive }) => {
    return `${additive ? '+' : '-'} ${kind} ${pointer}: ${message}`;
  });

describe('compareEntities › encryption', () => {
  it.each<[JsonValue | undefined, JsonValue | undefined, string]>([
    [undefined, true, '"ssn" becomes encrypted, and is not found by its values'],
    [false, {}, '"ssn" becomes encrypted, and is not found by its values'],
    [undefined, EQUALITY, '"ssn" becomes encrypted, and is found by equal values only'],
    [true, undefined, '"ssn" is no longer encrypted'],
    [EQUALITY, false, '"ssn" is no longer encrypted'],
    [true, EQUALITY, '"ssn" stays encrypted, and is found by equal values only from now on'],
    [EQUALITY, true, '"ssn" stays encrypted, and is not found by its values from now on'],
  ])('from %j to %j is one change of its own, never an additive one', (was, is, message) => {
    const of = (encrypted: JsonValue | undefined): JsonObject => (encrypted === undefined ? {} : { encrypted });
    expect(told(person(of(was)), person(of(is)))).toEqual([`- encryption-changed /properties/ssn/encrypted: ${message}`]);
    const [change] = compareEntities(person(of(was)), person(of(is)));
    expect(change?.property).toBe('ssn');
  });

  it.each<[JsonObject, JsonObject]>([
    [{ encrypted: true }, { encrypted: {} }],
    [{}, { encrypted: false }],
  ])('from %j to %j says in another way what was so', (was, is) => {
    expect(compareEntities(person(was), person(is))).toMatchObject([{ kind: 'restated', additive: true }]);
  });

  it('is not a change of type, and a change of type is one of the values', () => {
    expect(told(person({ encrypted: true }), person({ type: 'integer', encrypted: true }))).toEqual([
      '- type-changed /properties/ssn/type: the type changes from text to bigint',
    ]);
    const bytes = { type: 'string', format: 'byte' };
    expect(told(person(bytes), person({ ...bytes, encrypted: true }))).toEqual([
      expect.stringContaining('- encryption-changed /properties/ssn/encrypted'),
    ]);
  });

  it('of a new optional property is additive, with its index and with whom it is about', () => {
    const none = person({});
    const { ssn: _, ...others } = none.document.properties as JsonObject;
    const before = readEntity('Person', { ...none.document, properties: others });
    expect(told(before, person({ encrypted: EQUALITY }, { subject: 'owner' }))).toEqual([
      '+ property-added /properties/ssn: the optional property "ssn" is added',
      '+ subject-changed /subject: whom records are about changes, for encrypted values that are written from now on',
    ]);
  });

  it('does not see what a property is called for ever, and who opens it', () => {
    const bare = person({ encrypted: true });
    const [ssn, ...others] = bare.properties;
    const field = { ...bare, properties: [{ ...ssn!, encrypted: { ...ssn!.encrypted!, field: 'ssn@1' } }, ...others] };
    const after = person({ encrypted: true }, { title: 'Person' });
    expect(told(field, after)).toEqual(['+ annotation-changed /title: the annotation at /title changes']);
  });

  it('under the keys of somebody else is not additive: what is written stays under the old ones', () => {
    const by = (subject?: string) => person({ encrypted: true }, subject === undefined ? {} : { subject });
    for (const [was, is] of [['owner', 'other'], ['owner'], [undefined, 'owner']] as const) {
      expect(compareEntities(by(was), by(is))).toMatchObject([{ kind: 'subject-changed', pointer: '/subject', additive: false }]);
    }
  });

  it('under the keys of the same subject by another name is no change', () => {
    const before = person({ encrypted: true }, { subject: 'owner' });
    const { owner: _, ...rest } = before.document.properties as JsonObject;
    const after = readEntity('Person', {
      ...before.document,
      ...{ properties: { ...rest, holder: { type: 'string', renamedFrom: 'owner' } }, required: ['holder', 'other'] },
      subject: 'holder',
    });
    expect(compareEntities(before, after).map(({ kind, pointer }) => `${kind} ${pointer}`)).toEqual([
      'property-renamed /properties/holder/renamedFrom',
      'restated /subject',
    ]);
  });
});
