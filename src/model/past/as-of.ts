/**
 * The records of an entity as they were at an instant, as a table that a query reads in the place of the entity's own: the rows
 * that have not been changed since, and the versions that were replaced or deleted after it. Columns are those of the document
 * in force. What a definition renamed, converted or took over since then reads as it does now: a change of the document is no
 * change of a record.
 */

import { columnType } from '../ddl/column.js';
import { qualified, tableRef } from '../ddl/table-ref.js';
import { type Entity, EXTRA_COLUMN, type Property, TENANT_COLUMN, type TenantHome } from '../entity.js';
import { conversionBetween } from '../plan/conversion/conversion.js';
import { defaultValue } from '../plan/default-value.js';
import type { VersionStep } from '../plan/lineage.js';
import { undeclared } from '../plan/undeclared.js';
import { inPlain } from '../sealed/with-ciphers.js';
import { quoteIdent, quoteLiteral } from '../sql.js';
import { type Origins, originsOf } from './origins.js';
import { type SealedLater, sealedLater } from './sealed-later.js';

export interface AsOf {
  /** A SELECT over all columns of the entity's table; $1 is the tenant and $2 the instant. */
  readonly sql: string;
  /** Columns whose values of then have no exact meaning in the type of now, with the version that changed it. */
  readonly unreadable: ReadonlyMap<string, { readonly property: string; readonly version: number }>;
  /** Columns whose values of then are read as cells, and were in plain text until a later version encrypted them. */
  readonly sealedLater: ReadonlySet<string>;
}

/**
 * @param steps the versions from before the instant to the one in force, which is the entity's.
 * @param withheld aligned with them: names that are read from nothing that a record of the version held undeclared
 */
export function asOf(
  home: TenantHome,
  entity: Entity,
  steps: readonly VersionStep[],
  withheld: readonly (readonly string[])[] = [],
): AsOf {
  const { past } = entity;
  if (past?.history === undefined) throw new Error(`${entity.name} keeps no history`);
  const eras = erasOf(steps, withheld);
  const unreadable = new Map<string, { property: string; version: number }>();
  const later = entity.properties.filter(({ name }) =>
    eras.some(({ origins, sealed }) => sealed.has(origins.get(name)?.name ?? '')),
  );
  const values = entity.properties.map((property) => {
    const value = sqlOf(property, eras);
    if (typeof value !== 'string') unreadable.set(property.column, { property: property.name, version: value.changedBy });
    return [property.column, typeof value === 'string' ? value : `null::${columnType(property)}`] as const;
  });
  const columns: (readonly [string, string])[] = [
    [TENANT_COLUMN, TENANT_COLUMN],
    ['id', 'id'],
    ...values,
    [EXTRA_COLUMN, extrasOf(eras)],
    ['created_at', "(body ->> 'created_at')::timestamptz"],
    ['updated_at', 'began_at'],
    ['created_by', "body ->> 'created_by'"],
    ['updated_by', "body ->> 'updated_by'"],
    ['revision', 'revision'],
  ];
  const sql = `select ${columns.map(([column]) => quoteIdent(column)).join(', ')}
from ${tableRef(home, entity)}
where ${TENANT_COLUMN} = $1
  and updated_at <= $2::timestamptz
union all
select ${columns.map(([column, value]) => `${value} as ${quoteIdent(column)}`).join(', ')}
from (
  select ${TENANT_COLUMN}, id, revision, version, began_at, body, (body ->> '${EXTRA_COLUMN}')::jsonb as ${EXTRA_COLUMN}
  from ${qualified(home, past.history)}
  where ${TENANT_COLUMN} = $1
    and began_at <= $2::timestamptz
    and ended_at > $2::timestamptz
) as former`;
  return { sql, unreadable, sealedLater: new Set(later.map(({ column }) => column)) };
}

/** One version as the rows that were kept under it are read. */
interface Era {
  readonly version: number;
  readonly entity: Entity;
  readonly origins: Origins;
  /** What is kept under it of cells, and was in plain text then. */
  readonly sealed: SealedLater;
  readonly withheld: readonly string[];
}

/** Newest first. */
function erasOf(steps: readonly VersionStep[], withheld: readonly (readonly string[])[]): Era[] {
  const origins = originsOf(steps);
  const sealed = sealedLater(steps);
  return steps
    .map(({ version, entity }, index) => {
      const read = { origins: origins[index] as Origins, sealed: sealed[index] as SealedLater };
      return { version, entity, ...read, withheld: withheld[index] ?? [] };
    })
    .reverse();
}

/** SQL of a property's value; or which version gave it a type that not every value of before has. */
function sqlOf(property: Property, eras: readonly Era[]): string | { readonly changedBy: number } {
  const cases: Case[] = [];
  for (const [index, era] of eras.entries()) {
    const was = era.origins.get(property.name);
    const value = was ? converted(era.sealed.get(was.name) ?? was, property) : adopted(era.entity, property);
    if (value === undefined) return { changedBy: (eras[index - 1] as Era).version };
    cases.push({ version: era.version, value });
  }
  return filled(property, caseOf(cases));
}

/** What a definition required, it gave to every record that did not have it. */
function filled(property: Property, value: string): string {
  const given = property.required && !property.nullable ? defaultValue(property) : undefined;
  return given === undefined ? value : `coalesce(${value}, ${given})`;
}

function converted(was: Property, is: Property): string | undefined {
  // Cells of then are cells; what was not encrypted, or is not any more, only the service could turn into the other.
  if (was.encrypted?.field !== is.encrypted?.field || !was.encrypted !== !is.encrypted) return undefined;
  if (columnType(inPlain(was)) !== columnType(inPlain(is)) && is.encrypted) return undefined;
  const text = `(body ->> ${quoteLiteral(was.column)})::${columnType(was)}`;
  if (columnType(was) === columnType(is)) return text;
  const conversion = conversionBetween(was, is);
  // One that does not fit every value would have to leave some out.
  return conversion && !conversion.fits ? `(${conversion.using(`(${text})`)})::${columnType(is)}` : undefined;
}

/** Before it was declared, a record may have held it undeclared: what fits is taken over, as it was when it was declared. */
function adopted({ keepsExtras }: Entity, property: Property): string {
  const type = columnType(property);
  const conversion = property.encrypted ? undefined : conversionBetween({ type: 'jsonb' }, property);
  if (!keepsExtras || !conversion) return `null::${type}`;
  return `case when ${fitsUndeclared(property)} then (${conversion.using(undeclared(property.name))})::${type} end`;
}

function fitsUndeclared(property: Property): string {
  const member = undeclared(property.name);
  const fits = conversionBetween({ type: 'jsonb' }, property)?.fits?.(member);
  const held = `${member} is not null and ${member} <> 'null'::jsonb`;
  return fits === undefined ? held : `case when ${held} then ${fits} else false end`;
}

/** Undeclared members and explicit nulls, under the names of now. */
function extrasOf(eras: readonly Era[]): string {
  const [newest] = eras;
  return caseOf(
    eras.map((era) => ({ version: era.version, value: era === newest ? EXTRA_COLUMN : extrasIn(era, newest as Era) })),
  );
}

function extrasIn({ entity, origins, withheld }: Era, newest: Era): string {
  const renamed = [...origins].filter(([name, was]) => was.name !== name);
  const stayed = new Set([...origins].filter(([name, was]) => was.name === name).map(([name]) => name));
  const gone = [...entity.properties.map(({ name }) => name).filter((name) => !stayed.has(name)), ...withheld];
  const taken = entity.keepsExtras
    ? newest.entity.properties.filter(({ name, encrypted }) => !origins.has(name) && !encrypted)
    : [];
  const without = gone.length === 0 ? '' : ` - array[${gone.map(quoteLiteral).join(', ')}]`;
  const adoptions = taken.map(
    (property) => ` - case when ${fitsUndeclared(property)} then array[${quoteLiteral(property.name)}] else array[]::text[] end`,
  );
  const nulls = renamed.map(([name, was]) => {
    const mark = `jsonb_build_object(${quoteLiteral(name)}, null)`;
    return ` || case when ${EXTRA_COLUMN} ? ${quoteLiteral(was.name)} then ${mark} else '{}'::jsonb end`;
  });
  const changed = [without, ...adoptions, ...nulls].join('');
  return changed === '' ? EXTRA_COLUMN : `nullif((${EXTRA_COLUMN}${without}${adoptions.join('')})${nulls.join('')}, '{}'::jsonb)`;
}

interface Case {
  readonly version: number;
  readonly value: string;
}

/** Versions that read alike are one; the oldest known stands for whatever is older. @param cases newest first */
function caseOf(cases: readonly Case[]): string {
  const distinct = cases.filter(({ value }, index) => value !== cases[index + 1]?.value);
  const oldest = distinct.at(-1) as Case;
  if (distinct.length === 1) return oldest.value;
  const whens = distinct.slice(0, -1).map(({ version, value }) => `when version >= ${version} then ${value}`);
  return `case ${whens.join(' ')} else ${oldest.value} end`;
}
