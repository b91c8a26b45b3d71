import { tableRef } from '../../ddl/table-ref.js';
import type { Property } from '../../entity.js';
import { ownRows } from '../../own-rows.js';
import { quoteIdent, quoteLiteral } from '../../sql.js';
import { addGuard, dropGuard, keepOut, refusesNullNow } from '../guards.js';
import { renameObject } from '../object-steps.js';
import { renamedObjects } from '../objects.js';
import type { Operation, Step, TableSize } from '../operation.js';
import { propertyPointer } from '../pointers.js';
import { isPreparedBeforehand } from '../prepared-type.js';
import { formerProperty, type Transition } from '../transition.js';
import { explicitNull, undeclared } from '../undeclared.js';

/** A property that keeps what records hold in it under another name. Its column, constraints and indexes follow. */
export function renameProperty(t: Transition, property: Property): Operation {
  const was = formerProperty(t, property) as Property;
  const [old, fresh] = [was.name, property.name].map((name) => JSON.stringify(name));
  return {
    kind: 'rename-property',
    pointer: propertyPointer(property),
    property: property.name,
    risk: { level: 'none', reversible: 'yes' },
    describe: () => `${old} is renamed to ${fresh}; records keep what they hold in it${aliasText(property)}`,
    validate: () =>
      t.before.keepsExtras
        ? [
            {
              failing: `${undeclared(property.name)} is not null`,
              message: `a record holds an undeclared member ${fresh} beside ${old}`,
              wayOut: `remove that member from those records, or choose another name`,
            },
          ]
        : [],
    sql: (size) => [
      // It names the old member; a writer that has not heard of the rename meets a missing column instead.
      ...dropGuard(t, was),
      ...nameSteps(t, was, property, size),
      ...nullSteps(t, was, property),
      ...guardSteps(t, was, property, size),
    ],
    inverse: { kind: 'rename-property', property: was.name },
  };
}

function guardSteps(t: Transition, was: Property, property: Property, size: TableSize): readonly Step[] {
  if (t.before.keepsExtras) return keepOut(t, property, size);
  return refusesNullNow(was, property) ? addGuard(t, property, size) : [];
}

function aliasText({ alias }: Property): string {
  return alias ? `, and writers may use the old name until ${alias.until}` : '';
}

/** A column that changes its type in this way has its new name already. */
function nameSteps(t: Transition, was: Property, property: Property, size: TableSize): Step[] {
  const table = tableRef(t.home, t.before);
  const sql = `alter table ${table} rename column ${quoteIdent(was.column)} to ${quoteIdent(property.column)}`;
  const column: Step = { stage: 'rename', work: 'catalog', as: 'owner', sql, lock: 'ACCESS EXCLUSIVE' };
  return [
    ...(isPreparedBeforehand(was, property, size) ? [] : [column]),
    ...renamedObjects(t, size)
      .filter(({ object }) => isFirstRenamed(t, object.properties, property))
      .map(({ old, object }) => renameObject(t, old.name, object)),
  ];
}

/** Each object is renamed once: with its first property that is renamed, unless the whole table is. */
function isFirstRenamed(t: Transition, properties: readonly string[], { name }: Property): boolean {
  return t.before.table === t.after.table && properties.find((candidate) => t.renames.has(candidate)) === name;
}

function nullSteps(t: Transition, was: Property, property: Property): Step[] {
  if (!was.nullable) return [];
  const marked = explicitNull(was.name);
  const sql = `update ${tableRef(t.home, t.after)}
set _extra = _extra - ${quoteLiteral(was.name)} || jsonb_build_object(${quoteLiteral(property.name)}, null)
where ${ownRows(t.home)}
  and ${marked}`;
  return [{ stage: 'values', work: 'update', as: 'tenant', sql, lock: 'none', affects: marked }];
}
