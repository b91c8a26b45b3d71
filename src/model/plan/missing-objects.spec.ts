import type { TableCatalog } from './catalog.js';
import { missingObject } from './missing-objects.js';
import type { TableShape } from './shape.js';

const SHAPE: TableShape = {
  table: 'note',
  columns: [{ name: 'id', type: 'uuid', notNull: true }],
  constraints: [{ name: 'note.pkey', kind: 'primary key', definition: 'primary key (id)', properties: [] }],
  indexes: [{ name: 'note.a.idx', definition: '("a")', properties: ['a'] }],
};
const CATALOG: TableCatalog = {
  table: 'note',
  columns: [
    { name: 'id', type: 'uuid', notNull: true },
    { name: 'by hand', type: 'text', notNull: false },
  ],
  constraints: [{ name: 'note.pkey', kind: 'primary key', valid: true, definition: '', columns: ['id'] }],
  indexes: [{ name: 'note.a.idx', valid: true, definition: '', columns: ['a'] }],
  rowSecurity: true,
  forced: true,
  policies: [],
};

describe('missingObject', () => {
  it('tells a column that is gone, whatever the plan is about', () => {
    expect(missingObject(SHAPE, { ...CATALOG, columns: [] }, [])).toBe('what held "id" is gone');
  });

  it('tells a constraint or an index that the plan would drop or rename, and no other', () => {
    const lacking = { ...CATALOG, constraints: [], indexes: [] };
    expect(missingObject(SHAPE, lacking, ['drop index "t"."note.a.idx"'])).toBe('the index of "a" is gone');
    expect(missingObject(SHAPE, lacking, ['alter table "note" drop constraint "note.pkey"'])).toBe('the primary key is gone');
    expect(missingObject(SHAPE, lacking, ['alter table "note" add column "b" text'])).toBeUndefined();
  });

  it('does not mind what somebody added', () => {
    expect(missingObject(SHAPE, CATALOG, ['drop index "t"."note.a.idx"'])).toBeUndefined();
  });
});
