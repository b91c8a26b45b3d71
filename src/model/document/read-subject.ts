/** The word `subject` of an entity document, and what is wrong with it. Used by `readEntity` only. */

import { type JsonValue, pointer } from '../../platform/json-value.js';
import type { Fault } from '../../platform/problem.js';
import { type Property, valueTypeOf } from '../entity.js';
import { shown } from '../names.js';

interface Reading {
  readonly subject: string | undefined;
  readonly faults: readonly Fault[];
}

/** @param word checked by the meta-schema: a text */
export function readSubject(word: JsonValue | undefined, properties: readonly Property[]): Reading {
  if (typeof word !== 'string') return { subject: undefined, faults: [] };
  const why = unfit(word, properties);
  const own = why === undefined ? [] : [{ pointer: '/subject', rule: 'subject', message: why }];
  return { subject: word, faults: [...own, ...properties.flatMap(forgettableFaults)] };
}

/** What is encrypted under the key of somebody is gone once they are forgotten, and the record has to be valid without it. */
function forgettableFaults({ name, encrypted, required, nullable }: Property): Fault[] {
  if (!encrypted || !required || nullable) return [];
  const message = `is encrypted under the key of its subject, who may be forgotten: leave ${shown(name)} out of required`;
  return [{ pointer: pointer('/properties', name), rule: 'subject', message }];
}

function unfit(name: string, properties: readonly Property[]): string | undefined {
  const property = properties.find((candidate) => candidate.name === name);
  if (!property) return `there is no property ${shown(name)} that could say whom a record is about: name a declared one`;
  if (property.encrypted) {
    return `${shown(name)} is encrypted, and has to be read before anything can be: name a property that is not`;
  }
  if (valueTypeOf(property) === 'jsonb') {
    return `${shown(name)} has no single scalar type and cannot say whom a record is about: name a property that has`;
  }
  if (!property.required || property.nullable) {
    return `a record without ${shown(name)} would be about nobody: require it, and do not let it be null`;
  }
  if (properties.some(({ encrypted }) => encrypted)) return undefined;
  return 'nothing is kept under the keys of a subject where no property is encrypted: add "encrypted" to one, or leave "subject" out';
}
