import type { JsonObject } from '../../platform/json-value.js';
import type { Fault, Problem } from '../../platform/problem.js';
import { readEntity } from '../document/read-entity.js';

function faultsOf(rule: JsonObject, ssn: JsonObject): string[] {
  const properties = { ssn: { type: 'string', ...ssn }, team: { type: 'string' } };
  try {
    readEntity('Person', { type: 'object', properties, rowRules: { viewer: { read: rule } } });
    return [];
  } catch (error) {
    const { errors = [] } = (error as Problem).extensions as { errors?: readonly Fault[] };
    return errors.map(({ pointer, message }) => `${pointer} ${message}`);
  }
}

describe('readRowRules refuses to tell rows apart by what is encrypted', () => {
  it.each<[JsonObject, string]>([
    [{ ssn: { eq: '1' } }, '/rowRules/viewer/read/ssn'],
    [{ ssn: { is: 'null' } }, '/rowRules/viewer/read/ssn'],
    [{ ssn: { eq: { claim: 'sub' } } }, '/rowRules/viewer/read/ssn'],
    [{ or: [{ team: { eq: 'a' } }, { not: { ssn: { in: ['1'] } } }] }, '/rowRules/viewer/read/or/1/not/ssn'],
  ])('%j', (rule, at) => {
    const message = `${at} "ssn" is encrypted, and the database applies the rules: tell rows apart by another property`;
    expect(faultsOf(rule, { encrypted: true })).toEqual([message]);
    expect(faultsOf(rule, { encrypted: { searchable: 'equality' } })).toEqual([message]);
    expect(faultsOf(rule, {})).toEqual([]);
  });

  it('and applies those of other properties', () => {
    expect(faultsOf({ team: { eq: 'a' } }, { encrypted: true })).toEqual([]);
  });
});
