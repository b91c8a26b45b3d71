import type { JsonValue } from '../../platform/json-value.js';
import type { Property } from '../entity.js';
import { shadowText } from '../sealed/shadow-texts.js';
import { jsonText } from '../values/values.js';
import type { CellFill, ServiceBatch } from './batches.js';
import { formerProperty, type Transition } from './transition.js';

/** What the service puts between the two statements of a `ServiceBatch`. */

type Row = readonly (string | null)[];

/**
 * From a row of `read` to the texts of its new columns, in order.
 * @param t under the keys of the tenant
 * @throws KeysNeeded, BrokenCell
 */
export function compileResealing(t: Transition, { fills }: ServiceBatch): (row: Row) => (string | null)[] {
  const properties = fills.map((fill) => pairOf(t, fill));
  const subject = t.after.properties.find(({ name }) => name === t.after.subject);
  const about = subject && formerProperty(t, subject);
  return ([id, _revision, subjectText, ...texts]) => {
    const whom = about && typeof subjectText === 'string' ? String(plainOf(about, id as string, subjectText)) : null;
    return properties.map(([was, property], index) => {
      const text = texts[index];
      const value = typeof text === 'string' ? plainOf(was, id as string, text) : null;
      return value === null ? null : shadowText(property, id as string, value, whom);
    });
  };
}

function pairOf(t: Transition, { property: name }: CellFill): readonly [was: Property, is: Property] {
  const property = t.after.properties.find((candidate) => candidate.name === name);
  const was = property && formerProperty(t, property);
  if (!property || !was) throw new Error(`no property ${name} in both versions`);
  return [was, property];
}

/** null: the key of whom the record is about was destroyed. */
function plainOf({ type, encrypted }: Property, id: string, text: string): JsonValue {
  if (encrypted && !encrypted.cipher) throw new Error('an encrypted property without its keys');
  return JSON.parse((encrypted?.cipher ? encrypted.cipher.open(id, text) : jsonText(type, text)) ?? 'null') as JsonValue;
}
