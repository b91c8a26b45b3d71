import { holdsNull } from '../../ddl/column.js';
import { tableRef } from '../../ddl/table-ref.js';
import type { Property } from '../../entity.js';
import { ownRows } from '../../own-rows.js';
import { quoteIdent } from '../../sql.js';
import { defaultValue, getsDefault } from '../default-value.js';
import { keepOut } from '../guards.js';
import { addObject } from '../object-steps.js';
import type { Operation, Probe, Step } from '../operation.js';
import { ownObjects } from '../own-objects.js';
import { propertyPointer } from '../pointers.js';
import type { Transition } from '../transition.js';
import { undeclared } from '../undeclared.js';
import { objectProbes } from './object-probes.js';

/** A dropped property that comes back with what records held in it. */
export function restoreProperty(t: Transition, property: Property): Operation {
  const objects = ownObjects(t, 'added', property);
  const hidden = t.kept.get(property.name) ?? property.column;
  return {
    kind: 'restore-property',
    pointer: propertyPointer(property),
    property: property.name,
    risk: { level: property.required ? 'restrictive' : 'none', reversible: 'yes' },
    describe: () => describe(t, property),
    validate: () => [...probes(t, property, hidden), ...objects.flatMap((object) => objectProbes(t, object))],
    sql: (size) => [
      ...showSteps(t, property, hidden),
      ...(t.before.keepsExtras ? keepOut(t, property, size) : []),
      ...objects.flatMap((object) => addObject(t, object, size)),
    ],
    inverse: { kind: 'drop-property', property: property.name },
  };
}

function describe(t: Transition, property: Property): string {
  const filled = getsDefault(t, property) ? `; records written since get ${JSON.stringify(property.default)}` : '';
  return `${JSON.stringify(property.name)} comes back with what records held in it when it was removed${filled}`;
}

function probes(t: Transition, property: Property, hidden: string): Probe[] {
  const { name } = property;
  const found: Probe[] = [];
  if (!holdsNull(property) && !getsDefault(t, property)) {
    found.push({
      failing: `${quoteIdent(hidden)} is null`,
      message: `${JSON.stringify(name)} is required, and records written since it was removed have no value`,
      wayOut: 'restore it as optional, fill it, and require it then',
    });
  }
  if (t.before.keepsExtras) {
    found.push({
      failing: `${undeclared(name)} is not null`,
      message: `a record written since holds an undeclared member ${JSON.stringify(name)}`,
      wayOut: 'remove that member from those records first',
    });
  }
  return found;
}

function showSteps(t: Transition, property: Property, hidden: string): Step[] {
  const [column, table] = [quoteIdent(property.column), tableRef(t.home, t.after)];
  const catalog = { work: 'catalog', as: 'owner', lock: 'ACCESS EXCLUSIVE' } as const;
  const show = `alter table ${tableRef(t.home, t.before)} rename column ${quoteIdent(hidden)} to ${column}`;
  const steps: Step[] = [{ stage: 'rename', ...catalog, sql: show }];
  const affects = getsDefault(t, property);
  if (affects) {
    const sql = `update ${table}\nset ${column} = ${defaultValue(property)}\nwhere ${ownRows(t.home)}\n  and ${column} is null`;
    steps.push({ stage: 'values', work: 'update', as: 'tenant', lock: 'none', sql, affects });
  }
  if (!holdsNull(property)) {
    steps.push({ stage: 'nulls', ...catalog, work: 'scan', sql: `alter table ${table} alter column ${column} set not null` });
  }
  return steps;
}
