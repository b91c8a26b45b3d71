import type { Reference } from '../ddl/add-relation.js';
import type { ConstraintShape, IndexShape } from './shape.js';

/** A constraint or an index of a table. */
export interface TableObject extends Pick<IndexShape, 'unique' | 'sealed'> {
  readonly kind: ConstraintShape['kind'] | 'index';
  readonly name: string;
  /** What follows the name, or for an index the table. */
  readonly definition: string;
  /** Logical names. */
  readonly properties: readonly string[];
  /** Of a foreign key. */
  readonly reference?: Reference;
}
