/** Where a document changes or leaves out what belongs to a pack. Used by `additionsOf` and `conflictsOf`. */

import { isJsonObject, type JsonObject, type JsonValue, pointer } from '../../platform/json-value.js';
import type { Fault } from '../../platform/problem.js';
import { firstDifference } from '../change/first-difference.js';
import { member, memberNames } from '../change/member.js';
import { surplus } from '../change/surplus.js';
import { shown } from '../names.js';
import { listOf, OPEN_LISTS, OPEN_WORDS, propertiesOf } from './document-parts.js';

/**
 * Both documents with bare words, `wanted` within the limits of the dialect. Pointers lead into `wanted`; of what is
 * missing, to where it should be.
 */
export function packFaults(pack: JsonObject, wanted: JsonObject): Fault[] {
  // Nothing can be read from these, so that all of the pack would seem to be missing.
  const misshapen = OPEN_WORDS.flatMap((word) => shapeFaults(word, wanted));
  if (misshapen.length > 0) return misshapen;
  return [
    ...memberNames(pack, wanted).flatMap((word) => (OPEN_WORDS.includes(word) ? [] : wordFaults(word, pack, wanted))),
    ...Object.keys(propertiesOf(pack)).flatMap((name) => propertyFaults(name, pack, wanted)),
    ...OPEN_LISTS.flatMap((word) => missingFaults(word, pack, wanted)),
    ...requiredFaults(pack, wanted),
  ];
}

export function packFault(at: string, message: string): Fault {
  return { pointer: at, rule: 'pack', message };
}

function shapeFaults(word: string, wanted: JsonObject): Fault[] {
  const value = member(wanted, word);
  const [fits, shape] = word === 'properties' ? [isJsonObject(value), 'an object'] : [Array.isArray(value), 'a list'];
  return value === undefined || fits ? [] : [{ pointer: pointer('', word), rule: 'type', message: `must be ${shape}` }];
}

/** A word of the root that is the pack's alone. */
function wordFaults(word: string, pack: JsonObject, wanted: JsonObject): Fault[] {
  const at = pointer('', word);
  if (!Object.hasOwn(pack, word)) {
    const message = `${shown(word)} is not part of the pack, and only ${OPEN_WORDS.join(', ')} can be added to: leave it out`;
    return [packFault(at, message)];
  }
  const found = firstDifference(member(pack, word), member(wanted, word), at);
  return found === undefined ? [] : [packFault(found, `${shown(word)} belongs to the pack: send it unchanged`)];
}

/** One fault per keyword of the property, at the first place in it that differs. */
function propertyFaults(name: string, pack: JsonObject, wanted: JsonObject): Fault[] {
  const at = pointer('/properties', name);
  const [is, asked] = [member(propertiesOf(pack), name), member(propertiesOf(wanted), name)];
  if (asked === undefined) return [packFault(at, `${shown(name)} belongs to the pack and is missing: send it unchanged`)];
  const places =
    isJsonObject(is) && isJsonObject(asked)
      ? memberNames(is, asked).map((word) => firstDifference(member(is, word), member(asked, word), pointer(at, word)))
      : [firstDifference(is, asked, at)];
  const message = `${shown(name)} belongs to the pack: send it unchanged, or declare a property of your own under another name`;
  return places.flatMap((place) => (place === undefined ? [] : [packFault(place, message)]));
}

function missingFaults(word: string, pack: JsonObject, wanted: JsonObject): Fault[] {
  return surplus(listOf(pack, word), listOf(wanted, word)).map(({ element }) =>
    packFault(pointer('', word), `the entry ${JSON.stringify(element)} belongs to the pack and is missing: send it unchanged`),
  );
}

/** A tenant that required more of the pack's properties would refuse what the pack allows. */
function requiredFaults(pack: JsonObject, wanted: JsonObject): Fault[] {
  const [declared, asked] = [propertiesOf(pack), propertiesOf(wanted)];
  const isOwn = (name: JsonValue) => typeof name === 'string' && Object.hasOwn(asked, name) && !Object.hasOwn(declared, name);
  return surplus(listOf(wanted, 'required'), listOf(pack, 'required'))
    .filter(({ element }) => !isOwn(element))
    .map(({ element, index }) => {
      const what = typeof element === 'string' ? shown(element) : 'this';
      const message = `${what} is no property of your own: beyond what the pack requires, only those can be required`;
      return packFault(pointer('/required', index), message);
    });
}
