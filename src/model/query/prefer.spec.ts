import fc from 'fast-check';
import { readPrefer, readWait } from './prefer.js';

/** Any UTF-16 code unit, lone surrogates included; fast-check's own 'binary' takes seconds to set up. */
const codeUnit = fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit));

describe('readPrefer', () => {
  test.each([
    undefined,
    '',
    ',,;=',
    'respond-async',
    'return',
    'return=',
    'return=maximal',
    'return=MINIMAL',
    'count=exactly',
    'wait=10; return=minimal',
    'note="a, return=minimal, b"',
    'note="never closed, return=minimal',
    '__proto__=exact',
  ])('ignores %j', (header) => {
    expect(readPrefer(header)).toEqual({});
  });

  test('reads what it knows and reports it', () => {
    expect(readPrefer('return=minimal')).toEqual({ return: 'minimal', applied: 'return=minimal' });
    expect(readPrefer('foo; bar, count=exact,return=headers-only')).toEqual({
      return: 'headers-only',
      count: 'exact',
      applied: 'return=headers-only, count=exact',
    });
  });

  test('reads names in any case, quoted values, spaces and parameters', () => {
    expect(readPrefer(' Return = "representation" ; x=1 , COUNT=exact;q')).toMatchObject({
      return: 'representation',
      count: 'exact',
    });
  });

  test('takes the first of a preference given twice', () => {
    expect(readPrefer('return=minimal, return=representation')).toMatchObject({ return: 'minimal' });
    expect(readPrefer('return=maximal, return=representation')).toEqual({});
  });

  test('reports only what the route follows', () => {
    expect(readPrefer('return=minimal, count=exact', ['count'])).toEqual({ count: 'exact', applied: 'count=exact' });
  });

  test.each([
    ['a preference that it does not know', 'handling=strict, note=x', '"note=x"'],
    ['a value that it does not know', 'return=maximal, handling=strict', '"return=maximal"'],
    ['a number of records that is none', 'handling=strict, max-affected=many', '"max-affected=many"'],
    ['several at once', 'handling=strict, a, b=1', '"a", "b=1"'],
    ['the name of a member of every object', 'handling=strict, constructor', '"constructor"'],
  ])('refuses in strict handling %s', (_, header, named) => {
    expect(() => readPrefer(header, [])).toThrow(named);
  });

  test('takes in strict handling what is known and does not apply', () => {
    const header = 'handling=strict, tx=rollback, wait=5, respond-async, count=exact, return=minimal, max-affected=3';
    expect(readPrefer(header, ['count'])).toEqual({ count: 'exact', applied: 'count=exact' });
  });

  test('counts the affected records only in strict handling', () => {
    expect(readPrefer('max-affected=3, handling=lenient', ['handling', 'max-affected'])).toEqual({
      handling: 'lenient',
      applied: 'handling=lenient',
    });
    expect(readPrefer('max-affected=3, handling=strict', ['handling', 'max-affected'])).toEqual({
      handling: 'strict',
      'max-affected': 3,
      applied: 'handling=strict, max-affected=3',
    });
  });

  test('reads what becomes of duplicates, of missing members and of the transaction', () => {
    const names = ['resolution', 'missing', 'tx'] as const;
    expect(readPrefer('tx=rollback, missing=default, resolution=ignore-duplicates', names)).toEqual({
      ...{ resolution: 'ignore-duplicates', missing: 'default', tx: 'rollback' },
      applied: 'resolution=ignore-duplicates, missing=default, tx=rollback',
    });
  });

  test('never throws', () => {
    const text = fc.oneof(
      fc.string({ unit: codeUnit }),
      fc.string({ unit: fc.constantFrom('"', '\\', ',', ';', '=', ' ', 'r') }),
    );
    fc.assert(fc.property(text, (header) => void readPrefer(header)));
  });
});

describe('readWait', () => {
  it.each([
    [undefined, undefined],
    ['return=minimal', undefined],
    ['wait=soon', undefined],
    ['wait=5', 5],
    ['respond-async', 0],
    ['respond-async, wait=10', 10],
  ])('of %p is %p', (header, seconds) => {
    expect(readWait(header)).toBe(seconds);
  });
});
