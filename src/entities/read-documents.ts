import { readEntity } from '../model/document/read-entity.js';
import type { Entity } from '../model/entity.js';
import { defaultFaults } from '../model/validation/default-faults.js';
import { compileValidator, type RecordValidator } from '../model/validation/validator.js';
import type { JsonValue } from '../platform/json-value.js';
import { Problem } from '../platform/problem.js';

/**
 * What documents mean, kept by their text: reading one and compiling its validator cost milliseconds, and a thousand tenants
 * of a pack share theirs. What a tenant has of its own, such as its schema, is not part of it.
 */
export class ReadDocument {
  private compiled: RecordValidator | null = null;
  private usable = false;

  private constructor(readonly entity: Entity) {}

  get validator(): RecordValidator {
    this.compiled ??= compileValidator(this.entity);
    return this.compiled;
  }

  /** @throws Problem entity/invalid-document */
  static of(name: string, document: JsonValue, text: string = JSON.stringify(document)): ReadDocument {
    const key = `${name}\n${text}`;
    const known = cache.get(key);
    cache.delete(key);
    const read = known ?? new ReadDocument(readEntity(name, document));
    cache.set(key, read);
    if (cache.size > LARGEST) cache.delete(cache.keys().next().value as string);
    return read;
  }

  /** What nothing but the validator can tell of a new document must be told before its first record. */
  assertUsable(): void {
    if (this.usable) return;
    const errors = defaultFaults(this.entity, this.validator);
    this.usable = errors.length === 0;
    if (this.usable) return;
    throw new Problem('entity/invalid-document', 'A default breaks the rules of its property.', { errors });
  }
}

/** A compiled validator takes some 100 KB. */
const LARGEST = 2_000;
const cache = new Map<string, ReadDocument>();
