import { LIMITS } from './limits.js';
import { patternFaults } from './patterns.js';

describe('patternFaults', () => {
  it('names every place of a pattern that cannot be run', () => {
    const document = {
      properties: { a: { pattern: '(a)\\1' }, b: { items: { pattern: '(a)\\1' } } },
      patternProperties: { '^(?=x)/': {}, '^ok$': {} },
      propertyNames: { pattern: '(' },
    };
    const faults = patternFaults(document);
    expect(faults.map(({ pointer }) => pointer).sort()).toEqual([
      '/patternProperties/^(?=x)~1',
      '/properties/a/pattern',
      '/properties/b/items/pattern',
      '/propertyNames/pattern',
    ]);
    for (const { rule, message } of faults) expect(`${rule}: ${message}`).toMatch(/^pattern: the pattern (uses|is not) /);
  });

  it('ignores data', () => {
    expect(patternFaults({ const: { pattern: '(' }, properties: { pattern: { type: 'string', default: '(' } } })).toEqual([]);
  });

  it('bounds the number of different patterns', () => {
    const properties = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`p${i}`, { pattern: `^a${i}$` }]));
    expect(patternFaults({ properties: properties(LIMITS.patterns) })).toEqual([]);
    expect(patternFaults({ properties: properties(LIMITS.patterns + 1) })).toEqual([
      {
        pointer: '/properties/p200/pattern',
        rule: 'limit',
        message: 'the document holds more than 200 different regular expressions',
      },
    ]);
  });

  it('bounds what they compile to altogether', () => {
    const properties = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`p${i}`, { pattern: `^[a-z]{1,500}${i}$` }]));
    expect(patternFaults({ properties })).toEqual([
      { pointer: '/properties/p19/pattern', rule: 'limit', message: expect.stringContaining('more than 20000 steps') },
    ]);
  });
});
