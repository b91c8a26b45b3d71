import fc from 'fast-check';
import { identifiersOf, placeName } from './identifiers.js';

const identifierOf = (name: string) => identifiersOf([name]).get(name)!;

describe('identifiers', () => {
  it('never gives two entities one identifier, whatever they are called', () => {
    const name = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 80 }),
      fc.string({ unit: fc.constantFrom('a', 'A', '_', '-', ' ', 'ä') }),
    );
    fc.assert(
      fc.property(fc.uniqueArray(name, { maxLength: 30 }), (names) => {
        const given = [...identifiersOf(names).values()];
        expect(new Set(given).size).toBe(names.length);
        for (const identifier of given) expect(identifier).toMatch(/^[A-Z0-9][A-Za-z0-9_]*$/);
      }),
    );
  });

  it.each([
    ['Album', 'Album'],
    ['album', 'Album'],
    ['order_items', 'OrderItems'],
    ['order items', 'OrderItems'],
    ['2fa', '2fa'],
    ['Größe', 'GroE_'],
    ['日本', 'Entity_'],
    ['__proto__', 'Proto_'],
    ['x'.repeat(200), `X${'x'.repeat(59)}_`],
  ])('of %p is %p', (name, expected) => {
    expect(identifierOf(name).startsWith(expected)).toBe(true);
  });

  it('leaves the exact name alone when another entity wants the same identifier', () => {
    const given = identifiersOf(['Album', 'album']);
    expect(given.get('Album')).toBe('Album');
    expect(given.get('album')).toMatch(/^Album_[0-9a-f]{6}$/);
  });

  it('does not depend on the order of entities, nor on others that do not clash', () => {
    const names = ['Album', 'album', 'Ärger', 'order_items'];
    const given = identifiersOf(names);
    expect(new Map(identifiersOf([...names].reverse()))).toEqual(new Map(given));
    expect(identifiersOf([...names, 'Another']).get('Ärger')).toBe(given.get('Ärger'));
  });
});

describe('place names', () => {
  it('are safe and differ wherever the places differ', () => {
    const tokens = fc.array(fc.oneof(fc.string({ maxLength: 40 }), fc.constantFrom('$defs', 'defs', 'a.b', 'a', 'b', 'Input')), {
      maxLength: 4,
    });
    fc.assert(
      fc.property(fc.uniqueArray(tokens, { selector: (place) => JSON.stringify(place), maxLength: 20 }), (places) => {
        const names = places.map((place) => placeName('Album', place));
        expect(new Set(names).size).toBe(places.length);
        for (const name of names) expect(name).toMatch(/^[a-zA-Z0-9._-]+$/);
      }),
    );
  });

  it.each([
    [[], 'Album.Document'],
    [['$defs', 'Node'], 'Album.defs.Node'],
    [['properties', 'a', 'items'], 'Album.properties.a.items'],
  ])('of %j is %p', (tokens, expected) => {
    expect(placeName('Album', tokens)).toBe(expected);
  });
});
