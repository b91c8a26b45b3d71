import { isJsonObject, pointer } from '../../../platform/json-value.js';
import type { Entity } from '../../entity.js';
import type { TableObject } from '../table-object.js';

/** Where a document asks for a key or an index: at the property, in the list of the entity, or with a relation. */
export function keyPointer(
  { document }: Entity,
  list: 'uniqueKeys' | 'indexes',
  word: 'unique' | 'index' | 'relation',
  { properties }: TableObject,
): { readonly pointer: string; readonly property?: string } {
  const [property = ''] = properties;
  if (properties.length !== 1) return { pointer: pointer('', list) };
  const declared = isJsonObject(document.properties) ? document.properties : {};
  const schema = Object.hasOwn(declared, property) ? declared[property] : undefined;
  // A foreign key brings an index with it.
  const found = [word, 'relation'].find((each) => isJsonObject(schema) && Object.hasOwn(schema, each));
  return { pointer: found ? pointer(pointer('/properties', property), found) : pointer('', list), property };
}
