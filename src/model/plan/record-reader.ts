/** Reads the rows of a table as it is into contents of records, with what is about to come back. Used to validate them. */

import type { JsonObject } from '../../platform/json-value.js';
import { isSystemMember, type Property } from '../entity.js';
import { compileStoredRowWriter } from '../values/row-writer.js';
import { JSON_TEXT } from '../values/values.js';
import type { Transition } from './transition.js';

/** The columns that `readRecords` of a transition expects: those of a stored record first, then the hidden ones. */
export function recordColumns(t: Transition): readonly string[] {
  return [...compileStoredRowWriter(t.before).columns, ...restored(t).map(({ column }) => column)];
}

export interface RecordReader {
  /** What the record holds: properties of the old version, those that come back, undeclared members; no system members. */
  read(row: readonly (string | null)[]): JsonObject;
}

export function compileRecordReader(t: Transition): RecordReader {
  const writer = compileStoredRowWriter(t.before);
  const hidden = restored(t).map(({ property }, i) => ({ property, at: writer.columns.length + i }));
  return {
    read(row) {
      const record = JSON.parse(writer.write(row)) as JsonObject;
      const members = Object.entries(record).filter(([name]) => !isSystemMember(name));
      for (const { property, at } of hidden) {
        const text = row[at];
        if (typeof text === 'string') members.push([property.name, JSON.parse(JSON_TEXT[property.type](text))]);
        else if (property.required && property.nullable) members.push([property.name, null]);
      }
      return Object.fromEntries(members);
    },
  };
}

function restored({ after, kept }: Transition): readonly { readonly property: Property; readonly column: string }[] {
  return after.properties.flatMap((property) => {
    const column = kept.get(property.name);
    return column === undefined ? [] : [{ property, column }];
  });
}
