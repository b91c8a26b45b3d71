import { applyPatch, type Operation } from 'rfc6902';
import { isJsonObject, type JsonValue, pointer } from '../platform/json-value.js';
import { type Fault, Problem } from '../platform/problem.js';

/**
 * A record after a JSON patch (RFC 6902). Every path is walked here first, over own members and by the letter of RFC 6901: the package
 * that applies the operations also finds what an object inherits, and takes indexes that are none.
 */

/** Operations of one patch. */
const MOST_OPERATIONS = 1_000;

/** What objects are made of in JavaScript: the package passes over these names. */
const NO_NAMES: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Of each operation the members it needs, all of which but `value` are paths. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  add: ['path', 'value'],
  remove: ['path'],
  replace: ['path', 'value'],
  move: ['from', 'path'],
  copy: ['from', 'path'],
  test: ['path', 'value'],
};

/**
 * @param record is left as it is.
 * @throws Problem record/invalid naming the operation, or record/patch-failed where a test fails (RFC 5789 §2.2: a conflicting state)
 */
export function jsonPatched(record: JsonValue, patch: JsonValue): JsonValue {
  if (!Array.isArray(patch)) throw refused('', 'a JSON patch is an array of operations');
  if (patch.length > MOST_OPERATIONS) throw refused('', `a patch takes ${MOST_OPERATIONS} operations at most`);
  let patched = structuredClone(record);
  let moved = 0;
  for (const [index, operation] of (patch as readonly JsonValue[]).entries()) {
    const at = `/${index}`;
    const { op, path, from, value } = operationOf(operation, at);
    const faultOf = (text: string | undefined, mustExist: boolean): string | null =>
      text === undefined ? null : placeFault(patched, text, mustExist);
    const wrongFrom = faultOf(from, true);
    if (wrongFrom !== null) throw refused(pointer(at, 'from'), wrongFrom);
    if (path === '' && (op === 'add' || op === 'replace')) {
      patched = value as JsonValue;
      continue;
    }
    if (path === '' && op !== 'test')
      throw refused(pointer(at, 'path'), 'the whole record cannot be removed, nor be what is moved or copied to');
    const wrongPath = faultOf(path, op === 'remove' || op === 'replace' || op === 'test');
    if (wrongPath !== null && op === 'test') throw failed(at);
    if (wrongPath !== null) throw refused(pointer(at, 'path'), wrongPath);
    // Copies of copies double what there is with every operation.
    if (op === 'copy') moved += JSON.stringify(valueAt(patched, from ?? '')).length;
    if (moved > MOST_COPIED) throw refused(at, `a patch copies ${MOST_COPIED} characters of JSON at most`);
    const [error] = applyPatch(patched, [operation as unknown as Operation]);
    if (error?.name === 'TestError') throw failed(at);
    if (error) throw refused(at, 'cannot be carried out');
  }
  return patched;
}

/** Characters of JSON that the copies of one patch may add up to. */
const MOST_COPIED = 1_000_000;

interface Parts {
  readonly op: string;
  readonly path: string;
  readonly from: string | undefined;
  readonly value: JsonValue | undefined;
}

function operationOf(operation: JsonValue, at: string): Parts {
  if (!isJsonObject(operation)) throw refused(at, 'an operation is an object');
  const { op, path, from, value } = operation;
  const members = typeof op === 'string' && Object.hasOwn(MEMBERS, op) ? MEMBERS[op] : undefined;
  if (!members) throw refused(pointer(at, 'op'), `operations are ${Object.keys(MEMBERS).join(', ')}`);
  for (const member of members) {
    if (!Object.hasOwn(operation, member)) throw refused(pointer(at, member), `${op} needs it`);
    if (member !== 'value' && !isPointer(operation[member])) throw refused(pointer(at, member), 'is no JSON Pointer (RFC 6901)');
  }
  return { op: op as string, path: path as string, from: members.includes('from') ? (from as string) : undefined, value };
}

function isPointer(value: JsonValue | undefined): boolean {
  return typeof value === 'string' && /^(?:\/(?:[^~/]|~[01])*)*$/.test(value);
}

function tokensOf(path: string): string[] {
  return path
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** null: the operation can be carried out there. */
function placeFault(record: JsonValue, path: string, mustExist: boolean): string | null {
  const tokens = tokensOf(path);
  if (tokens.some((token) => NO_NAMES.has(token))) return `${[...NO_NAMES].join(', ')} cannot be part of a path`;
  const last = tokens.at(-1);
  if (last === undefined) return null;
  const parent = valueAt(record, path.slice(0, path.lastIndexOf('/')));
  if (Array.isArray(parent)) {
    const index = last === '-' ? parent.length : INDEX.test(last) ? Number(last) : Number.NaN;
    const end = mustExist ? parent.length - 1 : parent.length;
    return index <= end ? null : 'there is no such element';
  }
  if (!isJsonObject(parent)) return 'there is nothing that could hold it';
  return !mustExist || Object.hasOwn(parent, last) ? null : 'there is nothing at this place';
}

function valueAt(record: JsonValue, path: string): JsonValue | undefined {
  return tokensOf(path).reduce<JsonValue | undefined>((value, token) => {
    if (Array.isArray(value)) return INDEX.test(token) ? (value[Number(token)] as JsonValue | undefined) : undefined;
    return isJsonObject(value) && Object.hasOwn(value, token) ? value[token] : undefined;
  }, record);
}

const INDEX = /^(?:0|[1-9]\d{0,9})$/;

function refused(at: string, message: string): Problem {
  const fault: Fault = { pointer: at, rule: 'patch', message };
  return new Problem('record/invalid', 'The patch could not be applied. See errors for the operation; nothing was changed.', {
    errors: [fault],
  });
}

function failed(at: string): Problem {
  return new Problem('record/patch-failed', 'The record is not as the patch has it. Nothing was changed.', {
    errors: [{ pointer: at, rule: 'test', message: 'another value is there' }],
  });
}
