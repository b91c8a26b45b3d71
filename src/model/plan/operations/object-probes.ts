import { tableRef } from '../../ddl/table-ref.js';
import type { Property } from '../../entity.js';
import { ownRows } from '../../own-rows.js';
import type { Slot } from '../../sealed/field-cipher.js';
import { quoteIdent } from '../../sql.js';
import { formerRows, formerValue, rowsAfter } from '../former-value.js';
import type { Probe } from '../operation.js';
import type { TableObject } from '../table-object.js';
import { formerProperty, type Transition } from '../transition.js';

/** Which rows a new constraint finds in its way: asked of the values as they will be. */
export function objectProbes(t: Transition, object: TableObject): readonly Probe[] {
  const properties = object.properties.flatMap((name) => t.after.properties.find((property) => property.name === name) ?? []);
  switch (object.kind) {
    case 'check':
      // Of cells there is nothing to ask, and of values that are cells still, the records are read.
      if (properties.some((property) => property.encrypted || formerProperty(t, property)?.encrypted)) return [];
      return probe(rowsAfter(t, properties, `not ${object.definition.replace(/^check /, '')}`), ...checkTexts(properties));
    case 'unique':
      return probe(duplicates(t, properties), ...uniqueTexts(properties));
    case 'index':
      return object.unique ? probe(duplicates(t, properties, object.sealed?.slot), ...uniqueTexts(properties)) : [];
    case 'foreign key':
      return probe(dangling(t, object, properties), ...relationTexts(properties));
    default:
      return [];
  }
}

function probe(query: string | undefined, message: string, wayOut: string): Probe[] {
  return query === undefined ? [] : [{ query, message, wayOut }];
}

function checkTexts([property]: readonly Property[]): [string, string] {
  const name = JSON.stringify(property?.name);
  return [`a value of ${name} breaks its new rules`, `correct those records, or loosen the rules of ${name}`];
}

function uniqueTexts(properties: readonly Property[]): [string, string] {
  const names = properties.map(({ name }) => JSON.stringify(name)).join(' and ');
  return [`several records have the same ${names}`, 'change or delete all but one of each, then plan again'];
}

function relationTexts([property]: readonly Property[]): [string, string] {
  const { name, relation } = property as Property;
  const target = JSON.stringify(relation?.entity);
  return [
    `${JSON.stringify(name)} holds a value that is the ${JSON.stringify(relation?.field)} of no ${target}`,
    `correct or remove those values, or store the missing ${target} records first`,
  ];
}

/** Rows where a member of the key is NULL never collide. @param slot of the tags that encrypted members are compared by */
function duplicates(t: Transition, properties: readonly Property[], slot?: Slot): string | undefined {
  const columns = properties.map(({ column }) => quoteIdent(column)).join(', ');
  const rows = formerRows(t, properties, slot);
  if (rows === undefined) return undefined;
  return `select id
from (
  select id, count(*) over (partition by ${columns}) as alike
  from (
    ${rows.replaceAll('\n', '\n    ')}
  ) as present
) as counted
where alike > 1`;
}

function dangling(t: Transition, { reference }: TableObject, properties: readonly Property[]): string | undefined {
  if (!reference) return undefined;
  const { target, field, column } = reference;
  // A relation to the entity itself meets the table under the name it still has.
  const isSelf = target === tableRef(t.home, t.after);
  const own = t.after.properties.find((property) => quoteIdent(property.column) === field);
  const former = isSelf && own ? formerValue(t, own)?.sql : field;
  if (former === undefined) return rowsAfter(t, properties, 'true');
  return rowsAfter(
    t,
    properties,
    `not exists (
  select
  from ${isSelf ? tableRef(t.home, t.before) : target} as target
  where ${ownRows(t.home, 'target')}
    and ${isSelf && former !== field ? former : `target.${field}`} = former.${column}
)`,
  );
}
