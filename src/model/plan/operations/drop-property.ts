import { holdsNull } from '../../ddl/column.js';
import { tableRef } from '../../ddl/table-ref.js';
import type { Property } from '../../entity.js';
import { ownRows } from '../../own-rows.js';
import { quoteIdent } from '../../sql.js';
import { dropGuard } from '../guards.js';
import { dropObject } from '../object-steps.js';
import type { Operation, Step } from '../operation.js';
import { ownObjects } from '../own-objects.js';
import { propertyPointer } from '../pointers.js';
import { hiddenColumn, type Transition } from '../transition.js';
import { explicitNull, withoutUndeclared } from '../undeclared.js';

/** A property that goes. Its column is hidden under a name no document can use, and kept until its retention is over. */
export function dropProperty(t: Transition, property: Property): Operation {
  const lost = property.nullable && !property.required ? 'an explicit null comes back as an absent member' : undefined;
  return {
    kind: 'drop-property',
    pointer: propertyPointer(property),
    property: property.name,
    risk: { level: 'destructive', reversible: lost ? 'partly' : 'yes', ...(lost ? { reason: lost } : {}) },
    describe: () => `${JSON.stringify(property.name)} is removed; what records hold in it is hidden, and kept for its retention`,
    validate: () => [],
    sql: () => [
      ...ownObjects(t, 'dropped', property).map((object) => dropObject(t, object)),
      ...dropGuard(t, property),
      ...hideSteps(t, property),
      ...(property.nullable ? [forgetNulls(t, property)] : []),
    ],
    inverse: { kind: 'restore-property', property: property.name },
  };
}

function hideSteps(t: Transition, property: Property): Step[] {
  const table = tableRef(t.home, t.after);
  const hidden = quoteIdent(hiddenColumn(t, property));
  const catalog = { stage: 'hide', work: 'catalog', as: 'owner', lock: 'ACCESS EXCLUSIVE' } as const;
  return [
    {
      ...catalog,
      sql: `alter table ${table} rename column ${quoteIdent(property.column)} to ${hidden}`,
      affects: `${quoteIdent(property.column)} is not null`,
    },
    ...(holdsNull(property) ? [] : [{ ...catalog, sql: `alter table ${table} alter column ${hidden} drop not null` }]),
  ];
}

/** Otherwise the marker would turn into an undeclared member, or speak for a later property of the same name. */
function forgetNulls(t: Transition, { name }: Property): Step {
  const marked = explicitNull(name);
  const sql = `update ${tableRef(t.home, t.after)}
set _extra = ${withoutUndeclared(name)}
where ${ownRows(t.home)}
  and ${marked}`;
  return { stage: 'values', work: 'update', as: 'tenant', sql, lock: 'none', affects: marked };
}
