import type { JsonValue } from '../../platform/json-value.js';
import { pointer } from '../../platform/json-value.js';
import type { Fault } from '../../platform/problem.js';
import type { Entity } from '../entity.js';
import type { RecordValidator } from './validator.js';

/**
 * Defaults that break the rules of their own property, such as one longer than its `maxLength`: with one, every record that
 * leaves the member out would be refused. Used when an entity is defined.
 */
export function defaultFaults(entity: Entity, validator: RecordValidator): Fault[] {
  const defaults = entity.properties.filter((property) => property.default !== undefined);
  if (defaults.length === 0) return [];
  const record = Object.fromEntries(defaults.map((property) => [property.name, property.default as JsonValue]));
  const found = validator.validate(record);
  return defaults.flatMap(({ name }) => {
    const member = pointer('', name);
    const at = pointer(pointer('/properties', name), 'default');
    return found
      .filter((fault) => fault.pointer === member || fault.pointer.startsWith(`${member}/`))
      .map((fault) => ({ ...fault, pointer: at + fault.pointer.slice(member.length) }));
  });
}
