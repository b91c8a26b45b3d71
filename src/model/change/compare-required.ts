import type { JsonObject, JsonValue } from '../../platform/json-value.js';
import type { Change } from './change.js';
import { isSameValue } from './first-difference.js';
import { member } from './member.js';
import { surplus } from './surplus.js';

const AT = '/required';

/** The names under `required`; empty without it. */
export function requiredNames(document: JsonObject): readonly string[] {
  const names = member(document, 'required');
  return Array.isArray(names) ? names.map(String) : [];
}

/** What the two documents declare: by name, and the renames as new name → old name. */
interface DeclaredNames {
  readonly old: ReadonlyMap<string, unknown>;
  readonly fresh: ReadonlyMap<string, unknown>;
  readonly renames: ReadonlyMap<string, string>;
}

/** Who became required or stopped being it. That of an added or removed property is told by its addition or removal. */
export function compareRequired(before: JsonObject, after: JsonObject, { old, fresh, renames }: DeclaredNames): Change[] {
  const [was, is] = [requiredNames(before), requiredNames(after)];
  const latterNames = new Map([...renames].map(([name, from]) => [from, name]));
  const wasByNewName = new Set(was.map((name) => latterNames.get(name) ?? name));
  const isByName = new Set(is);
  const differing = [...new Set([...wasByNewName, ...isByName])].filter((name) => wasByNewName.has(name) !== isByName.has(name));
  if (differing.length === 0 && renames.size > 0) return [];
  if (differing.length === 0) return rewording(member(before, 'required'), member(after, 'required'));
  return differing.flatMap((name) => {
    const existed = !latterNames.has(name) && old.has(renames.get(name) ?? name);
    return existed === fresh.has(name) ? [requirement(name, isByName.has(name), existed)] : [];
  });
}

/** The same names: at most their order changed, or the list is not one that this can read. */
function rewording(was: JsonValue = [], is: JsonValue = []): Change[] {
  if (isSameValue(was, is)) return [];
  if (Array.isArray(was) && Array.isArray(is) && was.length === is.length && surplus(was, is).length === 0) {
    return [{ kind: 'restated', pointer: AT, message: 'the list of required members is written differently', additive: true }];
  }
  return [{ kind: 'validation-changed', pointer: AT, message: 'the list of required members changes', additive: false }];
}

function requirement(name: string, required: boolean, declared: boolean): Change {
  const message = `${JSON.stringify(name)} ${required ? 'becomes required' : 'is no longer required'}`;
  if (!declared)
    return { kind: 'validation-changed', pointer: AT, message: `${message}, without being declared`, additive: false };
  return { kind: required ? 'required-on' : 'required-off', pointer: AT, message, additive: false, property: name };
}
