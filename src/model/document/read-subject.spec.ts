import type { JsonObject } from '../../platform/json-value.js';
import type { Fault, Problem } from '../../platform/problem.js';
import { readEntity } from './read-entity.js';

const PROPERTIES: JsonObject = {
  customer: { type: 'string', format: 'uuid' },
  note: { type: 'string', encrypted: true },
  maybe: { type: 'string' },
  nothing: { type: ['string', 'null'] },
  mixed: { type: ['string', 'integer'] },
};
const document = (words: JsonObject): JsonObject => ({
  ...{ type: 'object', properties: PROPERTIES, required: ['customer', 'nothing', 'mixed'] },
  ...words,
});

function faultsOf(words: JsonObject): string[] {
  try {
    readEntity('Visit', document(words));
    return [];
  } catch (error) {
    const { errors = [] } = (error as Problem).extensions as { errors?: readonly Fault[] };
    return errors.map(({ pointer, rule, message }) => `${pointer} [${rule}] ${message}`);
  }
}

describe('readSubject refuses', () => {
  it.each([
    ['client', 'there is no property "client"'],
    ['created_by', 'there is no property "created_by"'],
    ['note', '"note" is encrypted'],
    ['mixed', '"mixed" has no single scalar type'],
    ['maybe', 'a record without "maybe" would be about nobody: require it'],
    ['nothing', 'a record without "nothing" would be about nobody: require it, and do not let it be null'],
  ])('%s', (subject, message) => {
    expect(faultsOf({ subject })).toEqual([expect.stringContaining(`/subject [subject] ${message}`)]);
    expect(faultsOf({ 'x-subject': subject })).toEqual([expect.stringContaining('/x-subject [subject]')]);
  });

  it('an encrypted property that is required: once somebody is forgotten, nobody has it', () => {
    const required = ['customer', 'note'];
    expect(faultsOf({ subject: 'customer', required })).toEqual([
      '/properties/note [subject] is encrypted under the key of its subject, who may be forgotten: leave "note" out of required',
    ]);
    const nullable = { ...PROPERTIES, note: { type: ['string', 'null'], encrypted: true } };
    expect([faultsOf({ required }), faultsOf({ subject: 'customer', required, properties: nullable })]).toEqual([[], []]);
  });

  it('one of an entity where nothing is encrypted', () => {
    const { note: _, ...properties } = PROPERTIES;
    expect(faultsOf({ subject: 'customer', properties })).toEqual([
      '/subject [subject] nothing is kept under the keys of a subject where no property is encrypted: add "encrypted" to one, or ' +
        'leave "subject" out',
    ]);
  });

  it('what is no name, and the word on a property', () => {
    expect(faultsOf({ subject: '' })).toHaveLength(1);
    expect(faultsOf({ subject: 1 })).toHaveLength(1);
    expect(faultsOf({ properties: { ...PROPERTIES, a: { subject: 'customer' } } })).toEqual([
      expect.stringContaining('has a meaning at the root of the document only'),
    ]);
  });
});

it('an entity has the subject that its document names, and none where it names nobody', () => {
  expect(readEntity('Visit', document({ subject: 'customer' })).subject).toBe('customer');
  expect(readEntity('Visit', document({ 'x-subject': 'customer' })).subject).toBe('customer');
  expect(readEntity('Visit', document({}))).not.toHaveProperty('subject');
});
