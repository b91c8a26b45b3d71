import { readEntity } from '../document/read-entity.js';
import type { Entity } from '../entity.js';
import { type FieldChange, type Fields, fieldsAfter, firstFields, withFields } from './fields.js';

const secret = { type: 'string', encrypted: true };
const open = { type: 'string' };

function entityOf(properties: Record<string, object>): Entity {
  return readEntity('person', { type: 'object', properties: properties as never });
}

/** Changes of one entity after another, each as the version behind the last. */
function changed(before: Fields, version: number, properties: Record<string, object>, change: Partial<FieldChange> = {}): Fields {
  const nothing = new Map<string, string>();
  return fieldsAfter(before, {
    ...{ after: entityOf(properties), renames: nothing, kept: nothing, hidden: nothing, version },
    ...change,
  });
}

const map = (...pairs: [string, string][]): Map<string, string> => new Map(pairs);

describe('encrypted properties are called for ever', () => {
  it('by their first name and the version that encrypted them, and what is not encrypted is not called anything', () => {
    expect(firstFields(entityOf({ ssn: secret, name: open }))).toEqual({ ssn: 'ssn@1' });
    expect(changed({}, 5, { ssn: secret, name: open })).toEqual({ ssn: 'ssn@5' });
  });

  it('the same when they are renamed, and again', () => {
    const renamed = changed({ ssn: 'ssn@1' }, 2, { number: secret }, { renames: map(['number', 'ssn']) });
    expect(renamed).toEqual({ number: 'ssn@1' });
    expect(changed(renamed, 3, { id_number: secret }, { renames: map(['id_number', 'number']) })).toEqual({ id_number: 'ssn@1' });
  });

  it('the same when they change names with each other', () => {
    const renames = map(['a', 'b'], ['b', 'a']);
    expect(changed({ a: 'a@1', b: 'b@1' }, 2, { a: secret, b: secret }, { renames })).toEqual({ a: 'b@1', b: 'a@1' });
  });

  it('otherwise than what had the name before, even when it is given again at once', () => {
    const renames = map(['old', 'ssn']);
    expect(changed({ ssn: 'ssn@1' }, 2, { ssn: secret, old: secret }, { renames })).toEqual({ ssn: 'ssn@2', old: 'ssn@1' });
    expect(changed({ old: 'ssn@1' }, 3, { old: secret, ssn: secret })).toEqual({ old: 'ssn@1', ssn: 'ssn@3' });
  });

  it('the same while they are dropped and when they are restored, whatever has the name meanwhile', () => {
    const dropped = changed({ ssn: 'ssn@1' }, 2, {}, { hidden: map(['ssn', '~2_ssn']) });
    expect(dropped).toEqual({ '~2_ssn': 'ssn@1' });
    const again = changed(dropped, 3, { ssn: secret });
    expect(again).toEqual({ '~2_ssn': 'ssn@1', ssn: 'ssn@3' });
    const restored = changed(again, 4, { ssn: secret }, { hidden: map(['ssn', '~4_ssn']), kept: map(['ssn', '~2_ssn']) });
    expect(restored).toEqual({ '~4_ssn': 'ssn@3', ssn: 'ssn@1' });
    expect(changed(dropped, 3, { number: secret }, { kept: map(['number', '~2_ssn']) })).toEqual({ number: 'ssn@1' });
  });

  it('otherwise when they were in plain text meanwhile', () => {
    const plain = changed({ ssn: 'ssn@1' }, 2, { ssn: open });
    expect(plain).toEqual({});
    expect(changed(plain, 3, { ssn: secret })).toEqual({ ssn: 'ssn@3' });
  });
});

describe('an entity with these names', () => {
  it('is the very same where nothing is encrypted', () => {
    const entity = entityOf({ name: open });
    expect(withFields(entity, {})).toBe(entity);
  });

  it('has none for what it was not told', () => {
    const { properties } = withFields(entityOf({ number: secret, ssn: secret }), { ssn: 'ssn@1' });
    expect(properties.map(({ encrypted }) => encrypted?.field)).toEqual([undefined, 'ssn@1']);
  });
});
