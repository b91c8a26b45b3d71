/** Updates of a table's rows, batch by batch, while everybody works on. */

import { quoteIdent } from '../sql.js';
import { withNulls } from './undeclared.js';

/** What rows that need it get: a value for a column, quoted, the mark of an explicit null, or what only the service can tell. */
export type Fill = SqlFill | CellFill;

/** Conditions are on the row as it is. */
export type SqlFill =
  | { readonly column: string; readonly value: string; readonly needed: string }
  | { readonly mark: string; readonly needed: string };

/** Physical names; the service makes the one column from the other, and `revision` says of which revision of the record. */
export interface CellFill {
  /** Logical name, of the new version. */
  readonly property: string;
  readonly from: string;
  readonly to: string;
  readonly revision: string;
  /** What is there may be gone for good, with the key of whom the record is about: then nothing is there. */
  readonly isLosable: boolean;
  readonly needed: string;
}

/**
 * One batch: $1 is the tenant, $2 the last id of the batch before, $3 how many rows a batch has. Answers the last id it looked
 * at, and how many rows it changed; no id when there was none left. A row gets all it needs at once: the checks that hold
 * writers back until the switch ask for all of it too.
 */
export function batchUpdate(table: string, fills: readonly SqlFill[]): string {
  return `with batch as materialized (
  select id
  from ${table}
  where tenant_id = $1::uuid
    and id > $2::uuid
  order by id
  limit $3::bigint
),
filled as (
  update ${table} as record
  set ${assignments(fills, fills.length === 1).join(',\n      ')}
  from batch
  where record.tenant_id = $1::uuid
    and record.id = batch.id
    and (${fills.map(({ needed }) => needed).join('\n      or ')})
  returning record.id
)
select
  (select id from batch order by id desc limit 1) as last_id,
  (select count(*) from filled) as changed`;
}

/** A batch in two statements, between which the service encrypts or decrypts. */
export interface ServiceBatch {
  /** $1 to $3 as above. Rows are id, revision, what the subject column says or NULL, and the columns that are read, in order. */
  readonly read: string;
  /** $1 is the tenant, $2 and $3 arrays of ids and revisions, and behind them one of texts for each column. */
  readonly write: string;
  /** In the order of the columns. */
  readonly fills: readonly CellFill[];
}

/**
 * What was changed between the two statements is left alone: whoever did that has kept both columns in step. The revision stays what it
 * is, since the record says what it said.
 * @param subject column of the property that says whom a record is about, physical
 */
export function serviceBatch(
  table: string,
  fills: readonly Fill[],
  subject: string | null,
  typeOf: (fill: CellFill) => string,
): ServiceBatch {
  const cells = fills.filter(isCellFill);
  const others = fills.filter(isSqlFill);
  const inputs = cells.map((_, index) => `"~${index}"`);
  const read = `select id, revision, ${subject === null ? 'null' : quoteIdent(subject)}, ${cells.map(({ from }) => quoteIdent(from)).join(', ')}
from ${table}
where tenant_id = $1::uuid
  and id > $2::uuid
  and (${fills.map(({ needed }) => needed).join('\n    or ')})
order by id
limit $3::bigint`;
  const set = [
    ...cells.flatMap(({ from, to, revision, isLosable }, index) => [
      `${quoteIdent(to)} = input.${inputs[index]}`,
      `${quoteIdent(revision)} = record.revision`,
      ...(isLosable
        ? [`${quoteIdent(from)} = case when input.${inputs[index]} is not null then record.${quoteIdent(from)} end`]
        : []),
    ]),
    ...assignments(others, false),
  ];
  const types = ['uuid', 'bigint', ...cells.map(typeOf)];
  const write = `update ${table} as record
set ${set.join(',\n    ')}
from unnest(${types.map((type, index) => `$${index + 2}::${type}[]`).join(', ')})
  as input (${['"~id"', '"~revision"', ...inputs].join(', ')})
where record.tenant_id = $1::uuid
  and record.id = input."~id"
  and record.revision = input."~revision"`;
  return { read, write, fills: cells };
}

/** As a plan shows it. */
export function serviceScript({ read, write }: ServiceBatch): string {
  return `${read};
-- the service encrypts or decrypts what it has read, and stores it where the record has not been changed since
${write}`;
}

/** A batch of a table of the past in two statements, between which the service encrypts: see `past/past-sealing.ts`. */
export interface PastBatch {
  /** Qualified and quoted. */
  readonly table: string;
  /**
   * $1 is the tenant, $2 to $4 id, end and revision of the last row before, $5 the columns and $6 the subjects of a `PastSealing`, $7 how
   * many rows a batch has. Rows are those three, the version, both subjects, and JSON of the texts by their columns.
   */
  readonly read: string;
  /** $1 is the tenant, behind it arrays: of ids, ends and revisions, of JSON arrays of the columns that go, and of objects of cells. */
  readonly write: string;
}

function isCellFill(fill: Fill): fill is CellFill {
  return 'revision' in fill;
}

export function isSqlFill(fill: Fill): fill is SqlFill {
  return !isCellFill(fill);
}

function assignments(fills: readonly SqlFill[], isOnly: boolean): string[] {
  const columns = fills.flatMap((fill) => {
    if (!('column' in fill)) return [];
    const { column, value, needed } = fill;
    return [`${column} = ${isOnly ? value : `case when ${needed} then ${value} else ${column} end`}`];
  });
  const marks = fills.flatMap((fill) => ('mark' in fill ? [{ name: fill.mark, needed: isOnly ? undefined : fill.needed }] : []));
  return marks.length === 0 ? columns : [...columns, `_extra = ${withNulls(marks)}`];
}
