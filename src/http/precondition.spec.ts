import { Problem } from '../platform/problem.js';
import { etagOf, isNotModified, listEtagOf, readIfMatch } from './precondition.js';

describe('readIfMatch', () => {
  it('refuses what is not a list of entity tags', () => {
    for (const header of ['', '3', '"three"', '"1", 2', '"1";', `"${'9'.repeat(20)}"`]) {
      expect(() => readIfMatch(header)).toThrow(Problem);
    }
  });

  it('reads tags, the asterisk and absence', () => {
    expect(readIfMatch(undefined)).toBe('none');
    expect(readIfMatch(' * ')).toBe('any');
    expect(readIfMatch('"1", "22"')).toEqual(['1', '22']);
  });

  it('lets a weak tag match nothing, because If-Match compares strongly', () => {
    expect(readIfMatch('W/"1"')).toEqual([]);
  });
});

describe('etagOf', () => {
  it('tells two versions of the entity apart, and names the revision to If-Match all the same', () => {
    expect(etagOf('3', 1)).toBe('"3"');
    expect(etagOf('3', 2)).toBe('"3.2"');
    expect(isNotModified('"3"', etagOf('3', 2))).toBe(false);
    expect(readIfMatch(`${etagOf('3', 2)}, "4"`)).toEqual(['3', '4']);
    expect(() => readIfMatch('"3.x"')).toThrow('If-Match');
  });
});

describe('listEtagOf', () => {
  it('is weak, and another for another body or another header', () => {
    const tag = listEtagOf('[]', ['0-1/*', 'application/json']);
    expect(tag).toMatch(/^W\/"[A-Za-z0-9_-]{22}"$/);
    expect(listEtagOf('[]', ['0-1/*', 'application/json'])).toBe(tag);
    for (const other of [
      listEtagOf('[ ]', ['0-1/*', 'application/json']),
      listEtagOf('[]', ['0-1/2', 'application/json']),
      listEtagOf('[]', ['0-1/*application/json']),
      listEtagOf('json"]\n[]', ['0-1/*', 'application/']),
    ]) {
      expect(other).not.toBe(tag);
    }
  });
});

describe('isNotModified', () => {
  it('compares weakly, and knows the asterisk', () => {
    expect(isNotModified('W/"3"', '"3"')).toBe(true);
    expect(isNotModified('"1", "3"', '"3"')).toBe(true);
    expect(isNotModified('*', '"3"')).toBe(true);
    expect(isNotModified('"4"', '"3"')).toBe(false);
    expect(isNotModified('"4", "3"', 'W/"3"')).toBe(true);
    expect(isNotModified('W/"4"', 'W/"3"')).toBe(false);
    expect(isNotModified(undefined, '"3"')).toBe(false);
  });
});
