import { readEntity } from '../document/read-entity.js';
import type { Claims } from './claims.js';
import { rowKey, rowsOf, rowTraits } from './row-rule-sight.js';

const entityOf = (rowRules: object) =>
  readEntity('e', { type: 'object', properties: { team: { type: 'string' }, n: { type: 'integer' } }, rowRules } as never);
const ENTITY = entityOf({
  clerk: { read: { team: { in: { claim: 'teams' } } } },
  boss: { read: true, write: true },
  viewer: { read: false },
});
const caller = (roles: string[], claims: Claims | null = {}, subject = 'kim') => ({ subject, roles, claims });

describe('rowsOf leaves', () => {
  it.each([[['stranger']], [['anon']], [['viewer']], [[]]])('no rows to %j', (roles) => {
    expect(rowsOf(ENTITY, caller(roles))).toEqual({ read: false, write: false });
  });

  it('no rows to be written by those who may only read', () => {
    expect(rowsOf(ENTITY, caller(['auditor']))).toEqual({ read: true, write: false });
    expect(rowsOf(ENTITY, caller(['clerk'], { teams: ['a'] }))).toMatchObject({ write: false });
  });

  it.each<[string, Claims | null]>([
    ['absent', {}],
    ['too many to be carried', null],
    ['of another type', { teams: 1 }],
    ['partly of another type', { teams: ['a', 1] }],
    ['inherited from every object', {}],
  ])('nothing known where a claim is %s', (_, claims) => {
    const of = entityOf({ clerk: { read: { team: { in: { claim: _.startsWith('inherited') ? 'constructor' : 'teams' } } } } });
    expect(rowsOf(of, caller(['clerk'], claims))?.read).toMatchObject({ kind: 'in', operand: { values: null } });
  });

  it.each([[['admin']], [['boss']], [['editor', 'viewer']], [['bss:service']], [['system_admin']]])('all rows to %j', (roles) => {
    expect(rowsOf(ENTITY, caller(roles))).toBeUndefined();
  });

  it('those of all roles together', () => {
    const of = entityOf({ a: { read: { n: { eq: 1 } } }, b: { read: { team: { eq: { claim: 'sub' } } } } });
    expect(rowsOf(of, caller(['a', 'b']))?.read).toMatchObject({
      kind: 'or',
      terms: [{ operand: { value: '1' } }, { operand: { value: 'kim' } }],
    });
  });
});

describe('rowKey', () => {
  const traits = rowTraits([ENTITY]);
  const key = (...of: Parameters<typeof caller>) => rowKey(traits, caller(...of));

  it('tells callers apart by what the rules of their roles ask for, and by nothing else', () => {
    expect(key(['clerk'], { teams: ['a'] })).not.toBe(key(['clerk'], { teams: ['b'] }));
    expect(key(['clerk'], { teams: 'a' })).not.toBe(key(['clerk'], { teams: ['a'] }));
    expect(key(['clerk'])).not.toBe(key(['boss']));
    expect(key(['clerk'], { teams: ['a'], other: 1 }, 'kim')).toBe(key(['clerk', 'stranger'], { teams: ['a'] }, 'lee'));
    expect(key(['admin'], { teams: ['a'] })).toBe(key(['admin'], { teams: ['b'] }));
  });

  it('takes a claim that is absent for none of the others', () => {
    expect(key(['clerk'], {})).toBe(key(['clerk'], null));
    expect(key(['clerk'], {})).not.toBe(key(['clerk'], { teams: 'null' }));
  });
});
