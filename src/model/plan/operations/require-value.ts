import { holdsNull } from '../../ddl/column.js';
import { tableRef } from '../../ddl/table-ref.js';
import type { Property } from '../../entity.js';
import { derivedName } from '../../names.js';
import { ownRows } from '../../own-rows.js';
import { quoteIdent } from '../../sql.js';
import { batchUpdate } from '../batches.js';
import { defaultValue, getsDefault } from '../default-value.js';
import { addGuard, dropGuard, refusesNullNow } from '../guards.js';
import { assertNone } from '../object-steps.js';
import { stayedKeys } from '../objects.js';
import { type Operation, type Probe, type Step, type TableSize, UNFINISHED } from '../operation.js';
import { propertyPointer } from '../pointers.js';
import { changesType, formerProperty, type Transition } from '../transition.js';
import { explicitNull, undeclared } from '../undeclared.js';
import { objectProbes } from './object-probes.js';

/** A property that has to be there, or may not be null, from now on. With a default, records that lack it get that. */
export function requireValue(t: Transition, property: Property): Operation {
  const was = formerProperty(t, property) as Property;
  const name = JSON.stringify(property.name);
  const fills = comesToBeRequired(was, property) && property.default !== undefined;
  const words = [
    ...(comesToBeRequired(was, property) ? ['is required'] : []),
    ...(was.nullable && !property.nullable ? ['may not be null'] : []),
  ];
  const filled = fills ? `; records without it get ${JSON.stringify(property.default)}` : '';
  return {
    kind: 'require-value',
    pointer: propertyPointer(property),
    property: property.name,
    risk: fills
      ? { level: 'restrictive', reversible: 'partly', reason: 'the records that were filled keep their value' }
      : { level: 'restrictive', reversible: 'yes' },
    describe: () => `${name} ${words.join(' and ')}${filled}`,
    validate: () => [...probes(was, property), ...keyProbes(t, property)],
    sql: (size) => steps(t, was, property, size),
    inverse: { kind: 'relax-value', property: was.name },
  };
}

function comesToBeRequired(was: Property, property: Property): boolean {
  return property.required && !was.required;
}

function probes(was: Property, property: Property): Probe[] {
  const name = JSON.stringify(property.name);
  const found: Probe[] = [];
  if (comesToBeRequired(was, property) && property.default === undefined) {
    found.push({
      failing: isAbsent(was),
      message: `a record has no ${name}`,
      wayOut: `give ${name} a "default", which those records get, or fill them first`,
    });
  }
  if (was.nullable && !property.nullable) {
    found.push({
      failing: isNull(was),
      message: `${name} is null in a record`,
      wayOut: `give those records a value first`,
    });
  }
  return found;
}

/** Keys and relations that stay meet the default in records that had no value. */
function keyProbes(t: Transition, property: Property): readonly Probe[] {
  if (getsDefault(t, property) === undefined) return [];
  return stayedKeys(t, property).flatMap((object) => objectProbes(t, object));
}

function isAbsent(property: Property): string {
  return absence(property).join(' and ');
}

function absence({ name, column }: Property): string[] {
  return [`${quoteIdent(column)} is null`, `not ${explicitNull(name)}`];
}

function isNull({ name, column, required }: Property): string {
  return required ? `${quoteIdent(column)} is null` : `${quoteIdent(column)} is null and ${explicitNull(name)}`;
}

function steps(t: Transition, was: Property, property: Property, size: TableSize): Step[] {
  // A column that changes its type as well is filled when it has its new one.
  const atOnce = !size.large || changesType(was, property);
  const guarded = refusesNullNow(was, property) && was.name === property.name;
  const forbidsNull = holdsNull(was) && !holdsNull(property);
  // A default of null fills by itself.
  const present = forbidsNull || (comesToBeRequired(was, property) && property.default !== null);
  return [
    ...fillSteps(t, was, property, atOnce),
    ...(guarded ? [...dropGuard(t, was), ...addGuard(t, property, size)] : []),
    ...(present && !atOnce ? presenceSteps(t, was, property) : []),
    // Otherwise NOT NULL says it, or a default fills what is missing.
    ...(present && atOnce && property.nullable && property.default === undefined ? [assertNone(t, isAbsent(was))] : []),
    ...(forbidsNull ? notNullSteps(t, property, atOnce) : []),
  ];
}

function fillSteps(t: Transition, was: Property, property: Property, atOnce: boolean): Step[] {
  const [affects, fill] = [getsDefault(t, property), defaultValue(property)];
  if (affects === undefined || fill === undefined) return [];
  const update = { work: 'update', as: 'tenant', lock: 'none', affects } as const;
  if (atOnce) {
    const [table, column] = [tableRef(t.home, t.after), quoteIdent(property.column)];
    // Marks of null have moved to a new name by now.
    const sql = `update ${table}\nset ${column} = ${fill}\nwhere ${[ownRows(t.home), ...absence(property)].join('\n  and ')}`;
    return [{ stage: 'values', ...update, sql }];
  }
  const filling = { column: quoteIdent(was.column), value: fill, needed: isAbsent(was) };
  return [{ stage: 'backfill', ...update, sql: batchUpdate(tableRef(t.home, t.before), [filling]), fill: filling }];
}

/** Until the switch, writers of the old version may not leave it out again. */
function presenceSteps(t: Transition, was: Property, property: Property): Step[] {
  const name = presenceName(t, property);
  const old = tableRef(t.home, t.before);
  const present = `${quoteIdent(was.column)} is not null`;
  const condition = property.nullable ? `${present} or ${undeclared(was.name)} is not null` : present;
  const drop = `alter table ${tableRef(t.home, t.after)} drop constraint ${quoteIdent(name)}`;
  return [
    {
      ...{ stage: 'prepare-constraints', work: 'catalog', as: 'owner', lock: 'ACCESS EXCLUSIVE' },
      sql: `alter table ${old} add constraint ${quoteIdent(name)} check (${condition}) not valid`,
      makes: { kind: 'constraint', name },
    },
    {
      ...{ stage: 'validate', work: 'scan', as: 'owner', lock: 'SHARE UPDATE EXCLUSIVE' },
      sql: `alter table ${old} validate constraint ${quoteIdent(name)}`,
    },
    { stage: 'relations', work: 'catalog', as: 'owner', lock: 'ACCESS EXCLUSIVE', sql: drop },
  ];
}

function presenceName(t: Transition, property: Property): string {
  return derivedName([t.before.table, property.column, 'present'], 'check') + UNFINISHED;
}

/** Postgres takes the word of a valid check that says the same, and does not look again. */
function notNullSteps(t: Transition, property: Property, atOnce: boolean): Step[] {
  const sql = `alter table ${tableRef(t.home, t.after)} alter column ${quoteIdent(property.column)} set not null`;
  return [{ stage: 'nulls', work: atOnce ? 'scan' : 'catalog', as: 'owner', sql, lock: 'ACCESS EXCLUSIVE' }];
}
