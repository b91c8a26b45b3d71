import { addObject } from '../object-steps.js';
import type { Operation } from '../operation.js';
import type { TableObject } from '../table-object.js';
import type { Transition } from '../transition.js';
import { keyPointer } from './key-pointer.js';
import { objectProbes } from './object-probes.js';

/** Properties that are unique together from now on. */
export function addUnique(t: Transition, object: TableObject): Operation {
  return {
    kind: 'add-unique',
    ...keyPointer(t.after, 'uniqueKeys', 'unique', object),
    risk: { level: 'restrictive', reversible: 'yes' },
    describe: () => `no two records may have the same ${object.properties.map((name) => JSON.stringify(name)).join(' and ')}`,
    validate: () => objectProbes(t, object),
    sql: (size) => addObject(t, object, size),
    inverse: { kind: 'drop-unique', object },
  };
}
