import type { Encryption, Property } from '../entity.js';
import { sealedName } from '../names.js';
import type { VersionStep } from '../plan/lineage.js';
import { originsOf } from './origins.js';

/**
 * What versions of a document held in plain text and a later one encrypted. When it did, the values that rows of the past had kept by then
 * were encrypted too, so that such a row is read by the document of its version, but for these properties. That a value is a cell, its
 * column says: no version has both.
 */

/** By the name that a property had in the version: it as its cells in the past are. */
export type SealedLater = ReadonlyMap<string, Property>;

/**
 * @param steps from the oldest version to the newest, without a gap
 * @returns aligned with `steps`
 */
export function sealedLater(steps: readonly VersionStep[]): readonly SealedLater[] {
  const found = steps.map(() => new Map<string, Property>());
  for (const [index, step] of steps.entries()) {
    const before = steps[index - 1];
    const encrypted = before ? encryptedBy(before, step) : [];
    if (encrypted.length === 0) continue;
    const origins = originsOf(steps.slice(0, index + 1));
    for (const [earlier, sealed] of found.slice(0, index).entries()) {
      for (const [name, encryption] of encrypted) {
        const was = origins[earlier]?.get(name);
        // What was encrypted, decrypted and encrypted again is under the name of the first time.
        if (was && !was.encrypted && !sealed.has(was.name)) sealed.set(was.name, sealedSince(was, encryption));
      }
    }
  }
  return found;
}

function encryptedBy(before: VersionStep, step: VersionStep): (readonly [name: string, encryption: Encryption])[] {
  const sealed = step.entity.properties.filter(({ encrypted }) => encrypted);
  if (sealed.length === 0) return [];
  const [origins] = originsOf([before, step]);
  return sealed.flatMap(({ name, encrypted }) => {
    const was = origins?.get(name);
    return encrypted && was && !was.encrypted ? [[name, encrypted] as const] : [];
  });
}

function sealedSince(was: Property, { searchable, field }: Encryption): Property {
  const encrypted: Encryption = { of: was.type, searchable, ...(field === undefined ? {} : { field }) };
  return { ...was, column: sealedName(was.column), type: 'bytea', checks: [], encrypted };
}
