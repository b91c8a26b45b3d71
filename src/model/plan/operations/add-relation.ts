import { addObject } from '../object-steps.js';
import type { Operation } from '../operation.js';
import type { TableObject } from '../table-object.js';
import type { Transition } from '../transition.js';
import { keyPointer } from './key-pointer.js';
import { objectProbes } from './object-probes.js';

/** A foreign key, new or with another target or action. Existing values have to point at something. */
export function addRelation(t: Transition, object: TableObject): Operation {
  const [name = ''] = object.properties;
  const relation = t.after.properties.find((property) => property.name === name)?.relation;
  return {
    kind: 'add-relation',
    ...keyPointer(t.after, 'indexes', 'relation', object),
    risk: { level: 'restrictive', reversible: 'yes' },
    describe: () =>
      `${JSON.stringify(name)} refers to the ${JSON.stringify(relation?.field)} of ${JSON.stringify(relation?.entity)}, ` +
      `on delete ${relation?.onDelete}`,
    validate: () => objectProbes(t, object),
    sql: (size) => addObject(t, object, size),
    inverse: { kind: 'drop-relation', object },
  };
}
