/** Which rows a change has to refuse, told from the promises and not from the SQL of the plan. */

import { createTable } from '../../src/model/ddl/create-table.js';
import type { Entity, Property } from '../../src/model/entity.js';
import { conversionBetween } from '../../src/model/plan/conversion/conversion.js';
import { futureContent } from '../../src/model/plan/future-content.js';
import { changesType, formerProperty, type Transition } from '../../src/model/plan/transition.js';
import type { RecordValidator } from '../../src/model/validation/validator.js';
import type { JsonObject, JsonValue } from '../../src/platform/json-value.js';
import type { PlanExecutor } from '../harness/plan-executor.js';
import { insertRecord, type Records, readRecords } from '../harness/record-table.js';

/** The records as they will be. */
export function futureOf(t: Transition, records: Records): Records {
  return new Map([...records].map(([id, content]) => [id, futureContent(t, content)]));
}

/**
 * Those that are not valid under the new document, or that would not come back as they are: found out by storing them in a
 * table of the new document that has no keys.
 */
export async function refusedRecords(
  t: Transition,
  records: Records,
  validator: RecordValidator,
  elsewhere: PlanExecutor,
): Promise<readonly string[]> {
  const bare: Entity = { ...t.after, table: 'bare', uniqueKeys: [], indexes: [] };
  const future = futureOf(t, records);
  const valid = [...future].filter(
    ([id, content]) => validator.validate(content).length === 0 && !cannotChange(t, records.get(id) as JsonObject),
  );
  await elsewhere.asOwner(createTable(elsewhere.home, bare));
  for (const [id, content] of valid) await insertRecord(elsewhere, bare, id, content);
  const stored = await readRecords(elsewhere, bare);
  await elsewhere.asOwner([`drop table "${elsewhere.home.schema}".bare`]);
  return [...future.keys()].filter((id) => canonical(stored.get(id)) !== canonical(future.get(id))).sort();
}

/** No rule says what the value becomes, or two members would have one name. */
function cannotChange(t: Transition, content: JsonObject): boolean {
  return t.after.properties.some((property) => {
    const was = formerProperty(t, property);
    if (!was) return false;
    const value = content[was.name] ?? null;
    const hasNoRule = changesType(was, property) && !conversionBetween(was, property) && value !== null;
    return hasNoRule || (was.name !== property.name && Object.hasOwn(content, property.name));
  });
}

/** Records that have the same values for a unique key. */
export function collidingRecords({ after }: Transition, future: Records): readonly string[] {
  const ids = after.uniqueKeys.flatMap((key) => {
    const groups = new Map<string, string[]>();
    for (const [id, content] of future) {
      const values = key.properties.map((name) => comparable(propertyOf(after, name), content[name]));
      if (values.includes(undefined)) continue;
      groups.set(JSON.stringify(values), [...(groups.get(JSON.stringify(values)) ?? []), id]);
    }
    return [...groups.values()].filter((group) => group.length > 1).flat();
  });
  return [...new Set(ids)].sort();
}

/** Records that refer to nothing. `codes` and `ids`: of the one other entity. */
export function danglingRecords(
  { after }: Transition,
  future: Records,
  target: { readonly ids: readonly string[]; readonly codes: readonly string[] },
): readonly string[] {
  const ids = after.properties.flatMap((property) => {
    const { relation } = property;
    if (!relation) return [];
    const isSelf = relation.entity === after.name;
    const fields: readonly (string | undefined)[] =
      relation.field === 'id'
        ? isSelf
          ? [...future.keys()]
          : target.ids
        : isSelf
          ? [...future.values()].map((content) => comparable(propertyOf(after, relation.field), content[relation.field]))
          : target.codes;
    return [...future].flatMap(([id, content]) => {
      const value = comparable(property, content[property.name]);
      return value === undefined || fields.includes(value) ? [] : [id];
    });
  });
  return [...new Set(ids)].sort();
}

function propertyOf({ properties }: Entity, name: string): Property {
  return properties.find((property) => property.name === name) as Property;
}

/** Equal when the column's values are; undefined for no value. */
function comparable({ type }: Property, value: JsonValue | undefined): string | undefined {
  if (value === undefined || value === null) return undefined;
  const text = String(value);
  return type === 'numeric' || type === 'numrange' ? text.replace(/(\.\d*?)0+(?!\d)/g, '$1').replace(/\.(?!\d)/g, '') : text;
}

/** JSON text with its members in order. */
function canonical(value: JsonValue | undefined): string | undefined {
  if (value === undefined) return undefined;
  return JSON.stringify(value, (_, each) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}
