import { columnType } from '../ddl/column.js';
import { tableRef } from '../ddl/table-ref.js';
import type { Property } from '../entity.js';
import { ownRows } from '../own-rows.js';
import type { Slot } from '../sealed/field-cipher.js';
import { tagSql } from '../sealed/tag-sql.js';
import { quoteIdent } from '../sql.js';
import { type Conversion, conversionBetween } from './conversion/conversion.js';
import { defaultValue, getsDefault } from './default-value.js';
import { changesEncryption, changesType, formerProperty, type Transition } from './transition.js';
import { undeclared } from './undeclared.js';

/** What the rows hold for a property of the new version, before the change and told of the rows as they are. */
export interface FormerValue {
  /** Of the value in its new type, the default that fills it included. */
  readonly sql: string;
  /** Condition that the row has such a value and that it converts. */
  readonly present: string;
  /** Of the SQL, where it is not that of the new column: what is encrypted then is compared in plain text, or by its tag. */
  readonly type?: string;
}

/**
 * Undefined when no row can hold a value for it, or none that has a conversion.
 * @param slot of the tags by which encrypted values are compared
 */
export function formerValue(t: Transition, property: Property, slot?: Slot): FormerValue | undefined {
  const own = ownValue(t, property, slot);
  const [absent, fill] = [getsDefault(t, property), defaultValue(property)];
  if (absent === undefined || fill === undefined) return own;
  if (absent === 'true' || !own) return { sql: fill, present: `(${absent})` };
  return { sql: `(case when ${absent} then ${fill} else ${own.sql} end)`, present: `(${absent} or ${own.present})` };
}

function ownValue(t: Transition, property: Property, slot?: Slot): FormerValue | undefined {
  const kept = t.kept.get(property.name);
  const was = formerProperty(t, property);
  if (property.encrypted && kept !== undefined) return tagged(kept, slot);
  if (kept !== undefined) return plain(quoteIdent(kept));
  if (was && (was.encrypted || property.encrypted)) return encryptedValue(was, property, slot);
  if (was && !changesType(was, property)) return plain(quoteIdent(was.column));
  if (was) return converted(quoteIdent(was.column), conversionBetween(was, property));
  // An undeclared value cannot be encrypted by the database.
  if (!t.before.keepsExtras || property.encrypted) return undefined;
  const value = undeclared(property.name);
  return converted(value, conversionBetween({ type: 'jsonb' }, property), `${value} <> 'null'::jsonb`);
}

function encryptedValue(was: Property, property: Property, slot?: Slot): FormerValue | undefined {
  if (!changesEncryption(was, property)) return tagged(was.column, slot);
  const column = quoteIdent(was.column);
  if (!was.encrypted) return { ...plain(column), type: columnType(was) };
  return was.encrypted.searchable ? tagged(was.column) : undefined;
}

/** By its tag in a slot, or in the one that has one. */
function tagged(column: string, slot?: Slot): FormerValue {
  const sql = slot === undefined ? `coalesce(${tagSql(column, 0)}, ${tagSql(column, 1)})` : tagSql(column, slot);
  return { sql, present: `${sql} is not null`, type: 'bytea' };
}

/** Ids of rows whose values, as they will be, satisfy `condition`, which speaks of the new columns of `properties`. */
export function rowsAfter(t: Transition, properties: readonly Property[], condition: string): string | undefined {
  const rows = formerRows(t, properties);
  return (
    rows &&
    `select id
from (
  ${rows.replaceAll('\n', '\n  ')}
) as former
where ${condition}`
  );
}

/** `id` and the new columns of `properties`, of the rows that have a value for each; undefined when none can. */
export function formerRows(t: Transition, properties: readonly Property[], slot?: Slot): string | undefined {
  const values = properties.map((property) => formerValue(t, property, slot));
  if (values.some((value) => value === undefined)) return undefined;
  const columns = properties.map((property, i) => {
    const type = values[i]?.type ?? columnType(property);
    return `${values[i]?.sql}::${type} as ${quoteIdent(property.column)}`;
  });
  return `select id, ${columns.join(', ')}
from ${tableRef(t.home, t.before)}
where ${[ownRows(t.home), ...values.map((value) => value?.present)].join('\n  and ')}`;
}

function plain(column: string): FormerValue {
  return { sql: column, present: `${column} is not null` };
}

function converted(value: string, conversion: Conversion | undefined, other?: string): FormerValue | undefined {
  if (!conversion) return undefined;
  const fits = conversion.fits?.(value);
  const conditions = [`${value} is not null`, ...(other ? [other] : []), ...(fits ? [`(${fits})`] : [])];
  // CASE, because a sub-select keeps no order between its condition and its columns.
  const sql = fits ? `case when ${fits} then ${conversion.using(value)} end` : conversion.using(value);
  return { sql: `(${sql})`, present: conditions.join(' and ') };
}
