import { readEntity } from '../document/read-entity.js';
import type { Entity } from '../entity.js';
import { EntityGraph } from './relationships.js';

/** Entities that refer to each other in every way there is, for the specs beside it. */

export const AUTHOR = readEntity('author', {
  type: 'object',
  properties: { name: { type: 'string', unique: true }, data: { type: 'object' } },
});

export const BOOK = readEntity('book', {
  type: 'object',
  properties: {
    number: { type: 'integer', unique: true },
    title: { type: 'string' },
    price: { type: 'number' },
    author: { type: 'string', relation: { entity: 'author', field: 'name', inverse: 'books' } },
    editor: { type: 'string', relation: { entity: 'author', field: 'name' } },
    sequel: { type: 'integer', relation: { entity: 'book', field: 'number', inverse: 'prequels' } },
  },
});

/** At most one of each book. */
export const COVER = readEntity('cover', {
  type: 'object',
  properties: {
    book: { type: 'integer', unique: true, relation: { entity: 'book', field: 'number' } },
    colour: { type: ['string', 'null'] },
  },
});

export const LABEL = readEntity('label', { type: 'object', properties: { word: { type: 'string', unique: true } } });

export const TAGGING = readEntity('tagging', {
  type: 'object',
  properties: {
    book: { type: 'integer', relation: { entity: 'book', field: 'number' } },
    label: { type: 'string', relation: { entity: 'label', field: 'word' } },
  },
  uniqueKeys: [['book', 'label']],
});

/** Links them too, and each pair as often as it likes: no way from one to many. */
export const NOTE = readEntity('note', {
  type: 'object',
  properties: {
    author: { type: 'string', relation: { entity: 'author', field: 'name' } },
    label: { type: 'string', relation: { entity: 'label', field: 'word' } },
  },
});

const ALL: readonly Entity[] = [AUTHOR, BOOK, COVER, LABEL, TAGGING, NOTE];

export const LIBRARY = new EntityGraph(new Map(ALL.map((entity) => [entity.name, { entity }])));
