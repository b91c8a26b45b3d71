import { dropObject } from '../object-steps.js';
import { objectChanges } from '../objects.js';
import type { Operation } from '../operation.js';
import { withOtherSlot } from '../slot-objects.js';
import type { TableObject } from '../table-object.js';
import type { Transition } from '../transition.js';
import { keyPointer } from './key-pointer.js';

/** Properties that need not be unique together any more. */
export function dropUnique(t: Transition, object: TableObject): Operation {
  const names = object.properties.map((name) => JSON.stringify(name)).join(' and ');
  return {
    kind: 'drop-unique',
    ...keyPointer(t.before, 'uniqueKeys', 'unique', object),
    risk: { level: 'none', reversible: 'partly', reason: 'records stored meanwhile may be alike when the key comes back' },
    describe: () => `several records may have the same ${names}`,
    validate: () => [],
    sql: () => withOtherSlot(objectChanges(t).dropped, object).map((each) => dropObject(t, each)),
    inverse: { kind: 'add-unique', object },
  };
}
