import { dropObject } from '../object-steps.js';
import { objectChanges } from '../objects.js';
import type { Operation } from '../operation.js';
import { withOtherSlot } from '../slot-objects.js';
import type { TableObject } from '../table-object.js';
import type { Transition } from '../transition.js';
import { keyPointer } from './key-pointer.js';

/** An index that goes. */
export function dropIndex(t: Transition, object: TableObject): Operation {
  const names = object.properties.map((name) => JSON.stringify(name));
  return {
    kind: 'drop-index',
    ...keyPointer(t.before, 'indexes', 'index', object),
    risk: { level: 'none', reversible: 'yes' },
    describe: () => `${names.join(' and ')} ${names.length > 1 ? 'lose' : 'loses'} an index, ${object.definition}`,
    validate: () => [],
    sql: () => withOtherSlot(objectChanges(t).dropped, object).map((each) => dropObject(t, each)),
    inverse: { kind: 'add-index', object },
  };
}
