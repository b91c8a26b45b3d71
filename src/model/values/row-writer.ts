import type { JsonObject } from '../../platform/json-value.js';
import { type ColumnType, type Entity, EXTRA_COLUMN, isSystemMember, SYSTEM_MEMBERS, TENANT_COLUMN } from '../entity.js';
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
}

/** A logical name, and the name it gets in the output when that differs. */
export type SelectedMember = string | { readonly name: string; readonly as: string };

interface Member {
  readonly name: string;
  readonly column: string;
  /** `"name":` */
  readonly prefix: string;
  readonly text: (text: string) => string;
  /** What a NULL column means: null, no member, or whatever EXTRA_COLUMN says. */
  readonly absent: 'null' | 'absent' | 'extra';
}

/**
 * The record as a client sees it: properties that are `writeOnly` are left out, whoever names them.
 * @param members in output order, and nothing else; left out: every system member, every property, and then what the record
 *   holds beyond its declared members.
 * @throws Error for a name that is neither a system member nor a property.
 */
export function compileRowWriter(entity: Entity, members?: readonly SelectedMember[]): RowWriter {
  const hidden = new Set(entity.properties.filter((property) => property.writeOnly).map((property) => property.name));
  const selected = (members ?? everyMember(entity)).filter((member) => !hidden.has(nameOf(member)));
  return rowWriter(entity, selected, members === undefined);
}

/** The whole record as it is stored, `writeOnly` properties included: what a change starts from, never what a client gets. */
export function compileStoredRowWriter(entity: Entity): RowWriter {
  return rowWriter(entity, everyMember(entity), true);
}

function everyMember(entity: Entity): string[] {
  return [...Object.keys(SYSTEM_MEMBERS), ...entity.properties.map((property) => property.name)];
}

function nameOf(member: SelectedMember): string {
  return typeof member === 'string' ? member : member.name;
}

function rowWriter(entity: Entity, selected: readonly SelectedMember[], whole: boolean): RowWriter {
  const written = selected.map((member) => memberOf(entity, nameOf(member), typeof member === 'string' ? member : member.as));
  const writesUndeclared = whole && entity.keepsExtras;
  const declared = new Set([TENANT_COLUMN, ...everyMember(entity)]);
  const readsExtra = writesUndeclared || written.some((member) => member.absent === 'extra');
  const count = written.length;

  function writeWithExtra(row: readonly (string | null)[], extra: JsonObject): string {
    const parts: string[] = [];
    written.forEach((member, i) => {
      const text = row[i];
      if (typeof text === 'string') parts.push(member.prefix + member.text(text));
      else if (member.absent === 'null') parts.push(`${member.prefix}null`);
      else if (Object.hasOwn(extra, member.name)) parts.push(member.prefix + JSON.stringify(extra[member.name]));
    });
    if (writesUndeclared) {
      for (const [name, value] of Object.entries(extra)) {
        if (!declared.has(name)) parts.push(`${JSON.stringify(name)}:${JSON.stringify(value)}`);
      }
    }
    return `{${parts.join(',')}}`;
  }

  return {
    columns: [...written.map((member) => member.column), ...(readsExtra ? [EXTRA_COLUMN] : [])],
    write(row) {
      const extraText = readsExtra ? row[count] : null;
      if (typeof extraText === 'string') return writeWithExtra(row, JSON.parse(extraText));
      let json = '';
      for (let i = 0; i < count; i++) {
        const text = row[i];
        const member = written[i]!;
        if (typeof text === 'string') json += `${json === '' ? '{' : ','}${member.prefix}${member.text(text)}`;
        else if (member.absent === 'null') json += `${json === '' ? '{' : ','}${member.prefix}null`;
      }
      return json === '' ? '{}' : `${json}}`;
    },
  };
}

function memberOf(entity: Entity, name: string, as: string): Member {
  const prefix = `${JSON.stringify(as)}:`;
  if (isSystemMember(name)) {
    const type: ColumnType = SYSTEM_MEMBERS[name];
    return { name, column: name, prefix, text: JSON_TEXT[type], absent: 'null' };
  }
  const property = entity.properties.find((candidate) => candidate.name === name);
  if (!property) throw new Error(`entity ${entity.name} has no member ${name}`);
  const { column, type, required, nullable } = property;
  const absent = !required && nullable ? 'extra' : nullable ? 'null' : 'absent';
  return { name, column, prefix, text: JSON_TEXT[type], absent };
}
