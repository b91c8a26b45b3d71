import { isJsonObject, type JsonObject, type JsonValue } from '../../platform/json-value.js';

/** An own member: names come from documents, and `constructor` must not find what the prototype holds. */
export function member(object: JsonValue | undefined, name: string): JsonValue | undefined {
  return isJsonObject(object) && Object.hasOwn(object, name) ? object[name] : undefined;
}

/** The member names of either object, each once. */
export function memberNames(a: JsonObject, b: JsonObject): readonly string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])];
}
