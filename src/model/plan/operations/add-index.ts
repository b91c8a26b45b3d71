import { addObject } from '../object-steps.js';
import { objectChanges } from '../objects.js';
import type { Operation } from '../operation.js';
import { withOtherSlot } from '../slot-objects.js';
import type { TableObject } from '../table-object.js';
import type { Transition } from '../transition.js';
import { keyPointer } from './key-pointer.js';

/** An index; on a large table it is built while reading and writing go on. */
export function addIndex(t: Transition, object: TableObject): Operation {
  const names = object.properties.map((name) => JSON.stringify(name));
  return {
    kind: 'add-index',
    ...keyPointer(t.after, 'indexes', 'index', object),
    risk: { level: 'none', reversible: 'yes' },
    describe: () => `${names.join(' and ')} ${names.length > 1 ? 'get' : 'gets'} an index, ${object.definition}`,
    validate: () => [],
    sql: (size) => withOtherSlot(objectChanges(t).added, object).flatMap((each) => addObject(t, each, size)),
    inverse: { kind: 'drop-index', object },
  };
}
