import fc from 'fast-check';
import { arrayLiteral } from './array-literal.js';

/** Any UTF-16 code unit, lone surrogates included; fast-check's own 'binary' takes seconds to set up. */
const codeUnit = fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit));

/** Reads the quoted form of "Array Input and Output Syntax": a backslash makes the next character literal. */
function elements(literal: string): string[] {
  expect(literal).toMatch(/^\{.*\}$/s);
  return [...literal.slice(1, -1).matchAll(/"((?:[^"\\]|\\[\s\S])*)"(?:,|$)/g)].map(([, inner]) =>
    inner!.replace(/\\([\s\S])/g, '$1'),
  );
}

describe('arrayLiteral', () => {
  test('lets no value end the array, split or become NULL', () => {
    expect(arrayLiteral([])).toBe('{}');
    expect(arrayLiteral(['1', '2'])).toBe('{"1","2"}');
    expect(arrayLiteral(['', 'NULL', 'a,b', '{}', ' '])).toBe('{"","NULL","a,b","{}"," "}');
    expect(arrayLiteral(['"', '\\', '\\x00', '"},{"'])).toBe('{"\\"","\\\\","\\\\x00","\\"},{\\""}');
  });

  test('reads back as the same values', () => {
    const text = fc.oneof(
      fc.string({ unit: codeUnit, maxLength: 20 }),
      fc.string({ unit: fc.constantFrom('"', '\\', ',', '{', '}', ' ', 'N') }),
    );
    fc.assert(fc.property(fc.array(text, { maxLength: 8 }), (values) => expect(elements(arrayLiteral(values))).toEqual(values)));
  });
});
