import type { JsonObject, JsonValue } from '../../platform/json-value.js';
import { notSupportedFaults } from './not-supported.js';

const root = (words: JsonObject): JsonObject => ({ type: 'object', ...words });
const property = (words: JsonObject): JsonObject => ({ type: 'object', properties: { 'p/q': words } });

describe('notSupportedFaults refuses rather than stores without protection', () => {
  it.each<[string, JsonObject]>([
    ['/semanticSearch', root({ semanticSearch: {} })],
    ['/indexes/0/where', root({ indexes: [{ fields: ['a'], where: 'status = 1' }] })],
    ['/indexes/1/method', root({ indexes: [['a'], { fields: ['a'], method: 'trgm' }] })],
    ['/properties/p~1q/searchable', property({ searchable: true })],
    ['/properties/p~1q/semantic', property({ semantic: true })],
    ['/properties/p~1q/semantic', property({ semantic: { weight: 2 } })],
    ['/properties/p~1q/generated', property({ generated: 'sequence' })],
    ['/properties/p~1q/index/method', property({ index: { method: 'trgm' } })],
    ['/properties/p~1q/relation/many', property({ relation: { entity: 'A', many: true } })],
  ])('%s', (pointer, document) => {
    expect(notSupportedFaults(document)).toEqual([
      {
        pointer,
        rule: 'not-supported',
        message: `this version of the server does not implement ${pointer}: the definition was refused rather than stored without it`,
      },
    ]);
  });

  it.each<[string, JsonValue]>([
    [
      'what is switched off',
      {
        properties: { a: { searchable: false, semantic: false } },
      },
    ],
    [
      'what is implemented',
      {
        ...{ softDelete: true, history: 'full', retention: { deletedDays: 1 } },
        indexes: [['a'], { fields: ['a'], method: 'gin' }],
        properties: {
          a: { generated: 'uuid', index: true, relation: { entity: 'A', many: false } },
          c: { encrypted: { searchable: 'equality' } },
          b: { pii: 'email', redact: 'hash', access: { read: [] } },
        },
      },
    ],
    ['properties named like words', { properties: { softDelete: { type: 'boolean' }, encrypted: { type: 'string' } } }],
    ['data', { const: { rowRules: 1 }, properties: { a: { default: { semantic: true } } } }],
  ])('but accepts %s', (_, document) => expect(notSupportedFaults(document as JsonObject)).toEqual([]));
});
