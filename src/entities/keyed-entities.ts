import type { FieldCiphers } from '../model/sealed/field-ciphers.js';
import { isSealed } from '../model/sealed/with-ciphers.js';
import type { DefinedEntity } from './defined-entity.js';

/** A tenant's entities with the keys that are open, kept for as long as both stay what they are. */

type Entities = ReadonlyMap<string, DefinedEntity>;

/** Entities without this word are not read for it: a tenant may have hundreds, and most requests need one. */
const ENCRYPTS = /"(?:x-)?encrypted"\s*:/;

/** Where former versions are kept, which a document of then may have encrypted. */
const KEEPS_PAST = /"(?:x-)?(?:history|softDelete)"\s*:/;

interface Keyed {
  readonly ciphers: FieldCiphers;
  readonly entities: Entities;
}

/** Of one state of a tenant's registry: nothing in it is or was encrypted, or what was made of it last. */
const known = new WeakMap<Entities, 'none' | Keyed>();

/** @param peek what is open, which is asked for only where something is encrypted */
export function underKeys(entities: Entities, peek: () => FieldCiphers): Entities {
  const before = known.get(entities);
  if (before === 'none') return entities;
  if (!before && ![...entities.values()].some(encrypts)) {
    known.set(entities, 'none');
    return entities;
  }
  const ciphers = peek();
  if (before?.ciphers === ciphers) return before.entities;
  const keyed = new Map([...entities].map(([name, defined]) => [name, encrypts(defined) ? defined.underKeys(ciphers) : defined]));
  known.set(entities, { ciphers, entities: keyed });
  return keyed;
}

/** Or did once: of what is kept of its past some may be encrypted. */
function encrypts(defined: DefinedEntity): boolean {
  const { text, transition, fields, version } = defined.entry;
  if (Object.keys(fields).length > 0 || (version > 1 && KEEPS_PAST.test(text))) return true;
  return (ENCRYPTS.test(text) || ENCRYPTS.test(transition ?? '')) && isSealed(defined.entity);
}
