import { change, closed } from '../plan.fixture.js';

describe('what only the document says', () => {
  it('is never left out of a plan', () => {
    const item = change(
      closed({ a: { type: 'string', index: true, relation: { entity: 'site', field: 'code' } } }, { renamedFrom: 'thing' }),
      closed({
        a: { type: 'string', index: { method: 'btree' }, relation: { entity: 'site', field: 'code', inverse: 'items' } },
      }),
    );
    expect(item.draft.operations.map(({ kind, pointer }) => [kind, pointer])).toEqual([
      ['change-words', '/renamedFrom'],
      ['change-words', '/properties/a/index'],
      ['change-words', '/properties/a/relation'],
    ]);
    expect(item.small).toBe('');
  });

  it('includes the words that restrict no value', () => {
    const item = change(closed({ a: { type: 'string' } }), closed({ a: { type: 'string', immutable: true, readOnly: true } }));
    expect(item.kinds).toEqual(['change-words', 'change-words']);
    expect(item.plan().inverse.reversible).toBe('yes');
  });

  it('asks no row and needs no statement', () => {
    const item = change(
      closed({ a: { type: 'string' } }),
      closed({ a: { type: 'string', title: 'A', default: 'x' } }, { concurrency: 'required' }),
    );
    expect(item.kinds).toEqual(['change-words', 'change-default', 'change-words']);
    expect(item.draft.probes).toEqual([]);
    expect(item.small).toBe('');
    expect(item.large).toBe('');
  });

  it('is undone by saying it as before', () => {
    const item = change(closed({ a: { type: 'string' } }), closed({ a: { type: 'string', title: 'A' } }));
    expect(item.operation('change-words').describe()).toBe('the annotation at /properties/a/title changes');
    expect(item.operation('change-words').risk).toEqual({ level: 'none', reversible: 'yes' });
    expect(item.operation('change-words').pointer).toBe('/properties/a/title');
    expect(item.operation('change-words').inverse).toEqual({
      kind: 'change-words',
      change: {
        kind: 'annotation-changed',
        pointer: '/properties/a/title',
        message: 'the annotation at /properties/a/title changes',
        additive: true,
        property: 'a',
      },
    });
  });

  it('has an operation of its own for defaults', () => {
    const item = change(closed({ a: { type: 'string' } }), closed({ a: { type: 'string', default: 'x' } }));
    expect(item.operation('change-default').describe()).toBe('the default of "a" changes');
    expect(item.operation('change-default').risk).toEqual({ level: 'none', reversible: 'yes' });
    expect(item.operation('change-default').pointer).toBe('/properties/a/default');
    expect(item.operation('change-default').inverse).toEqual({
      kind: 'change-words',
      change: {
        kind: 'default-changed',
        pointer: '/properties/a/default',
        message: 'the default of "a" changes',
        additive: false,
        property: 'a',
      },
    });
  });

  it('includes a rule that goes, whose way back has every record read', () => {
    const item = change(closed({ a: { type: 'string', pattern: '^a' } }), closed({ a: { type: 'string' } }));
    expect(item.operation('change-words').describe()).toBe('the rule at /properties/a/pattern changes');
    expect(item.operation('change-words').risk).toEqual({
      level: 'none',
      reversible: 'partly',
      reason: 'records stored meanwhile may break the rules that come back',
    });
    expect(item.operation('change-words').pointer).toBe('/properties/a/pattern');
    expect(item.operation('change-words').inverse).toEqual({
      kind: 'change-rules',
      change: {
        kind: 'validation-changed',
        pointer: '/properties/a/pattern',
        message: 'the rule at /properties/a/pattern changes',
        additive: false,
        property: 'a',
      },
    });
  });
});
