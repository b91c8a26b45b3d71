import type { Property } from '../entity.js';
import { objectChanges } from './objects.js';
import type { TableObject } from './table-object.js';
import { changesEncryption, formerProperty, type Transition } from './transition.js';

/**
 * The checks, keys and indexes that go and come because a property is encrypted, or is no longer. A key that is unique before and after
 * is a constraint over columns at one time and two indexes over tags at the other; it is no key that goes, and none that comes.
 */
export function encryptionObjects(t: Transition, property: Property): Record<'dropped' | 'added', readonly TableObject[]> {
  const { dropped, added } = objectChanges(t);
  return {
    dropped: dropped.filter((object) => ownerOf(t, object, 'dropped')?.name === property.name),
    added: added.filter((object) => ownerOf(t, object, 'added')?.name === property.name),
  };
}

/** The property of the new version whose encryption an object comes or goes with; undefined: it is an operation of its own. */
export function ownerOf(t: Transition, object: TableObject, which: 'dropped' | 'added'): Property | undefined {
  const names = which === 'added' ? object.properties : object.properties.map((name) => nameAfter(t, name));
  const owner = t.after.properties.find((property) => {
    const was = formerProperty(t, property);
    return names.includes(property.name) && was !== undefined && changesEncryption(was, property);
  });
  if (!owner || object.kind === 'foreign key') return undefined;
  if (object.kind === 'check') return owner;
  if (object.unique || object.kind === 'unique') return isKeyOfBoth(t, names) ? owner : undefined;
  // An index that somebody asked for goes by itself.
  return object.sealed ? owner : undefined;
}

function isKeyOfBoth({ before, after, ...t }: Transition, names: readonly string[]): boolean {
  const isOf = (keys: readonly (readonly string[])[]): boolean =>
    keys.some((key) => key.length === names.length && key.every((name) => names.includes(name)));
  const former = before.uniqueKeys.map(({ properties }) => properties.map((name) => nameAfter(t, name)));
  return isOf(former) && isOf(after.uniqueKeys.map(({ properties }) => properties));
}

function nameAfter({ renames }: Pick<Transition, 'renames'>, name: string): string {
  return [...renames].find(([, from]) => from === name)?.[0] ?? name;
}
