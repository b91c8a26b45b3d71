import { Problem } from '../../platform/problem.js';
import type { Entity } from '../entity.js';
import { findRelationship } from './find-relationship.js';
import { AUTHOR, BOOK, COVER, LABEL, LIBRARY } from './library.fixture.js';
import { EntityGraph } from './relationships.js';

const find = (entity: Entity, name: string, hint?: string) => findRelationship(LIBRARY, entity, name, hint);

function refusal(entity: Entity, name: string, hint?: string): Problem {
  try {
    find(entity, name, hint);
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('it was found');
}

describe('a relationship', () => {
  it('is refused when there is none of that name, with those there are', () => {
    expect(refusal(AUTHOR, 'nobody')).toMatchObject({
      code: 'request/unknown-relationship',
      detail: '"author" has no relationship "nobody". Those it has: "book", "note".',
    });
    expect(refusal(COVER, 'book', 'colour').detail).toContain('by the hint "colour"');
    expect(refusal(LABEL, 'author').detail).toContain('Those it has: "tagging", "note", "book".');
    const alone = new EntityGraph(new Map([['label', { entity: LABEL }]]));
    expect(() => findRelationship(alone, LABEL, 'tagging', undefined)).toThrow('It has none.');
  });

  it('is refused when it could be several, with the ways to say which', () => {
    expect(refusal(BOOK, 'author')).toMatchObject({
      code: 'request/ambiguous-relationship',
      status: 300,
      extensions: {
        candidates: [
          { select: 'author!author', relationship: 'book.author → author.name', cardinality: 'many-to-one' },
          { select: 'author!editor', relationship: 'book.editor → author.name', cardinality: 'many-to-one' },
        ],
      },
    });
    expect(refusal(AUTHOR, 'book').extensions.candidates).toMatchObject([
      { select: 'book!author', cardinality: 'one-to-many' },
      { select: 'book!editor', cardinality: 'one-to-many' },
    ]);
  });

  it('leads along a relation by the name of the target, the property or the constraint', () => {
    const expected = { target: AUTHOR, isToMany: false, near: 'editor', far: 'name' };
    expect(find(BOOK, 'author', 'editor')).toMatchObject(expected);
    expect(find(BOOK, 'editor')).toMatchObject(expected);
    expect(find(BOOK, 'book.editor.fkey')).toMatchObject(expected);
    expect(find(BOOK, 'author', 'book.editor.fkey')).toMatchObject(expected);
  });

  it('leads back by the name of the one that refers, or by the inverse; to one where the key is unique', () => {
    expect(find(AUTHOR, 'book', 'author')).toMatchObject({ target: BOOK, isToMany: true, near: 'name', far: 'author' });
    expect(find(AUTHOR, 'books')).toMatchObject({ target: BOOK, isToMany: true, far: 'author' });
    expect(find(BOOK, 'cover')).toMatchObject({ target: COVER, isToMany: false, near: 'number', far: 'book' });
  });

  it('within one entity leads up by the property and down by the name', () => {
    expect(find(BOOK, 'sequel')).toMatchObject({ target: BOOK, isToMany: false, near: 'sequel', far: 'number' });
    expect(find(BOOK, 'book')).toMatchObject({ target: BOOK, isToMany: true, near: 'number', far: 'sequel' });
    expect(find(BOOK, 'prequels')).toMatchObject({ target: BOOK, isToMany: true, near: 'number', far: 'sequel' });
  });

  it('leads through an entity that links two, when each pair is linked once', () => {
    expect(find(BOOK, 'label')).toMatchObject({
      ...{ target: LABEL, isToMany: true, near: 'number', far: 'word' },
      through: { entity: { name: 'tagging' }, near: 'book', far: 'label' },
    });
    expect(find(LABEL, 'book', 'tagging')).toMatchObject({ target: BOOK, through: { near: 'label', far: 'book' } });
    expect(() => find(AUTHOR, 'label')).toThrow('request/unknown-relationship');
  });

  it('is worked out once for each entity', () => {
    expect(LIBRARY.from(BOOK)).toBe(LIBRARY.from(BOOK));
  });
});
