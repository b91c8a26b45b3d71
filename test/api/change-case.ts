/** A change of an entity with records, and what must be true once it is applied. */

export interface ChangeCase {
  readonly before: object;
  readonly records: readonly object[];
  readonly after: object;
  readonly allow?: readonly string[];
  /** What the records hold afterwards. */
  readonly hold: readonly object[];
  /** A filter on the new shape, and how many records it finds. */
  readonly filter: readonly [query: string, count: number];
  /** A record that the new version takes, and the old one need not. */
  readonly taken: object;
  /** One that it refuses, and how. */
  readonly wrong: readonly [record: object, refusal: string, ...faults: string[]];
}

export const INVALID = '422 record/invalid';

/** An entity that keeps undeclared members. */
export const open = (properties: object, rest: object = {}) => ({ type: 'object', properties, ...rest });
export const text = (words: object = {}) => ({ type: 'string', ...words });
export const integer = (words: object = {}) => ({ type: 'integer', ...words });
/** Refers to the entity `artist` by its number. */
export const artist = (words: object = {}) => integer({ relation: { entity: 'artist', field: 'number', ...words } });
export const TITLE = { title: text() };
