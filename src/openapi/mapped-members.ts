import { isJsonObject, type JsonObject } from '../platform/json-value.js';

/** Members that are no objects, such as the parameters of a path, stay as they are. */
export function mappedMembers(object: JsonObject, change: (member: JsonObject, name: string) => JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(object).map(([name, member]) => [name, isJsonObject(member) ? change(member, name) : member]),
  );
}
