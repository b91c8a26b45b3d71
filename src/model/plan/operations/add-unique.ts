import { addObject } from '../object-steps.js';
import { objectChanges } from '../objects.js';
import type { Operation } from '../operation.js';
import { withOtherSlot } from '../slot-objects.js';
import type { TableObject } from '../table-object.js';
import type { Transition } from '../transition.js';
import { keyPointer } from './key-pointer.js';
import { objectProbes } from './object-probes.js';

/** Properties that are unique together from now on. */
export function addUnique(t: Transition, object: TableObject): Operation {
  const objects = withOtherSlot(objectChanges(t).added, object);
  return {
    kind: 'add-unique',
    ...keyPointer(t.after, 'uniqueKeys', 'unique', object),
    risk: { level: 'restrictive', reversible: 'yes' },
    describe: () => `no two records may have the same ${object.properties.map((name) => JSON.stringify(name)).join(' and ')}`,
    validate: () => {
      const probes = objects.flatMap((each) => objectProbes(t, each));
      // What is plain still is asked the same for either slot.
      return probes.filter(({ query }, index) => probes.findIndex((other) => other.query === query) === index);
    },
    sql: (size) => objects.flatMap((each) => addObject(t, each, size)),
    inverse: { kind: 'drop-unique', object },
  };
}
