import type { Property } from '../entity.js';
import { objectChanges } from './objects.js';
import type { TableObject } from './table-object.js';
import type { Transition } from './transition.js';

/** Constraints and indexes that come or go with one property alone: they are part of its operation and none of their own. */
export function ownObjects(t: Transition, which: 'added' | 'dropped', { name }: Pick<Property, 'name'>): readonly TableObject[] {
  return objectChanges(t)[which].filter(({ properties }) => properties.length === 1 && properties[0] === name);
}
