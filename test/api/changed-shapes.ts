/** Changes of what properties, keys and relations there are. */

import { document } from '../harness/definitions.js';
import { artist, type ChangeCase, INVALID, integer, open, TITLE, text } from './change-case.js';

export const CHANGED_SHAPES: readonly (readonly [string, ChangeCase])[] = [
  [
    'a required property with a default',
    {
      before: document(TITLE),
      records: [{ title: 'a' }, {}],
      after: document({ ...TITLE, kind: text({ default: 'new' }) }, { required: ['kind'] }),
      hold: [{ title: 'a', kind: 'new' }, { kind: 'new' }],
      filter: ['kind=eq.new', 3],
      taken: { title: 'b' },
      wrong: [{ kind: 1 }, INVALID, '/kind type'],
    },
  ],
  [
    'a property less',
    {
      before: document({ ...TITLE, stars: integer({ minimum: 1, unique: true, index: true }) }),
      records: [{ title: 'a', stars: 1 }, { stars: 2 }],
      after: document(TITLE),
      allow: ['destructive'],
      hold: [{ title: 'a' }, {}],
      filter: ['title=eq.a', 1],
      taken: { title: 'b' },
      wrong: [{ stars: 1 }, INVALID, '/stars additionalProperties'],
    },
  ],
  [
    'a required property less, where undeclared members are kept',
    {
      before: open({ ...TITLE, stars: { type: ['integer', 'null'] } }, { required: ['stars'] }),
      records: [
        { stars: 1, other: true },
        { stars: null, other: false },
      ],
      after: open(TITLE),
      allow: ['destructive'],
      hold: [{ other: true }, { other: false }],
      filter: ['title=is.null', 3],
      taken: { stars: 'anything now' },
      wrong: [{ title: 1 }, INVALID, '/title type'],
    },
  ],
  [
    'a renamed property with its key, its check and its relation',
    {
      before: document({ by: artist({ onDelete: 'cascade' }), code: text({ unique: true, maxLength: 3 }) }, { required: ['by'] }),
      records: [
        { by: 1, code: 'a' },
        { by: 2, code: 'b' },
      ],
      after: document(
        {
          author: { ...artist({ onDelete: 'cascade' }), renamedFrom: 'by' },
          sign: text({ unique: true, maxLength: 3, renamedFrom: 'code' }),
        },
        { required: ['author'] },
      ),
      hold: [
        { author: 1, sign: 'a' },
        { author: 2, sign: 'b' },
      ],
      filter: ['author=eq.2&sign=eq.b', 1],
      taken: { author: 2, sign: 'c' },
      wrong: [{ author: 1, sign: 'a' }, '409 record/duplicate', '/sign unique'],
    },
  ],
  [
    'a renamed property beside another, said with x-',
    {
      before: document({ a: text(), b: integer() }),
      records: [{ a: 'x', b: 1 }],
      after: document({ c: text({ 'x-renamedFrom': 'a' }), b: integer() }),
      hold: [{ c: 'x', b: 1 }],
      filter: ['c=eq.x', 1],
      taken: { c: 'y' },
      wrong: [{ a: 'x' }, INVALID, '/a additionalProperties'],
    },
  ],
  [
    'unique from now on',
    {
      before: document(TITLE),
      records: [{ title: 'a' }, {}, {}],
      after: document({ title: text({ unique: true }) }),
      hold: [{ title: 'a' }, {}, {}],
      filter: ['title=eq.a', 1],
      taken: { title: 'b' },
      wrong: [{ title: 'a' }, '409 record/duplicate', '/title unique'],
    },
  ],
  [
    'a unique key of another order, and an index less and one more',
    {
      before: document({ a: text(), b: text() }, { uniqueKeys: [['a', 'b']], indexes: [['a']] }),
      records: [{ a: 'x', b: 'y' }],
      after: document({ a: text(), b: text() }, { uniqueKeys: [['b', 'a']], indexes: [['-b', 'a']] }),
      hold: [{ a: 'x', b: 'y' }],
      filter: ['a=eq.x&b=eq.y', 1],
      taken: { a: 'y', b: 'y' },
      wrong: [{ a: 'x', b: 'y' }, '409 record/duplicate', '/b unique', '/a unique'],
    },
  ],
  [
    'a relation, and values that point at something',
    {
      before: document({ by: integer() }),
      records: [{ by: 1 }, {}],
      after: document({ by: artist() }),
      hold: [{ by: 1 }, {}],
      filter: ['by=eq.1', 1],
      taken: { by: 2 },
      wrong: [{ by: 9 }, '409 record/reference-missing', '/by relation'],
    },
  ],
  [
    'undeclared members no longer accepted',
    {
      before: open({ stars: { type: ['integer', 'null'] } }),
      records: [{ stars: null }, { stars: 1 }, {}],
      after: document({ stars: { type: ['integer', 'null'] } }),
      hold: [{ stars: null }, { stars: 1 }, {}],
      filter: ['stars=eq.1', 1],
      taken: { stars: null },
      wrong: [{ color: 'red' }, INVALID, '/color additionalProperties'],
    },
  ],
  [
    'undeclared members accepted',
    {
      before: document(TITLE),
      records: [{ title: 'a' }],
      after: open(TITLE),
      hold: [{ title: 'a' }],
      filter: ['title=eq.a', 1],
      taken: { color: 'red' },
      wrong: [{ title: 1 }, INVALID, '/title type'],
    },
  ],
  [
    'an undeclared member that becomes a property takes its values along',
    {
      before: open(TITLE),
      records: [{ title: 'a', color: 'red', size: 3, other: [1] }, { color: null }, { size: 4 }],
      after: open({ ...TITLE, color: { type: ['string', 'null'] }, size: integer({ index: true }) }),
      hold: [{ title: 'a', color: 'red', size: 3, other: [1] }, { color: null }, { size: 4 }],
      filter: ['color=eq.red&size=eq.3', 1],
      taken: { color: 'blue', more: true },
      wrong: [{ color: 1 }, INVALID, '/color type'],
    },
  ],
  [
    'undeclared members that become properties of an entity that takes no more',
    {
      before: open(TITLE),
      records: [{ title: 'a', color: 'red' }, {}],
      after: document({ ...TITLE, color: text({ unique: true }) }),
      hold: [{ title: 'a', color: 'red' }, {}],
      filter: ['color=eq.red', 1],
      taken: { color: 'blue' },
      wrong: [{ more: 1 }, INVALID, '/more additionalProperties'],
    },
  ],
  [
    'many at once, with words spelled x-',
    {
      before: open({ a: text(), b: integer(), gone: text(), n: integer() }, { required: ['b'] }),
      records: [
        { a: 'x', b: 1, gone: 'g', n: 5, wild: 'w' },
        { b: 2, n: 6 },
      ],
      after: document(
        {
          c: text({ 'x-renamedFrom': 'a', 'x-unique': true }),
          b: { type: ['number', 'null'], 'x-index': true },
          n: text(),
          wild: text({ default: 'd' }),
        },
        { required: ['wild'], 'x-uniqueKeys': [['c', 'b']] },
      ),
      allow: ['destructive', 'drop:gone'],
      hold: [
        { c: 'x', b: 1, n: '5', wild: 'w' },
        { b: 2, n: '6', wild: 'd' },
      ],
      filter: ['wild=in.(w,d)', 3],
      taken: { b: null, c: 'y' },
      wrong: [{ c: 'x' }, '409 record/duplicate', '/c unique'],
    },
  ],
];
