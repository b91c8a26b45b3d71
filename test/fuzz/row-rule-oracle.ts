import type { ClaimValue } from '../../src/model/access/claims.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../src/platform/json-value.js';
import type { Caller, Row } from './row-rule-arbitrary.js';

/** What row rules mean, once more and from the word itself: true, false, or null where nobody knows. */

type Truth = boolean | null;

const READS_ALL = ['viewer', 'editor', 'admin', 'auditor', 'service', 'system_admin', 'bss:service'];
const WRITES_ALL = ['editor', 'admin', 'service', 'system_admin', 'bss:service'];

export function mayRead(word: JsonObject, caller: Caller, row: Row): boolean {
  return caller.roles.some((role) => holds(word, role, 'read', READS_ALL, caller, row));
}

export function mayWrite(word: JsonObject, caller: Caller, row: Row): boolean {
  return mayRead(word, caller, row) && caller.roles.some((role) => holds(word, role, 'write', WRITES_ALL, caller, row));
}

function holds(word: JsonObject, role: string, use: 'read' | 'write', unlessNamed: string[], caller: Caller, row: Row): boolean {
  const rule = (word[role] as JsonObject | undefined)?.[use];
  if (rule === undefined) return unlessNamed.includes(role);
  return typeof rule === 'boolean' ? rule : truth(rule as JsonObject, caller, row) === true;
}

function truth(condition: JsonObject, caller: Caller, row: Row): Truth {
  return all(
    Object.entries(condition).map(([name, value]): Truth => {
      if (name === 'not') return negated(truth(value as JsonObject, caller, row));
      if (name === 'and') return all((value as JsonObject[]).map((each) => truth(each, caller, row)));
      if (name === 'or') return negated(all((value as JsonObject[]).map((each) => negated(truth(each, caller, row)))));
      return all(
        Object.entries(value as JsonObject).map(([operator, operand]) => compared(name, operator, operand, caller, row)),
      );
    }),
  );
}

function all(truths: readonly Truth[]): Truth {
  if (truths.includes(false)) return false;
  return truths.includes(null) ? null : true;
}

function negated(value: Truth): Truth {
  return value === null ? null : !value;
}

function compared(name: string, operator: string, operand: JsonValue, caller: Caller, row: Row): Truth {
  const value = row[name] ?? null;
  if (operator === 'is') return (value === null) === (operand === 'null');
  const isClaim = isJsonObject(operand);
  const said = isClaim ? claimOf(caller, operand.claim as string) : operand;
  if (said === undefined) return null;
  if (operator === 'in') {
    const list = (Array.isArray(said) ? said : [said]) as JsonValue[];
    if (isClaim && !list.every((each) => fits(name, each))) return null;
    if (value === null) return list.length === 0 ? false : null;
    return list.some((each) => order(name, value, each) === 0);
  }
  if ((isClaim && (Array.isArray(said) || !fits(name, said as JsonValue))) || value === null) return null;
  const by = order(name, value, said as JsonValue);
  switch (operator) {
    case 'eq':
      return by === 0;
    case 'neq':
      return by !== 0;
    case 'gt':
      return by > 0;
    case 'gte':
      return by >= 0;
    case 'lt':
      return by < 0;
    default:
      return by <= 0;
  }
}

function claimOf({ subject, claims }: Caller, name: string): ClaimValue | undefined {
  return name === 'sub' ? subject : claims?.[name];
}

/** Whether a claim's value could be one of the property. */
function fits(name: string, value: JsonValue): boolean {
  switch (name) {
    case 's':
      return typeof value === 'string';
    case 'n':
      return typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 2 ** 63;
    case 'd':
      return typeof value === 'number';
    case 'm':
      return typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value);
    case 'b':
      return typeof value === 'boolean';
    default:
      return typeof value === 'string' && /^[0-9a-f-]{36}$/i.test(value);
  }
}

function order(name: string, a: JsonValue, b: JsonValue): number {
  const [one, other] = [a, b].map((value) => comparable(name, value)) as [number | string, number | string];
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

function comparable(name: string, value: JsonValue): number | string {
  if (name === 'm' || name === 'n' || name === 'd') return Number(value);
  if (name === 't') return Date.parse(value as string);
  return name === 'u' ? (value as string).toLowerCase() : String(value);
}
