import { pointer } from '../../platform/json-value.js';
import type { Property } from '../entity.js';

/** Where a property stands in its document. */
export function propertyPointer({ name }: Pick<Property, 'name'>): string {
  return pointer('/properties', name);
}
