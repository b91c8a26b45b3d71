import { columnType, holdsNull } from '../../ddl/column.js';
import { tableRef } from '../../ddl/table-ref.js';
import type { Property } from '../../entity.js';
import { ownRows } from '../../own-rows.js';
import { quoteIdent } from '../../sql.js';
import { conversionBetween } from '../conversion/conversion.js';
import { defaultValue, getsDefault } from '../default-value.js';
import { addGuard } from '../guards.js';
import { addObject, assertNone } from '../object-steps.js';
import { type Operation, type Probe, type Step, type TableSize, UNFINISHED } from '../operation.js';
import { ownObjects } from '../own-objects.js';
import { propertyPointer } from '../pointers.js';
import type { Transition } from '../transition.js';
import { explicitNull, undeclared, withoutUndeclared } from '../undeclared.js';
import { objectProbes } from './object-probes.js';

/**
 * A property that is new. Where undeclared members were kept, records may hold it already: what they hold moves from `_extra`
 * into the column, so that declaring what was there loses nothing.
 */
export function addProperty(t: Transition, property: Property): Operation {
  const adopts = t.before.keepsExtras;
  const objects = ownObjects(t, 'added', property);
  return {
    kind: adopts ? 'adopt-property' : 'add-property',
    pointer: propertyPointer(property),
    property: property.name,
    risk: {
      level: property.required ? 'restrictive' : 'none',
      reversible: adopts ? 'partly' : 'yes',
      ...(adopts ? { reason: 'what moved into the column is hidden with it, and not undeclared again' } : {}),
    },
    describe: () => describe(property, adopts),
    validate: () => [...probes(property, adopts), ...objects.flatMap((object) => objectProbes(t, object))],
    sql: (size) => [
      ...(property.nullable ? lacking(property, adopts).map((condition) => assertNone(t, condition)) : []),
      ...columnSteps(t, property, size),
      ...(adopts ? adoptSteps(t, property) : []),
      // Not beforehand: until the switch, undeclared is where the member is.
      ...(adopts ? addGuard(t, property, { ...size, large: false }) : []),
      ...objects.flatMap((object) => addObject(t, object, size)),
    ],
    inverse: { kind: 'drop-property', property: property.name },
  };
}

function describe({ name, required, default: value }: Property, adopts: boolean): string {
  const quoted = JSON.stringify(name);
  const filled = required && value !== undefined ? `, with ${JSON.stringify(value)} in existing records` : '';
  const moved = adopts ? '; what records hold under this name already moves into it' : '';
  return `the ${required ? 'required' : 'optional'} property ${quoted} is added${filled}${moved}`;
}

function probes(property: Property, adopts: boolean): Probe[] {
  const { name, nullable } = property;
  const quoted = JSON.stringify(name);
  const found: Probe[] = [];
  for (const failing of lacking(property, adopts)) {
    found.push({
      failing,
      message: `${quoted} is required, and existing records have no value for it`,
      wayOut: `give ${quoted} a "default", which existing records get, or add it as optional, fill it, and require it then`,
    });
  }
  if (!adopts) return found;
  if (!nullable) {
    found.push({
      failing: explicitNull(name),
      message: `a record holds an undeclared null under ${quoted}, which the property does not allow`,
      wayOut: `remove the member from those records, or allow "null" in the type of ${quoted}`,
    });
  }
  const fits = fitting(property);
  if (property.encrypted) {
    found.push({
      failing: isHeld(name),
      message: `a record holds an undeclared value under ${quoted}, which the database cannot encrypt`,
      wayOut: `add ${quoted} without "encrypted", which takes those values over, and encrypt it when that is done`,
    });
  } else if (fits !== undefined) {
    found.push({
      failing: `case when ${isHeld(name)} then not coalesce((${fits}), false) else false end`,
      message: `what a record holds under ${quoted} undeclared is not of the declared type`,
      wayOut: `correct or remove the member in those records, or declare another type or name`,
    });
  }
  return found;
}

/** Conditions on the rows that have no value for what is required. */
function lacking({ name, required, default: value }: Property, adopts: boolean): string[] {
  if (!required || value !== undefined) return [];
  return [adopts ? `${undeclared(name)} is null` : 'true'];
}

/** The row holds an undeclared value, and not null. */
function isHeld(name: string): string {
  return `${undeclared(name)} is not null and ${undeclared(name)} <> 'null'::jsonb`;
}

/** Condition that an undeclared value is one of the declared type; undefined when each is. */
function fitting(property: Property): string | undefined {
  const conversion = conversionBetween({ type: 'jsonb' }, property);
  return conversion ? conversion.fits?.(undeclared(property.name)) : 'false';
}

/** With a default, Postgres notes the value once for all existing rows instead of writing each. */
function columnSteps(t: Transition, property: Property, size: TableSize): Step[] {
  const { column } = property;
  const fills = getsDefault(t, property) !== undefined;
  const notNull = holdsNull(property) ? '' : ' not null';
  const literal = fills ? ` default ${defaultValue(property)}` : '';
  // What is adopted comes later, in its own statement.
  const later = notNull !== '' && !fills && t.before.keepsExtras;
  const definition = (name: string) => `add column ${quoteIdent(name)} ${columnType(property)}${literal}${later ? '' : notNull}`;
  const catalog = { work: 'catalog', as: 'owner', lock: 'ACCESS EXCLUSIVE' } as const;
  const table = tableRef(t.home, t.after);
  const alter = `alter table ${table} alter column ${quoteIdent(column)}`;
  const finish: Step[] = [
    ...(fills ? [{ stage: 'nulls' as const, ...catalog, sql: `${alter} drop default` }] : []),
    ...(later ? [{ stage: 'nulls' as const, ...catalog, work: 'scan' as const, sql: `${alter} set not null` }] : []),
  ];
  if (!size.large) return [{ stage: 'columns', ...catalog, sql: `alter table ${table} ${definition(column)}` }, ...finish];
  const made = `${column}${UNFINISHED}`;
  const old = tableRef(t.home, t.before);
  return [
    {
      ...{ stage: 'prepare-columns', ...catalog, sql: `alter table ${old} ${definition(made)}` },
      makes: { kind: 'column', name: made },
    },
    {
      ...{ stage: 'rename', ...catalog },
      sql: `alter table ${old} rename column ${quoteIdent(made)} to ${quoteIdent(column)}`,
    },
    ...finish,
  ];
}

/** What does not fit stays where it is, and the guard refuses it. */
function adoptSteps(t: Transition, property: Property): Step[] {
  const conversion = conversionBetween({ type: 'jsonb' }, property);
  if (!conversion || property.encrypted) return [];
  const { name } = property;
  const [table, column] = [tableRef(t.home, t.after), quoteIdent(property.column)];
  const update = { stage: 'values', work: 'update', as: 'tenant', lock: 'none' } as const;
  const fits = fitting(property);
  const where = fits === undefined ? isHeld(name) : `case when ${isHeld(name)} then ${fits} else false end`;
  const sql = `update ${table}
set ${column} = ${conversion.using(undeclared(name))},
    _extra = ${withoutUndeclared(name)}
where ${ownRows(t.home)}
  and ${where}`;
  // The default that the column came with is for records without the member.
  const overwritten = property.nullable && getsDefault(t, property) !== undefined;
  const forget = `update ${table}\nset ${column} = null\nwhere ${ownRows(t.home)}\n  and ${explicitNull(name)}`;
  return [
    { ...update, sql, affects: isHeld(name) },
    ...(overwritten ? [{ ...update, sql: forget, affects: explicitNull(name) }] : []),
  ];
}
