import { columnType } from '../../ddl/column.js';
import { tableRef } from '../../ddl/table-ref.js';
import type { Property } from '../../entity.js';
import { quoteIdent } from '../../sql.js';
import { batchUpdate } from '../batches.js';
import { type Conversion, conversionBetween } from '../conversion/conversion.js';
import { addBeforehand, addObject, assertNone, dropObject } from '../object-steps.js';
import { objectChanges, rebuiltObjects, retypedOwner, stayedKeys } from '../objects.js';
import { type Operation, type Probe, type Step, UNFINISHED } from '../operation.js';
import { propertyPointer } from '../pointers.js';
import { isPreparedBeforehand } from '../prepared-type.js';
import type { TableObject } from '../table-object.js';
import { formerProperty, type Transition } from '../transition.js';
import { objectProbes } from './object-probes.js';
import { addColumn, guardSteps, notNullSteps, swapColumns } from './shadow-steps.js';

/**
 * Another type, exactly converted: a value that would not say the same afterwards stands in the way. A small table is rewritten
 * at once. On a large one a second column is filled while every write keeps both in step, and takes the place of the first in
 * one short moment.
 */
export function changeType(t: Transition, property: Property): Operation {
  const was = formerProperty(t, property) as Property;
  const conversion = conversionBetween(was, property);
  const { dropped, added, remade } = ownOf(t, property);
  return {
    kind: 'change-type',
    pointer: propertyPointer(property),
    property: property.name,
    risk: { level: 'restrictive', reversible: 'yes' },
    describe: () => {
      const rule = conversion ? `: ${conversion.rule}` : '';
      return `the type of ${JSON.stringify(property.name)} changes from ${columnType(was)} to ${columnType(property)}${rule}`;
    },
    validate: () => [
      ...conversionProbe(was, property, conversion),
      ...[...added, ...keysThatMerge(t, was, property)].flatMap((object) => objectProbes(t, object)),
    ],
    sql: (size) => {
      const gone = [...dropped, ...remade.map(({ old }) => old)].map((object) => dropObject(t, object));
      const fresh = [...added, ...remade.map(({ object }) => object)];
      if (!conversion || !isPreparedBeforehand(was, property, size)) {
        const atOnce = { ...size, large: false };
        return [...gone, ...alterSteps(t, was, property, conversion), ...fresh.flatMap((object) => addObject(t, object, atOnce))];
      }
      const rebuilt = rebuiltObjects(t, property, size);
      return [
        ...gone,
        ...rebuilt.map(({ old }) => dropObject(t, old)),
        ...shadowSteps(t, was, property, conversion),
        ...[...fresh, ...rebuilt.map(({ object }) => object)].flatMap((object) => addBeforehand(t, object, size)),
      ];
    },
    inverse: { kind: 'change-type', property: was.name },
  };
}

/** The checks of its column, and the foreign keys that stay on either side of it. */
function ownOf(t: Transition, { name }: Property) {
  const { dropped, added, remade } = objectChanges(t);
  const former = t.renames.get(name) ?? name;
  const isOwn = (property: string) => (object: TableObject) => object.kind === 'check' && object.properties[0] === property;
  return {
    dropped: dropped.filter(isOwn(former)),
    added: added.filter(isOwn(name)),
    remade: remade.filter(({ object }) => retypedOwner(t, object)?.name === name),
  };
}

/** Unique keys that stay, where texts that differ become the same number, or range of numbers. Exactly converted, other values stay apart. */
function keysThatMerge(t: Transition, was: Property, property: Property): readonly TableObject[] {
  if (was.type !== 'text' || (property.type !== 'numeric' && property.type !== 'numrange')) return [];
  return stayedKeys(t, property).filter(({ kind, unique }) => kind === 'unique' || unique);
}

function conversionProbe(was: Property, property: Property, conversion: Conversion | undefined): Probe[] {
  const column = quoteIdent(was.column);
  const quoted = JSON.stringify(property.name);
  if (!conversion) {
    return [
      {
        failing: `${column} is not null`,
        message: `there is no exact conversion of ${quoted} from ${columnType(was)} to ${columnType(property)}`,
        wayOut: 'add a property of the new type under another name, fill it through the API, and remove the old one',
      },
    ];
  }
  const fits = conversion.fits?.(column);
  if (fits === undefined) return [];
  return [
    {
      failing: `case when ${column} is not null then not coalesce((${fits}), false) else false end`,
      message: `the value of ${quoted} would not say the same as ${columnType(property)}: ${conversion.rule}`,
      wayOut: 'correct those records first, or add a property of the new type under another name',
    },
  ];
}

function alterSteps(t: Transition, was: Property, property: Property, conversion: Conversion | undefined): Step[] {
  const column = quoteIdent(was.column);
  const type = columnType(property);
  const alter = `alter table ${tableRef(t.home, t.before)} alter column ${column} type ${type} using`;
  const using = conversion ? conversion.using(column) : `null::${type}`;
  const work = conversion?.rewrites === false ? workInPlace(t, was, property) : 'rewrite';
  return [
    ...conversionProbe(was, property, conversion).map(({ failing = 'false' }) => assertNone(t, failing)),
    { stage: 'types', work, as: 'owner', lock: 'ACCESS EXCLUSIVE', sql: `${alter} ${using}` },
  ];
}

/** Of two types that look alike in a row, an index orders values by other operators: Postgres builds it again. */
function workInPlace(t: Transition, was: Property, { name, type }: Property): Step['work'] {
  if (was.type === type) return 'catalog';
  const isIndexed = objectChanges(t).stayed.some(
    ({ object }) => (object.kind === 'index' || object.kind === 'unique') && object.properties.includes(name),
  );
  return isIndexed ? 'index' : 'catalog';
}

function shadowSteps(t: Transition, was: Property, property: Property, conversion: Conversion): Step[] {
  const made = `${property.column}${UNFINISHED}`;
  const [oldColumn, newColumn] = [was.column, made].map(quoteIdent) as [string, string];
  const fits = conversion.fits?.(oldColumn);
  const value = conversion.using(oldColumn);
  const inStep = `${newColumn} is not distinct from ${value}`;
  const condition = fits
    ? `case when ${oldColumn} is null then ${newColumn} is null when ${fits} then ${inStep} else false end`
    : inStep;
  const converted = fits ? `case when ${fits} then ${value} end` : value;
  const fill = { column: newColumn, value: converted, needed: `${oldColumn} is not null and ${newColumn} is null` };
  const sql = batchUpdate(tableRef(t.home, t.before), [fill]);
  return [
    addColumn(t, made, columnType(property)),
    ...guardSteps(t, property, 'type', condition),
    { stage: 'backfill', work: 'update', as: 'tenant', lock: 'none', sql, fill },
    ...notNullSteps(t, was, property, made),
    ...swapColumns(t, was, property, made),
  ];
}
