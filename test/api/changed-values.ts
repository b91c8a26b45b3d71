/** Changes of which values a property takes. */

import { document } from '../harness/definitions.js';
import { type ChangeCase, INVALID, integer, open, TITLE, text } from './change-case.js';

export const CHANGED_VALUES: readonly (readonly [string, ChangeCase])[] = [
  [
    'texts to integers, where each is one',
    {
      before: document({ n: text({ unique: true }) }),
      records: [{ n: '7' }, { n: '-12' }, {}],
      after: document({ n: integer({ unique: true }) }),
      hold: [{ n: 7 }, { n: -12 }, {}],
      filter: ['n=lt.0', 1],
      taken: { n: 8 },
      wrong: [{ n: '7' }, INVALID, '/n type'],
    },
  ],
  [
    'integers to numbers',
    {
      before: document({ n: integer({ minimum: 1, index: true }) }),
      records: [{ n: 7 }, {}],
      after: document({ n: { type: 'number', minimum: 1, index: true } }),
      hold: [{ n: 7 }, {}],
      filter: ['n=gt.6.5', 1],
      taken: { n: 1.5 },
      wrong: [{ n: 0.5 }, INVALID, '/n minimum'],
    },
  ],
  [
    'integers to texts, with a list of values beside',
    {
      before: document({ n: integer({ enum: [1, 2] }), ...TITLE }),
      records: [{ n: 1, title: 't' }],
      after: document({ n: text({ enum: ['1', '2'] }), ...TITLE }),
      hold: [{ n: '1', title: 't' }],
      filter: ['n=eq.1', 1],
      taken: { n: '2' },
      wrong: [{ n: '3' }, INVALID, '/n enum'],
    },
  ],
  [
    'texts to dates and decimals',
    {
      before: document({ on: text(), cost: text() }),
      records: [{ on: '2026-02-28', cost: '1.50' }],
      after: document({ on: text({ format: 'date' }), cost: text({ format: 'decimal', precision: 10, scale: 2 }) }),
      hold: [{ on: '2026-02-28', cost: '1.50' }],
      filter: ['on=gt.2026-01-01&cost=lt.2', 1],
      taken: { on: '2026-03-01' },
      wrong: [{ on: '2026-02-30' }, INVALID, '/on format'],
    },
  ],
  [
    'required, with a default for those that lack it',
    {
      before: document({ ...TITLE, stars: integer() }),
      records: [{ stars: 1 }, {}],
      after: document({ ...TITLE, stars: integer({ default: 0 }) }, { required: ['stars'] }),
      hold: [{ stars: 1 }, { stars: 0 }],
      filter: ['stars=eq.0', 2],
      taken: {},
      wrong: [{ stars: 'x' }, INVALID, '/stars type'],
    },
  ],
  [
    'required, and no default',
    {
      before: document(TITLE),
      records: [{ title: 'a' }],
      after: document(TITLE, { required: ['title'] }),
      hold: [{ title: 'a' }],
      filter: ['title=eq.a', 1],
      taken: { title: 'b' },
      wrong: [{}, INVALID, '/title required'],
    },
  ],
  [
    'no longer required',
    {
      before: document(TITLE, { required: ['title'] }),
      records: [{ title: 'a' }],
      after: document(TITLE),
      hold: [{ title: 'a' }],
      filter: ['title=eq.a', 1],
      taken: {},
      wrong: [{ title: null }, INVALID, '/title type'],
    },
  ],
  [
    'null allowed, and told from nothing',
    {
      before: open({ stars: integer() }),
      records: [{ stars: 1 }, {}],
      after: open({ stars: { type: ['integer', 'null'] } }),
      hold: [{ stars: 1 }, {}],
      filter: ['stars=is.null', 2],
      taken: { stars: null },
      wrong: [{ stars: 'x' }, INVALID, '/stars type'],
    },
  ],
  [
    'null no longer allowed',
    {
      before: document({ stars: { type: ['integer', 'null'] } }, { required: ['stars'] }),
      records: [{ stars: 1 }],
      after: document({ stars: integer() }, { required: ['stars'] }),
      hold: [{ stars: 1 }],
      filter: ['stars=eq.1', 1],
      taken: { stars: 2 },
      wrong: [{ stars: null }, INVALID, '/stars type'],
    },
  ],
  [
    'another default',
    {
      before: document({ kind: text({ default: 'a' }) }),
      records: [{}],
      after: document({ kind: text({ default: 'b' }) }),
      hold: [{ kind: 'a' }],
      filter: ['kind=eq.a', 1],
      taken: {},
      wrong: [{ kind: 1 }, INVALID, '/kind type'],
    },
  ],
  [
    'an enum that grew',
    {
      before: document({ kind: text({ enum: ['a'] }) }),
      records: [{ kind: 'a' }],
      after: document({ kind: text({ enum: ['a', "b'c"] }) }),
      hold: [{ kind: 'a' }],
      filter: ['kind=eq.a', 1],
      taken: { kind: "b'c" },
      wrong: [{ kind: 'c' }, INVALID, '/kind enum'],
    },
  ],
  [
    'an enum that shrank',
    {
      before: document({ kind: text({ enum: ['a', 'b'] }) }),
      records: [{ kind: 'a' }],
      after: document({ kind: text({ enum: ['a'] }) }),
      hold: [{ kind: 'a' }],
      filter: ['kind=eq.a', 2],
      taken: { kind: 'a' },
      wrong: [{ kind: 'b' }, INVALID, '/kind enum'],
    },
  ],
  [
    'lengths and bounds, tighter',
    {
      before: document({ ...TITLE, size: integer() }),
      records: [{ title: 'abc', size: 5 }],
      after: document({ title: text({ minLength: 3, maxLength: 3 }), size: integer({ exclusiveMinimum: 4, maximum: 5 }) }),
      hold: [{ title: 'abc', size: 5 }],
      filter: ['size=eq.5', 2],
      taken: { title: 'xyz', size: 5 },
      wrong: [{ title: 'ab', size: 4 }, INVALID, '/title minLength', '/size exclusiveMinimum'],
    },
  ],
  [
    'lengths and bounds, looser',
    {
      before: document({ title: text({ maxLength: 3 }), size: integer({ maximum: 5 }) }),
      records: [{ title: 'abc', size: 5 }],
      after: document({ title: text({ maxLength: 4 }), size: integer() }),
      hold: [{ title: 'abc', size: 5 }],
      filter: ['size=eq.5', 1],
      taken: { title: 'abcd', size: 6 },
      wrong: [{ title: 'abcde' }, INVALID, '/title maxLength'],
    },
  ],
  [
    'a pattern, after every record was read and validated',
    {
      before: document({ ...TITLE, tags: { type: 'array', items: text() } }),
      records: [{ title: 'abc', tags: ['a'] }, {}],
      after: document({ title: text({ pattern: '^a' }), tags: { type: 'array', items: text(), uniqueItems: true } }),
      hold: [{ title: 'abc', tags: ['a'] }, {}],
      filter: ['title=eq.abc', 1],
      taken: { title: 'ab', tags: ['a', 'b'] },
      wrong: [{ title: 'b', tags: ['a', 'a'] }, INVALID, '/title pattern', '/tags uniqueItems'],
    },
  ],
];
