/** What is said of each kind of drift: what is wrong, what comes of it and what to do, each a sentence without a full stop. */

import { ROW_RULE_POLICIES } from '../ddl/row-rule-policies.js';
import { shown } from '../names.js';
import type { ColumnCatalog, ConstraintCatalog, IndexCatalog, PolicyCatalog } from './catalog.js';

type Constraint = Pick<ConstraintCatalog, 'name' | 'kind'>;

export function missingTable(name: string): string {
  return `the table ${shown(name)} is missing: somebody dropped it by hand, and its records with it; restore it from a backup`;
}

export function missingColumn(name: string, property: string | undefined): string {
  return property === undefined
    ? `the column ${shown(name)}, which every table has, is missing: somebody dropped it by hand; restore the table from a backup`
    : `the column ${shown(name)} of the property ${shown(property)} is missing: somebody dropped it by hand, and its values with it; restore the table from a backup`;
}

export function missingHidden(name: string): string {
  return `the hidden column ${shown(name)} is missing: somebody dropped it by hand, and the dropped property whose values it kept cannot be restored any more`;
}

export function unexpectedColumn({ name, notNull }: ColumnCatalog): string {
  const effect = notNull ? 'no record can be created while it is NOT NULL' : 'the service neither reads nor writes it';
  return `the column ${shown(name)} belongs to no property: somebody added it by hand, and ${effect}; drop it once its values are safe`;
}

export function hiddenColumn({ name, notNull }: ColumnCatalog): string | undefined {
  if (!notNull) return undefined;
  return `the hidden column ${shown(name)} is NOT NULL: its property was dropped, and no record can be created; drop NOT NULL`;
}

export function differentColumn(wanted: ColumnCatalog, found: ColumnCatalog): string | undefined {
  const column = `the column ${shown(wanted.name)}`;
  if (found.type !== wanted.type) {
    return `${column} is ${found.type} where the document asks for ${wanted.type}: somebody changed it by hand; look at its values and change it back`;
  }
  if (found.notNull === wanted.notNull) return undefined;
  return wanted.notNull
    ? `${column} may be NULL though every record has a value there: somebody dropped NOT NULL by hand; set it again`
    : `${column} is NOT NULL though a record may have no value there: somebody set it by hand, and such records are refused; drop NOT NULL`;
}

const NOUN: Readonly<Record<ConstraintCatalog['kind'], string>> = {
  'primary key': 'primary key',
  unique: 'unique constraint',
  check: 'check',
  'foreign key': 'foreign key',
  exclusion: 'exclusion constraint',
  trigger: 'constraint trigger',
};

const LOSS: Readonly<Record<ConstraintCatalog['kind'], string>> = {
  'primary key': 'two records may have one id',
  unique: 'duplicates are no longer refused',
  check: 'the database no longer refuses what the document forbids',
  'foreign key': 'values that refer to nothing are no longer refused',
  exclusion: 'what it refused is accepted',
  trigger: 'what it refused is accepted',
};

export function missingConstraint({ name, kind }: Constraint): string {
  return `the ${NOUN[kind]} ${shown(name)} is missing: somebody dropped it by hand, and ${LOSS[kind]}; add it again`;
}

export function differentConstraint({ name, kind, definition }: ConstraintCatalog, wanted: string): string {
  return `the ${NOUN[kind]} ${shown(name)} ${unlike(definition, wanted)}: somebody replaced it by hand; drop it and add it as the document says`;
}

export function invalidConstraint({ name, kind }: Constraint): string {
  return kind === 'check' || kind === 'foreign key'
    ? `the ${NOUN[kind]} ${shown(name)} is not valid: older records were never checked against it; find those that break it, then validate it`
    : `the ${NOUN[kind]} ${shown(name)} is not valid: the index behind it was not built to the end, and ${LOSS[kind]}; reindex it`;
}

export function unexpectedConstraint({ name, kind }: Constraint): string {
  return `the ${NOUN[kind]} ${shown(name)} is not in the document: somebody added it by hand, and it may refuse valid records; drop it`;
}

export function missingIndex(name: string, properties: readonly string[], isUnique: boolean): string {
  const what = properties.length > 0 ? ` for ${properties.map(shown).join(', ')}` : '';
  const harm = isUnique ? `${LOSS.unique}${what}` : `searches${what} read the whole table`;
  return `the index ${shown(name)} is missing: somebody dropped it by hand, or building it failed, and ${harm}; make it again`;
}

export function differentIndex({ name, definition }: IndexCatalog, wanted: string): string {
  return `the index ${shown(name)} ${unlike(definition, wanted)}: somebody replaced it by hand; drop it and make it as the document says`;
}

export function invalidIndex({ name }: IndexCatalog): string {
  return `the index ${shown(name)} is not valid: building it was cut off, and no search uses it; drop it and make it again`;
}

export function unexpectedIndex({ name, definition }: IndexCatalog): string {
  const effect = definition.startsWith('unique ') ? 'it may refuse valid records' : 'every write pays for it';
  return `the index ${shown(name)} is not in the document: somebody added it by hand, or another index does its work by now, and ${effect}; declare it or drop it`;
}

export function missingPolicy({ name }: PolicyCatalog): string {
  // One more restricts; without the one that permits nobody gets anywhere.
  const isRestrictive = (ROW_RULE_POLICIES as readonly string[]).includes(name);
  const harm = isRestrictive ? 'rows may be seen or written that it should keep back' : 'no record can be read or written';
  return `the policy ${shown(name)} is missing: somebody dropped it by hand, and ${harm}; create it again`;
}

export function differentPolicy({ name, definition }: PolicyCatalog, wanted: string): string {
  return `the policy ${shown(name)} ${unlike(definition, wanted)}: somebody replaced it by hand, and rows may be seen that it should hide; create it again`;
}

export function unexpectedPolicy({ name }: PolicyCatalog): string {
  return `the policy ${shown(name)} is not the store's: somebody added it by hand, and rows may be seen that the tenant's own policy hides; drop it`;
}

export function disabled(table: string): string {
  return `row level security is off on the table ${shown(table)}: somebody disabled it by hand, and its policy holds for nobody; enable it again`;
}

export function notForced(table: string): string {
  return `row level security is not forced on the table ${shown(table)}: somebody changed it by hand, and its policy does not hold for the owner; force it again`;
}

export function unfinished(object: string, name: string): string {
  return `the ${object} ${shown(name)} was prepared for a change that is not finished: finish the change, or drop it`;
}

/** Both texts from shortly before the place where they part. */
function unlike(found: string, wanted: string): string {
  let same = 0;
  while (same < found.length && found[same] === wanted[same]) same++;
  const from = Math.max(0, same - 20);
  const [is, asked] = [found, wanted].map((text) => shown(`${from > 0 ? '…' : ''}${text.slice(from)}`));
  return `reads ${is} where the document asks for ${asked}`;
}
