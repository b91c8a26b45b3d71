import type { JsonObject, JsonValue } from '../../platform/json-value.js';
import { columnType } from '../ddl/column.js';
import type { Property } from '../entity.js';
import { inPlain } from '../sealed/with-ciphers.js';
import { convertedJson } from './converted-json.js';
import { droppedProperties, formerProperty, type Transition } from './transition.js';

/**
 * The content of a record as it will be after the change: under its new names, in its new types, with its defaults. A value that
 * has no exact conversion stays as it is, which the new document refuses.
 */
export function futureContent(t: Transition, content: JsonObject): JsonObject {
  const gone = new Set(droppedProperties(t).map(({ name }) => name));
  const nameAfter = new Map([...t.renames].map(([name, from]) => [from, name]));
  const future: Record<string, JsonValue> = {};
  for (const [member, value] of Object.entries(content)) {
    if (gone.has(member)) continue;
    const name = nameAfter.get(member) ?? member;
    const property = t.after.properties.find((candidate) => candidate.name === name);
    const was = property && formerProperty(t, property);
    const [from, to] = [was && inPlain(was), property && inPlain(property)];
    const converts = from && to && columnType(from) !== columnType(to);
    Object.defineProperty(future, name, {
      value: converts ? convertedJson(from, to, value) : value,
      ...{ enumerable: true, configurable: true, writable: true },
    });
  }
  for (const property of t.after.properties) fill(future, t, property);
  return future;
}

function fill(future: Record<string, JsonValue>, t: Transition, property: Property): void {
  const { name, required, default: value } = property;
  if (!required || value === undefined || Object.hasOwn(future, name) || formerProperty(t, property)?.required) return;
  future[name] = value;
}
