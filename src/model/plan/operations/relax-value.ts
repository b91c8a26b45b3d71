import { holdsNull } from '../../ddl/column.js';
import { tableRef } from '../../ddl/table-ref.js';
import type { Property } from '../../entity.js';
import { ownRows } from '../../own-rows.js';
import { quoteIdent } from '../../sql.js';
import { batchUpdate } from '../batches.js';
import { dropGuard, welcomesNullNow } from '../guards.js';
import type { Operation, Step, TableSize } from '../operation.js';
import { propertyPointer } from '../pointers.js';
import { formerProperty, type Transition } from '../transition.js';
import { explicitNull, withNulls } from '../undeclared.js';

/** A property that may be left out, or may be null, from now on. */
export function relaxValue(t: Transition, property: Property): Operation {
  const was = formerProperty(t, property) as Property;
  const words = [
    ...(was.required && !property.required ? ['may be left out'] : []),
    ...(!was.nullable && property.nullable ? ['may be null'] : []),
  ];
  return {
    kind: 'relax-value',
    pointer: propertyPointer(property),
    property: property.name,
    risk: {
      level: 'none',
      reversible: 'partly',
      reason: 'records stored meanwhile may lack the value when it is required again',
    },
    describe: () => `${JSON.stringify(property.name)} ${words.join(' and ')}`,
    validate: () => [],
    sql: (size) => [
      // Renaming the property drops it anyway.
      ...(welcomesNullNow(was, property) && was.name === property.name ? dropGuard(t, was) : []),
      ...nullSteps(t, was, property),
      ...markSteps(t, was, property, size),
    ],
    inverse: { kind: 'require-value', property: was.name },
  };
}

function nullSteps(t: Transition, was: Property, property: Property): Step[] {
  if (holdsNull(was) || !holdsNull(property)) return [];
  const sql = `alter table ${tableRef(t.home, t.after)} alter column ${quoteIdent(property.column)} drop not null`;
  return [{ stage: 'nulls', work: 'catalog', as: 'owner', sql, lock: 'ACCESS EXCLUSIVE' }];
}

/**
 * As long as it was required, NULL alone meant null: what a default or a restored column left so is not marked yet. Writers
 * mark whatever they write, and readers of the old version do not ask.
 */
function markSteps(t: Transition, was: Property, property: Property, { large }: TableSize): Step[] {
  if (!was.required || !was.nullable || property.required || !property.nullable) return [];
  const unmarked = ({ name, column }: Property) => [`${quoteIdent(column)} is null`, `not ${explicitNull(name)}`];
  const needed = unmarked(was).join(' and ');
  const update = { work: 'update', as: 'tenant', lock: 'none', affects: needed } as const;
  if (large) {
    const fill = { mark: was.name, needed };
    return [{ stage: 'backfill', ...update, sql: batchUpdate(tableRef(t.home, t.before), [fill]), fill }];
  }
  const sql = `update ${tableRef(t.home, t.after)}
set _extra = ${withNulls([property])}
where ${[ownRows(t.home), ...unmarked(property)].join('\n  and ')}`;
  return [{ stage: 'values', ...update, sql }];
}
