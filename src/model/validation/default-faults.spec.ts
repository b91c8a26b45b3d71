import type { JsonObject } from '../../platform/json-value.js';
import { readEntity } from '../document/read-entity.js';
import { defaultFaults } from './default-faults.js';
import { compileValidator } from './validator.js';

function faultsOf(properties: JsonObject, rest: JsonObject = {}): string[] {
  const entity = readEntity('thing', { type: 'object', properties, ...rest });
  return defaultFaults(entity, compileValidator(entity)).map(({ pointer, rule }) => `${pointer} ${rule}`);
}

describe('defaultFaults', () => {
  it.each<[string, JsonObject, string[]]>([
    ['too long', { a: { type: 'string', maxLength: 2, default: 'abc' } }, ['/properties/a/default maxLength']],
    ['below the minimum', { a: { type: 'integer', minimum: 1, default: 0 } }, ['/properties/a/default minimum']],
    ['wrong inside', { a: { type: 'object', required: ['b'], default: {} } }, ['/properties/a/default/b required']],
    ['no date', { a: { type: 'string', format: 'date', default: '2023-02-29' } }, ['/properties/a/default format']],
    [
      'what no column gives back',
      { a: { type: 'string', format: 'date', default: '0000-01-01' } },
      ['/properties/a/default fidelity'],
    ],
    [
      'wrong in two properties',
      {
        a: { const: 1, default: 1 },
        b: { type: 'string', pattern: '^x', default: 'y' },
        c: { type: 'array', maxItems: 0, default: [1] },
      },
      ['/properties/b/default pattern', '/properties/c/default maxItems'],
    ],
  ])('names a default that is %s', (_, properties, faults) => {
    expect(faultsOf(properties)).toEqual(faults);
  });

  it('has nothing against right ones, nor against what other members lack', () => {
    const right = { a: { type: 'string', maxLength: 3, default: 'abc' }, b: { type: ['string', 'null'], default: null } };
    expect(faultsOf(right, { required: ['c'], dependentRequired: { a: ['c'] } })).toEqual([]);
    expect(faultsOf({ a: { type: 'string' } })).toEqual([]);
  });
});
