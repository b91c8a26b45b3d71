import { pointer } from '../../../platform/json-value.js';
import { addObject } from '../object-steps.js';
import type { Operation } from '../operation.js';
import type { TableObject } from '../table-object.js';
import type { Transition } from '../transition.js';
import { objectProbes } from './object-probes.js';

/** A rule on the values of a property that SQL can say too: lengths, bounds, lists of values. */
export function addCheck(t: Transition, object: TableObject): Operation {
  const [property = ''] = object.properties;
  return {
    kind: 'add-check',
    pointer: pointer('/properties', property),
    property,
    risk: { level: 'restrictive', reversible: 'yes' },
    describe: () => `values of ${JSON.stringify(property)} have to satisfy ${object.definition}`,
    validate: () => objectProbes(t, object),
    sql: (size) => addObject(t, object, size),
    inverse: { kind: 'drop-check', object },
  };
}
