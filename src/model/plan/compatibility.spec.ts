import type { JsonObject } from '../../platform/json-value.js';
import { compareEntities } from '../change/compare.js';
import { renamesBetween } from '../change/renames.js';
import { readEntity } from '../document/read-entity.js';
import { compatibilityOf } from './compatibility.js';

const read = (properties: JsonObject, rest: JsonObject = {}) =>
  readEntity('note', { type: 'object', additionalProperties: false, properties, ...rest });

function level(before: JsonObject, after: JsonObject, [oldRest, rest]: readonly [JsonObject, JsonObject] = [{}, {}]): string {
  const versions = { before: read(before, oldRest), after: read(after, rest) };
  const renames = renamesBetween(versions.before, versions.after);
  return compatibilityOf(compareEntities(versions.before, versions.after, renames), { ...versions, renames }).level;
}

const text = (words: JsonObject = {}): JsonObject => ({ a: { type: 'string', ...words } });

describe('compatibilityOf', () => {
  it.each([
    ['nothing', text(), text(), 'full'],
    ['a title', text(), text({ title: 'A' }), 'full'],
    ['a property added', text(), { ...text(), b: { type: 'string' } }, 'backward'],
    ['a property removed', { ...text(), b: { type: 'string' } }, text(), 'breaking'],
    ['a property renamed', text(), { b: { type: 'string', renamedFrom: 'a' } }, 'breaking'],
    ['another type', text(), { a: { type: 'integer' } }, 'breaking'],
    ['null allowed', text(), text({ type: ['string', 'null'] }), 'backward'],
    ['null forbidden', text({ type: ['string', 'null'] }), text(), 'forward'],
    ['a longer maxLength', text({ maxLength: 5 }), text({ maxLength: 6 }), 'backward'],
    ['a shorter maxLength', text({ maxLength: 6 }), text({ maxLength: 5 }), 'forward'],
    ['a longer minLength', text({ minLength: 1 }), text({ minLength: 2 }), 'forward'],
    ['a maxLength that is new', text(), text({ maxLength: 5 }), 'forward'],
    ['a minimum that is gone', { a: { type: 'integer', minimum: 1 } }, { a: { type: 'integer' } }, 'backward'],
    ['a list that grows', text({ enum: ['x'] }), text({ enum: ['y', 'x'] }), 'backward'],
    ['a list that shrinks', text({ enum: ['x', 'y'] }), text({ enum: ['y'] }), 'forward'],
    ['a list that does both', text({ enum: ['x', 'y'] }), text({ enum: ['y', 'z'] }), 'breaking'],
    ['a pattern that is new', text(), text({ pattern: '^x' }), 'forward'],
    ['a pattern that is gone', text({ pattern: '^x' }), text(), 'backward'],
    ['another pattern', text({ pattern: '^x' }), text({ pattern: '^y' }), 'breaking'],
    ['a unique key', text(), text({ unique: true }), 'forward'],
    ['an index', text(), text({ index: true }), 'full'],
    ['a property that becomes encrypted', text(), text({ encrypted: { searchable: 'equality' } }), 'backward'],
    ['one that is not found any more', text({ encrypted: { searchable: 'equality' } }), text({ encrypted: true }), 'backward'],
    ['one that is found from now on', text({ encrypted: true }), text({ encrypted: { searchable: 'equality' } }), 'full'],
    ['one that is no longer encrypted', text({ encrypted: true }), text(), 'full'],
    ['tightened and loosened', text({ maxLength: 5, minLength: 1 }), text({ maxLength: 6, minLength: 2 }), 'breaking'],
  ])('of %s', (_what, before, after, wanted) => {
    expect(level(before, after)).toBe(wanted);
  });

  it('of what is required depends on who fills it in', () => {
    expect(level(text(), text(), [{}, { required: ['a'] }])).toBe('forward');
    expect(level(text({ default: 'x' }), text({ default: 'x' }), [{}, { required: ['a'] }])).toBe('full');
    expect(level(text(), text(), [{ required: ['a'] }, {}])).toBe('backward');
  });

  it('of undeclared members goes the way of the word', () => {
    expect(level(text(), text(), [{ additionalProperties: true }, { additionalProperties: false }])).toBe('forward');
    expect(level(text(), text(), [{ additionalProperties: false }, { additionalProperties: true }])).toBe('backward');
  });

  it('follows a rename to the keyword it had', () => {
    const after = { b: { type: 'string', renamedFrom: 'a', maxLength: 9 } };
    const versions = { before: read(text({ maxLength: 5 })), after: read(after), renames: new Map([['b', 'a']]) };
    const { reasons } = compatibilityOf(compareEntities(versions.before, versions.after, versions.renames), versions);
    expect(reasons.map(({ pointer, breaks }) => `${pointer} ${breaks}`)).toEqual([
      '/properties/b/renamedFrom both',
      '/properties/b/maxLength readers',
    ]);
  });
});
