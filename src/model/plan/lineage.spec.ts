import { readEntity } from '../document/read-entity.js';
import { type VersionStep, whereabouts } from './lineage.js';

/** A version with these properties; `{ b: 'a' }` says that b was renamed from a. */
function version(
  number: number,
  names: readonly (string | Record<string, string>)[],
  restored: Record<string, string> = {},
): VersionStep {
  const properties = names.map((each) => {
    if (typeof each === 'string') return [each, { type: 'string' }] as const;
    const [[name = '', renamedFrom]] = Object.entries(each) as [[string, string]];
    return [name, { type: 'string', renamedFrom }] as const;
  });
  const document = { type: 'object', additionalProperties: false, properties: Object.fromEntries(properties) };
  return { version: number, entity: readEntity('note', document), restored: new Map(Object.entries(restored)) };
}

const where = (...steps: VersionStep[]) => Object.fromEntries(whereabouts(steps));

describe('whereabouts', () => {
  it('takes a name that was given again for another property', () => {
    expect(where(version(1, ['a']), version(2, []), version(3, ['a']))).toEqual({ a: { state: 'dropped', column: '~2~a' } });
  });

  it('finds what was dropped under the name it had by then', () => {
    const steps = [version(1, ['a']), version(2, [{ b: 'a' }]), version(3, [])];
    expect(where(...steps)).toEqual({ a: { state: 'dropped', column: '~3~b' } });
  });

  it('follows renames, drops and what came back under yet another name', () => {
    const steps = [
      version(1, ['a', 'z']),
      version(2, [{ b: 'a' }, 'z']),
      version(3, ['z']),
      version(4, ['c', 'z'], { c: '~3~b' }),
    ];
    expect(where(...steps)).toEqual({ a: { state: 'here', name: 'c' }, z: { state: 'here', name: 'z' } });
  });

  it('believes what the change said before what the document says', () => {
    const back: VersionStep = { ...version(3, ['a']), renames: new Map([['a', 'b']]) };
    expect(where(version(1, ['a']), version(2, [{ b: 'a' }]), back)).toEqual({ a: { state: 'here', name: 'a' } });
    expect(where(version(1, ['a']), version(2, [{ b: 'a' }]), version(3, ['a']))).toEqual({
      a: { state: 'dropped', column: '~3~b' },
    });
  });
});
