import { catalogStatement } from './catalog-statement.js';

describe('catalogStatement', () => {
  it.each([[['Track', 'a"b']], [null]])('names nothing outside of pg_catalog, whatever the search path finds: %j', (tables) => {
    const { text } = catalogStatement('t_a', tables);
    const called = [...text.matchAll(/([\w.]+) ?\(/g)].map(([, name]) => name as string);
    const grammar = ['and', 'any', 'coalesce', 'in', 'then'];
    expect(called.filter((name) => !name.startsWith('pg_catalog.') && !grammar.includes(name))).toEqual([]);
    const read = [...text.matchAll(/\b(?:from|join)\s+([\w.]+)/g)].map(([, name]) => name);
    expect(read.length).toBeGreaterThan(8);
    expect(read.filter((name) => !name?.startsWith('pg_catalog.'))).toEqual([]);
    expect([...text.matchAll(/::([\w.]+)/g)].filter(([, name]) => !name?.startsWith('pg_catalog.'))).toEqual([]);
  });

  it('carries names as parameters only', () => {
    const { text, values } = catalogStatement("t_a'", ['Track', 'a"b', '{}']);
    expect(values).toEqual(["t_a'", '{"Track","a\\"b","{}"}']);
    expect(text).not.toMatch(/Track|t_a/);
    expect(catalogStatement('t_a', null).values).toEqual(['t_a']);
    expect(catalogStatement('t_a', []).values).toEqual(['t_a', '{}']);
  });
});
