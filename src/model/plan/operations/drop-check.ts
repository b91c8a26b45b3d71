import { pointer } from '../../../platform/json-value.js';
import { dropObject } from '../object-steps.js';
import type { Operation } from '../operation.js';
import type { TableObject } from '../table-object.js';
import type { Transition } from '../transition.js';

/** A rule on the values of a property that no longer holds. */
export function dropCheck(t: Transition, object: TableObject): Operation {
  const [property = ''] = object.properties;
  return {
    kind: 'drop-check',
    pointer: pointer('/properties', property),
    property,
    risk: { level: 'none', reversible: 'partly', reason: 'values stored meanwhile may break the rule when it comes back' },
    describe: () => `values of ${JSON.stringify(property)} no longer have to satisfy ${object.definition}`,
    validate: () => [],
    sql: () => [dropObject(t, object)],
    inverse: { kind: 'add-check', object },
  };
}
