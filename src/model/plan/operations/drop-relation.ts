import { dropObject } from '../object-steps.js';
import type { Operation } from '../operation.js';
import type { TableObject } from '../table-object.js';
import type { Transition } from '../transition.js';
import { keyPointer } from './key-pointer.js';

/** A foreign key that goes, for good or to be made anew. */
export function dropRelation(t: Transition, object: TableObject): Operation {
  const [name = ''] = object.properties;
  return {
    kind: 'drop-relation',
    ...keyPointer(t.before, 'indexes', 'relation', object),
    risk: { level: 'none', reversible: 'partly', reason: 'values stored meanwhile may point at nothing when it comes back' },
    describe: () => `the foreign key of ${JSON.stringify(name)} is removed`,
    validate: () => [],
    sql: () => [dropObject(t, object)],
    inverse: { kind: 'add-relation', object },
  };
}
