import type { JsonObject, JsonValue } from '../../platform/json-value.js';
import { type Redacted, redactedJson } from '../access/redaction.js';
import {
  type ColumnType,
  type Encryption,
  type Entity,
  EXTRA_COLUMN,
  isKeptBack,
  isReturned,
  isSystemMember,
  type Property,
  SYSTEM_MEMBERS,
  TENANT_COLUMN,
} from '../entity.js';
import { JSON_TEXT } from './values.js';

/**
 * Turns rows into the JSON text of records without building objects: rows arrive as arrays of Postgres' text, and each member
 * is a prepared prefix and a text. Used by every read, and by every write that returns records.
 */

export interface RowWriter {
  /** Physical columns to select, in the order `write` expects; EXTRA_COLUMN is the last when it is needed. */
  readonly columns: readonly string[];
  /** The record as JSON object text. */
  write(row: readonly (string | null)[]): string;
  /** Members that are kept back from the caller: left out, or redacted. */
  readonly keptBack: readonly MemberPath[];
}

/** By the names of the answer, from the outside in. */
export type MemberPath = readonly string[];

/** A logical name, and the name it gets in the output when that differs. */
export type SelectedMember = string | { readonly name: string; readonly as: string };

/** What becomes of one text of a row. */
export interface Member {
  /** `"name":`, or empty where the text brings names of its own. */
  readonly prefix: string;
  /** null: nobody can read it any more, so that it is as if it were not there. */
  readonly text: (text: string) => string | null;
  /** It is encrypted, and its text begins with the id of the record: see `sealedText`. */
  readonly isSealed?: true;
  /** What a NULL becomes, prefix included: empty leaves the member out. */
  readonly whenNull: string;
  /** Of a NULL, EXTRA_COLUMN says under this name whether it is an explicit null. */
  readonly extra: string | null;
}

/** `always`: a member that is absent reads as null, as in PostgREST, where a column has no other way to be empty. */
export type Nulls = 'stored' | 'always';

/**
 * The record as a client sees it: properties that are `writeOnly` or hidden from it are left out, whoever names them.
 * @param members in output order, and nothing else; left out: every system member, every property, and then what the record
 *   holds beyond its declared members.
 * @throws Error for a name that is neither a system member nor a property.
 */
export function compileRowWriter(entity: Entity, members?: readonly SelectedMember[]): RowWriter {
  const isWhole = members === undefined;
  return columnWriter(entity, members ?? visibleMembers(entity), isWhole, { column: columnMember, keptBack: isWhole });
}

/** The whole record as it is stored, `writeOnly` properties included: what a change starts from, never what a client gets. */
export function compileStoredRowWriter(entity: Entity): RowWriter {
  return columnWriter(entity, everyMember(entity), true, { column: storedMember, keptBack: false });
}

/** What `*` selects, but for what a record holds undeclared. */
export function visibleMembers(entity: Entity): string[] {
  const hidden = unreturned(entity);
  return everyMember(entity).filter((name) => !hidden.has(name));
}

/** What `*` leaves out, or shows a shadow of, to this caller; not what nobody ever gets. */
export function keptBackMembers({ properties }: Entity): readonly MemberPath[] {
  const members = properties.filter((property) => !property.writeOnly && isKeptBack(property));
  return members.length === 0 ? NOTHING : members.map(({ name }) => [name]);
}

const NOTHING: readonly MemberPath[] = [];

function unreturned({ properties }: Entity): ReadonlySet<string> {
  return new Set(properties.filter((property) => !isReturned(property)).map(({ name }) => name));
}

const NONE: ReadonlySet<string> = new Set();

function everyMember(entity: Entity): string[] {
  return [...Object.keys(SYSTEM_MEMBERS), ...entity.properties.map((property) => property.name)];
}

interface Writing {
  readonly column: typeof columnMember;
  readonly keptBack: boolean;
}

function columnWriter(
  entity: Entity,
  selected: readonly SelectedMember[],
  whole: boolean,
  { column, keptBack }: Writing,
): RowWriter {
  const hidden = whole ? NONE : unreturned(entity);
  const shown = selected
    .map((member) => (typeof member === 'string' ? { name: member, as: member } : member))
    .filter(({ name }) => !hidden.has(name));
  const members = shown.map(({ name, as }) => column(entity, name, as, 'stored'));
  const declared = whole && entity.keepsExtras ? declaredMembers(entity) : null;
  const columns = shown.map(({ name }) => columnOf(entity, name));
  const readsExtra = declared !== null || members.some(({ extra }) => extra !== null);
  const write = memberWriter(members, declared);
  return {
    columns: readsExtra ? [...columns, EXTRA_COLUMN] : columns,
    write: members.some(({ isSealed }) => isSealed) ? writingCells(members, columns.indexOf('id'), write) : write,
    keptBack: keptBack ? keptBackMembers(entity) : NOTHING,
  };
}

type Row = readonly (string | null)[];

/** Puts the id of each row, which stands at `idAt`, where encrypted members expect it. */
function writingCells(members: readonly Member[], idAt: number, write: (row: Row) => string): (row: Row) => string {
  if (idAt < 0) throw new Error('encrypted values are read together with the id of their record');
  return (row) => {
    const id = row[idAt] as string;
    return write(row.map((text, index) => (text !== null && members[index]?.isSealed ? sealedText(id, text) : text)));
  };
}

const ID_LENGTH = 36;

/** What an encrypted member is written from. @param cell the text of its column */
export function sealedText(id: string, cell: string): string {
  return id + cell;
}

/** The names that an undeclared member cannot have. */
export function declaredMembers(entity: Entity): ReadonlySet<string> {
  return new Set([TENANT_COLUMN, ...everyMember(entity)]);
}

/**
 * Writes rows of one text for each member, and EXTRA_COLUMN behind them where it is needed.
 * @param declared names of what is not undeclared; null: nothing undeclared is written.
 */
export function memberWriter(
  members: readonly Member[],
  declared: ReadonlySet<string> | null,
): (row: readonly (string | null)[]) => string {
  const readsExtra = declared !== null || members.some(({ extra }) => extra !== null);
  const count = members.length;

  function writeWithExtra(row: readonly (string | null)[], extra: JsonObject): string {
    const parts: string[] = [];
    members.forEach((member, i) => {
      const text = row[i];
      const json = typeof text === 'string' ? member.text(text) : undefined;
      if (json != null) parts.push(member.prefix + json);
      else if (member.whenNull !== '') parts.push(member.whenNull);
      else if (json !== null && member.extra !== null && Object.hasOwn(extra, member.extra)) {
        parts.push(member.prefix + JSON.stringify(extra[member.extra]));
      }
    });
    if (declared !== null) {
      for (const [name, value] of Object.entries(extra)) {
        if (!declared.has(name)) parts.push(`${JSON.stringify(name)}:${JSON.stringify(value)}`);
      }
    }
    return `{${parts.join(',')}}`;
  }

  return (row) => {
    const extraText = readsExtra ? row[count] : null;
    if (typeof extraText === 'string') return writeWithExtra(row, JSON.parse(extraText));
    let json = '';
    for (let i = 0; i < count; i++) {
      const text = row[i];
      const member = members[i]!;
      const value = typeof text === 'string' ? member.text(text) : null;
      if (value !== null) json += `${json === '' ? '{' : ','}${member.prefix}${value}`;
      else if (member.whenNull !== '') json += `${json === '' ? '{' : ','}${member.whenNull}`;
    }
    return json === '' ? '{}' : `${json}}`;
  };
}

/** A system member or a property as the caller gets it. @throws Error for any other name */
export function columnMember(entity: Entity, name: string, as: string, nulls: Nulls): Member {
  const member = storedMember(entity, name, as, nulls);
  const redacted = isSystemMember(name) ? undefined : propertyOf(entity, name).redacted;
  if (!redacted) return member;
  // No key is asked for what says nothing of the value.
  if (redacted.as === 'full') return { ...member, text: () => shadowOf(redacted, '""') };
  return {
    ...member,
    text: (text) => {
      const json = member.text(text);
      return json === null ? null : shadowOf(redacted, json);
    },
  };
}

function shadowOf(redacted: Redacted, json: string): string {
  return JSON.stringify(redactedJson(redacted, JSON.parse(json) as JsonValue));
}

function storedMember(entity: Entity, name: string, as: string, nulls: Nulls): Member {
  const prefix = `${JSON.stringify(as)}:`;
  if (isSystemMember(name)) {
    const type: ColumnType = SYSTEM_MEMBERS[name];
    return { prefix, text: JSON_TEXT[type], whenNull: `${prefix}null`, extra: null };
  }
  const { type, required, nullable, encrypted } = propertyOf(entity, name);
  const isNull = nulls === 'always' || (nullable && required);
  return {
    ...(encrypted ? { text: openedBy(encrypted), isSealed: true as const } : { text: JSON_TEXT[type] }),
    ...{ prefix, whenNull: isNull ? `${prefix}null` : '' },
    extra: !isNull && nullable ? name : null,
  };
}

function openedBy({ cipher }: Encryption): (text: string) => string | null {
  return (text) => {
    // Never as it is stored, whatever was forgotten.
    if (!cipher) throw new Error('an encrypted property without its keys');
    return cipher.open(text.slice(0, ID_LENGTH), text.slice(ID_LENGTH));
  };
}

/** Whether the member is encrypted. */
export function isSealedMember(entity: Entity, name: string): boolean {
  return !isSystemMember(name) && propertyOf(entity, name).encrypted !== undefined;
}

export function columnOf(entity: Entity, name: string): string {
  return isSystemMember(name) ? name : propertyOf(entity, name).column;
}

function propertyOf(entity: Entity, name: string): Property {
  const property = entity.properties.find((candidate) => candidate.name === name);
  if (!property) throw new Error(`entity ${entity.name} has no member ${name}`);
  return property;
}
