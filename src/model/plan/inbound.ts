/** The entities that refer to the one that changes: what must not be taken from under them, and what they call it afterwards. */

import { isJsonObject, type JsonObject, pointer } from '../../platform/json-value.js';
import type { Fault } from '../../platform/problem.js';
import type { Entity } from '../entity.js';
import { changesType, type Transition } from './transition.js';

/** Relations of other entities that the new version would leave without the field they point at. */
export function inboundFaults(t: Transition, others: readonly Entity[]): Fault[] {
  const nameAfter = new Map([...t.renames].map(([name, from]) => [from, name]));
  return others.flatMap((other) =>
    other.properties.flatMap(({ name, relation }) => {
      if (relation?.entity !== t.before.name || relation.field === 'id') return [];
      const field = nameAfter.get(relation.field) ?? relation.field;
      const after = t.after.properties.find((property) => property.name === field);
      const before = t.before.properties.find((property) => property.name === relation.field);
      const isUnique = t.after.uniqueKeys.some(({ properties }) => properties.length === 1 && properties[0] === field);
      const problem = !after
        ? 'is removed'
        : !isUnique
          ? 'is no longer unique on its own'
          : before && changesType(before, after)
            ? 'changes its type'
            : undefined;
      if (!problem) return [];
      const message =
        `${JSON.stringify(name)} of ${JSON.stringify(other.name)} refers to ${JSON.stringify(relation.field)}, which ${problem}: ` +
        'change or remove that relation first';
      return [{ pointer: pointer('/properties', field), rule: 'relation', message }];
    }),
  );
}

/** The document of another entity once the one it refers to, or a field of it, has another name; undefined when it refers to neither. */
export function retargeted(t: Transition, document: JsonObject): JsonObject | undefined {
  const { properties } = document;
  if (!isJsonObject(properties)) return undefined;
  let changed = false;
  const entries = Object.entries(properties).map(([name, schema]) => {
    const word = ['relation', 'x-relation'].find((candidate) => isJsonObject(schema) && Object.hasOwn(schema, candidate));
    const relation = word && isJsonObject(schema) ? schema[word] : undefined;
    if (!word || !isJsonObject(relation) || relation.entity !== t.before.name) return [name, schema] as const;
    const field = [...t.renames].find(([, from]) => from === relation.field)?.[0];
    if (t.after.name === t.before.name && field === undefined) return [name, schema] as const;
    changed = true;
    const target = { ...relation, entity: t.after.name, ...(field === undefined ? {} : { field }) };
    return [name, { ...(schema as JsonObject), [word]: target }] as const;
  });
  return changed ? { ...document, properties: Object.fromEntries(entries) } : undefined;
}
