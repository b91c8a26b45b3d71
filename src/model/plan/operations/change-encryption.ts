import { columnType } from '../../ddl/column.js';
import { qualified } from '../../ddl/table-ref.js';
import { EXTRA_COLUMN, type Property } from '../../entity.js';
import { derivedName } from '../../names.js';
import { ownRows } from '../../own-rows.js';
import { inPlain } from '../../sealed/with-ciphers.js';
import { quoteIdent, quoteLiteral } from '../../sql.js';
import { type CellFill } from '../batches.js';
import { encryptionObjects } from '../encryption-objects.js';
import { renameGuard } from '../guards.js';
import { backfill } from '../merge-backfills.js';
import { addBeforehand, assertNone, dropObject } from '../object-steps.js';
import { rebuiltObjects } from '../objects.js';
import { type Operation, type Probe, type Risk, type Step, UNFINISHED } from '../operation.js';
import { propertyPointer } from '../pointers.js';
import { sealPastSteps } from '../seal-past-steps.js';
import { formerProperty, type Transition } from '../transition.js';
import { addColumn, guardSteps, notNullSteps, swapColumns } from './shadow-steps.js';

/**
 * Values that are encrypted from now on, or no longer, or found by equal ones and were not. The database has no key: whatever the size of
 * the table, the service fills a second column while every write keeps both in step, and it takes the place of the first in one short
 * moment. The first is dropped then and not hidden: a plaintext that is kept for a month is not encrypted.
 */
export function changeEncryption(t: Transition, property: Property): Operation {
  const was = formerProperty(t, property) as Property;
  return {
    kind: 'change-encryption',
    pointer: propertyPointer(property),
    property: property.name,
    risk: riskOf(was, property),
    describe: () => describe(was, property),
    validate: () => probes(t, was, property),
    sql: (size) => {
      const { dropped, added } = encryptionObjects(t, property);
      const rebuilt = rebuiltObjects(t, property, size);
      return [
        ...obstacles(t, was, property).map(({ failing }) => assertNone(t, failing)),
        ...[...dropped, ...rebuilt.map(({ old }) => old)].map((object) => dropObject(t, object)),
        ...cellSteps(t, was, property),
        ...[...added, ...rebuilt.map(({ object }) => object)].flatMap((object) => addBeforehand(t, object, size)),
        ...renameGuard(t, was, property),
        ...(property.encrypted && !was.encrypted ? sealPastSteps(t) : []),
      ];
    },
    inverse: { kind: 'change-encryption', property: was.name },
  };
}

/** Says of which revision of its record the second column is: whoever has not heard of it moves the one and not the other. */
export function revisionColumn(t: Transition, property: Property): string {
  return derivedName([t.before.table, property.column], 'revision') + UNFINISHED;
}

function describe(was: Property, property: Property): string {
  const name = JSON.stringify(property.name);
  if (!property.encrypted) {
    return `${name} is decrypted: whoever reads the database, its log or its backups can read its values from now on`;
  }
  const found = property.encrypted.searchable ? 'found by equal values only' : 'not found by its values';
  if (was.encrypted) return `${name} is encrypted anew, and is ${found} from now on`;
  return (
    `${name} is encrypted, and is ${found} from now on; its plain column is dropped at once, but what it held stays in the pages of the ` +
    'table until each row is written again, as rotating the data key does, and these are vacuumed; in the write-ahead log and in backups ' +
    'until those have expired; and in the stored events of the trail, which shows it to nobody any more. Answers that were kept for ' +
    'Idempotency-Keys in plain text are forgotten'
  );
}

function riskOf(was: Property, property: Property): Risk {
  if (property.encrypted || !was.encrypted) return { level: 'restrictive', reversible: 'yes' };
  const reason = 'copies of the database that are made meanwhile hold the values in plain text for ever';
  return { level: 'restrictive', reversible: 'partly', reason };
}

function probes(t: Transition, was: Property, property: Property): Probe[] {
  const kept = keptUndeclared(t, was, property).map((table) => ({
    query: `select id
from ${qualified(t.home, table)}
where ${ownRows(t.home)}
  and (body ->> '${EXTRA_COLUMN}')::jsonb ->> ${quoteLiteral(was.name)} is not null`,
    message: `a former version or a deleted record holds an undeclared value under ${JSON.stringify(was.name)}, in plain text`,
    wayOut:
      'purge what is kept of the past of these records, which the document has to ask for with "history" or "softDelete" for that; ' +
      'none is added any more while the property is declared',
  }));
  return [...obstacles(t, was, property), ...kept];
}

/** What was undeclared when it was kept is shown as such for ever, and is no property's to encrypt. */
function keptUndeclared({ past }: Transition, was: Property, { encrypted }: Property): readonly string[] {
  return encrypted && !was.encrypted ? past : [];
}

/** Of the rows as they are: also asked with the lock in hand, since nothing keeps such a row from being stored meanwhile. */
function obstacles(t: Transition, was: Property, property: Property): (Probe & { readonly failing: string })[] {
  const [name, column] = [JSON.stringify(property.name), quoteIdent(was.column)];
  const [before, after] = [was, property].map((each) => columnType(inPlain(each)));
  const found: (Probe & { readonly failing: string })[] = [];
  if (before !== after) {
    found.push({
      failing: `${column} is not null`,
      message: `the type of ${name} changes from ${before} to ${after} together with its encryption`,
      wayOut: `change one of them first, and the other when that is done; the type only while ${name} is not encrypted`,
    });
  }
  const subject = t.after.properties.find((each) => each.name === t.after.subject);
  if (property.encrypted && subject && !formerProperty(t, subject)) {
    found.push({
      failing: `${column} is not null`,
      message: `nothing says yet whom a record with a ${name} is about: ${JSON.stringify(subject.name)} is new`,
      wayOut: `add ${JSON.stringify(subject.name)} first, and encrypt ${name} when every record has it`,
    });
  }
  return found;
}

function cellSteps(t: Transition, was: Property, property: Property): Step[] {
  const made = `${property.column}${UNFINISHED}`;
  const revision = revisionColumn(t, property);
  const [oldColumn, newColumn, of] = [was.column, made, revision].map(quoteIdent) as [string, string, string];
  const inStep = `${newColumn} is not null and ${of} is not distinct from revision`;
  const fill: CellFill = {
    ...{ property: property.name, from: was.column, to: made, revision, isLosable: was.encrypted !== undefined },
    needed: `${oldColumn} is not null and ${newColumn} is null`,
  };
  const alter = `alter table ${quoteIdent(t.home.schema)}.${quoteIdent(t.before.table)}`;
  return [
    addColumn(t, made, columnType(property)),
    addColumn(t, revision, 'bigint'),
    ...guardSteps(t, property, 'sealed', `case when ${oldColumn} is null then ${newColumn} is null else ${inStep} end`),
    { stage: 'backfill', work: 'update', lock: 'none', ...backfill(t, [fill]), fill },
    ...notNullSteps(t, was, property, made),
    ...swapColumns(t, was, property, made),
    { stage: 'types', work: 'catalog', as: 'owner', lock: 'ACCESS EXCLUSIVE', sql: `${alter} drop column ${of}` },
  ];
}
