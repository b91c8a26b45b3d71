import { readJson } from '../../platform/json.js';
import { isExactNumber } from '../../platform/json-faults.js';
import { isJsonObject, type JsonObject, type JsonValue, pointer } from '../../platform/json-value.js';
import { type Fault, Problem } from '../../platform/problem.js';
import { type Entity, EXTRA_COLUMN, isSystemMember, type Property, valueTypeOf } from '../entity.js';
import type { Cell } from './csv-cells.js';

/**
 * What a cell of CSV means, by the property its column is named after: an empty cell is an absent member, `""` the empty text;
 * `null` without quotes is null where null is allowed, `"null"` always the text. Objects, arrays and what has no single type are
 * JSON. Undeclared members stand together as one JSON object in the column `_extra`.
 */

export interface CsvColumns {
  /** A record and what is wrong with its cells. */
  readonly recordOf: (cells: readonly Cell[]) => { readonly record: JsonObject; readonly faults: readonly Fault[] };
  /** What is wrong with the header: nothing below it can be right. */
  readonly faults: readonly Fault[];
}

class Refused {
  constructor(readonly faults: readonly Fault[]) {}
}

/** @param names the header's cells. @param ignored names of columns that are passed over. */
export function csvColumns(entity: Entity, names: readonly string[], ignored: ReadonlySet<string>): CsvColumns {
  const takesAny = entity.keepsExtras || entity.document.patternProperties !== undefined;
  const faults = names.flatMap((name, index): Fault[] => {
    const fault = (rule: string, message: string): Fault[] => [{ pointer: pointer('', name), rule, message }];
    if (name === '' || name === '__proto__') return fault('header', `column ${index + 1} has no name that a member can have`);
    if (names.indexOf(name) !== index) return fault('header', 'is the name of two columns');
    if (ignored.has(name) || isSystemMember(name) || propertyOf(entity, name)) return [];
    if (takesAny) return [];
    return fault('additionalProperties', `is no property of ${entity.name}: leave the column out, or name it in ignore`);
  });
  const columns = names.map((name) => ({
    name,
    at: pointer('', name),
    property: propertyOf(entity, name),
    isIgnored: ignored.has(name),
  }));
  const taken = (name: string): boolean => names.includes(name) || isSystemMember(name) || propertyOf(entity, name) !== undefined;

  const recordOf: CsvColumns['recordOf'] = (cells) => {
    if (cells.length !== columns.length) {
      const message = `has ${cells.length} cells, and the header ${columns.length}`;
      return { record: {}, faults: [{ pointer: '', rule: 'cells', message }] };
    }
    const found: Fault[] = [];
    // Plain members by assignment: no column is called __proto__, and a million records are read so.
    const record: Record<string, JsonValue> = {};
    let undeclared: JsonObject | null = null;
    for (let index = 0; index < columns.length; index++) {
      const { name, at, property, isIgnored } = columns[index]!;
      const cell = cells[index]!;
      if (isIgnored || (cell.text === '' && !cell.quoted)) continue;
      const value = name === EXTRA_COLUMN ? jsonOf(cell.text, at) : readCell(cell, at, property);
      if (value instanceof Refused) found.push(...value.faults);
      else if (name !== EXTRA_COLUMN) record[name] = value;
      else if (isJsonObject(value)) undeclared = value;
      else found.push({ pointer: at, rule: 'type', message: 'must be a JSON object of undeclared members' });
    }
    if (undeclared === null) return { record, faults: found };
    for (const name of Object.keys(undeclared).filter(taken)) {
      const message = 'has a column or a property of its own, and is no undeclared member';
      found.push({ pointer: pointer(pointer('', EXTRA_COLUMN), name), rule: 'additionalProperties', message });
    }
    return { record: { ...record, ...(undeclared as JsonObject) }, faults: found };
  };
  return { faults, recordOf };
}

/** Under its old name too, as long as writers may use it. */
function propertyOf({ properties }: Entity, name: string): Property | undefined {
  const named = properties.find((property) => property.name === name);
  return named ?? properties.find(({ alias }) => alias?.name === name && Date.now() < Date.parse(alias.until));
}

function readCell({ text, quoted }: Cell, at: string, property: Property | undefined): JsonValue | Refused {
  if (!quoted && text === 'null' && property?.nullable) return null;
  const type = property && valueTypeOf(property);
  if (type === 'jsonb') return jsonOf(text, at);
  if (text.includes('\u0000')) return refused(at, 'unicode', 'holds U+0000, which cannot be stored');
  if (type === 'boolean') return /^(true|false)$/i.test(text) ? text.toLowerCase() === 'true' : text;
  if (type !== 'bigint' && type !== 'double precision') return text;
  // What is no number is left to validation, which says what is wanted instead.
  if (!JSON_NUMBER.test(text)) return text;
  return isExactNumber(text) ? Number(text) : refused(at, 'precision', 'is a number that would not come back unchanged');
}

const JSON_NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

function jsonOf(text: string, at: string): JsonValue | Refused {
  try {
    return readJson(Buffer.from(text));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { errors } = error.extensions;
    if (errors) return new Refused(errors.map((fault) => ({ ...fault, pointer: at + fault.pointer })));
    return refused(at, 'json', 'is not valid JSON; a text in it stands in quotes of its own');
  }
}

function refused(at: string, rule: string, message: string): Refused {
  return new Refused([{ pointer: at, rule, message }]);
}

/** The cell that is read back as the value; `undefined` is an absent member. */
export function cellOf(value: JsonValue | undefined, isJson: boolean): Cell {
  if (value === undefined) return { text: '', quoted: false };
  if (value === null) return { text: 'null', quoted: false };
  if (isJson || typeof value === 'object') return { text: JSON.stringify(value), quoted: false };
  const text = String(value);
  return { text, quoted: typeof value === 'string' && (text === '' || text === 'null') };
}
