/** The word `rowRules` of an entity document, and what is wrong with it. Used by `readEntity` only. */

import { isJsonObject, type JsonObject, type JsonValue, pointer } from '../../platform/json-value.js';
import type { Fault } from '../../platform/problem.js';
import {
  type ColumnType,
  type Property,
  type RoleRules,
  type RowColumn,
  type RowOperand,
  type RowOperator,
  type RowRule,
  type RowTerm,
  SYSTEM_MEMBERS,
} from '../entity.js';
import { shown } from '../names.js';
import { columnText, EXPECTED } from '../query/column-text.js';
import { isClaimName } from './claims.js';
import { isRoleName } from './role-name.js';
import { CLAIM_TYPES } from './row-rule-claim.js';

/** Objects and lists of conditions inside each other. */
const MAX_DEPTH = 5;

/** Comparisons in one rule. */
const MAX_TERMS = 50;

/** Values in one list. */
const MAX_VALUES = 100;

const COMPARISONS: readonly string[] = ['eq', 'neq', 'gt', 'gte', 'lt', 'lte'] satisfies RowOperator[];
const OPERATORS = [...COMPARISONS, 'in', 'is'].join(', ');
const TESTS = ['null', 'not_null'] as const;

/** Members that say who made a row and when; the others change with every write. */
const SYSTEM_COLUMNS = ['id', 'created_at', 'created_by'] as const;

/** What JSON has for values of the type; null: no rule can speak of such a column. */
const JSON_TYPES: Partial<Record<ColumnType, 'string' | 'number' | 'boolean'>> = {
  ...{ text: 'string', uuid: 'string', date: 'string', timestamptz: 'string', timestamp: 'string', time: 'string' },
  ...{ inet: 'string', numeric: 'string', bigint: 'number', 'double precision': 'number', boolean: 'boolean' },
};

interface Reading {
  readonly rowRules: readonly RoleRules[] | undefined;
  readonly faults: readonly Fault[];
}

/** @param word checked by the meta-schema: an object of objects with `read` and `write`, each a boolean or an object. */
export function readRowRules(word: JsonValue | undefined, properties: readonly Property[]): Reading {
  if (!isJsonObject(word)) return { rowRules: undefined, faults: [] };
  const faults: Fault[] = [];
  const columns = columnsOf(properties);
  const encrypted = new Set(properties.flatMap((property) => (property.encrypted ? [property.name] : [])));
  const rowRules = Object.entries(word).map(([role, said]) => {
    const at = pointer('/rowRules', role);
    if (!isRoleName(role)) fault(faults, at, `${shown(role)} is no name of a role: small letters, digits, "_" and "-"`);
    const rules = Object.entries(said as JsonObject).map(([kind, rule]) => {
      return [kind, new RuleReader(columns, encrypted, faults).rule(rule, pointer(at, kind))];
    });
    return { role, ...Object.fromEntries(rules) } as RoleRules;
  });
  return { rowRules: rowRules.sort((a, b) => (a.role < b.role ? -1 : 1)), faults };
}

type Columns = ReadonlyMap<string, RowColumn>;

function columnsOf(properties: readonly Property[]): Columns {
  const system = SYSTEM_COLUMNS.map((name): RowColumn => ({ name, column: name, type: SYSTEM_MEMBERS[name] }));
  const declared = properties.map(({ name, column, type }): RowColumn => ({ name, column, type }));
  return new Map([...system, ...declared].map((column) => [column.name, column]));
}

function fault(faults: Fault[], at: string, message: string): void {
  faults.push({ pointer: at, rule: 'rowRules', message });
}

/** Stands where a fault was found: the document is refused. */
const NOWHERE: RowTerm = { kind: 'or', terms: [] };

class RuleReader {
  private terms = 0;

  constructor(
    private readonly columns: Columns,
    private readonly encrypted: ReadonlySet<string>,
    private readonly faults: Fault[],
  ) {}

  rule(word: JsonValue, at: string): RowRule {
    return typeof word === 'boolean' ? word : this.condition(word, at, 1);
  }

  /** All members of it have to hold. */
  private condition(word: JsonValue, at: string, depth: number): RowTerm {
    if (!isJsonObject(word)) return this.fail(at, 'must be an object, such as { "status": { "eq": "open" } }');
    if (depth > MAX_DEPTH) return this.fail(at, `conditions may be ${MAX_DEPTH} deep at most`);
    const members = Object.entries(word);
    if (members.length === 0) return this.fail(at, 'says nothing: write true for all rows, or false for none');
    const terms = members.flatMap(([name, value]) => this.member(name, value, pointer(at, name), depth));
    return all(terms);
  }

  private member(name: string, value: JsonValue, at: string, depth: number): RowTerm[] {
    if (name === 'not') return [{ kind: 'not', term: this.condition(value, at, depth + 1) }];
    if (name === 'and' || name === 'or') {
      if (!Array.isArray(value) || value.length === 0) return [this.fail(at, 'must be a list of conditions, with one at least')];
      const terms = value.map((each, index) => this.condition(each, pointer(at, index), depth + 1));
      return terms.length === 1 ? terms : [{ kind: name, terms }];
    }
    const column = this.columns.get(name);
    if (!column) return [this.fail(at, `there is no property ${shown(name)} that rows could be told apart by`)];
    if (this.encrypted.has(name)) {
      return [
        this.fail(at, `${shown(name)} is encrypted, and the database applies the rules: tell rows apart by another property`),
      ];
    }
    if (JSON_TYPES[column.type] === undefined) {
      return [this.fail(at, `${shown(name)} is stored as ${column.type}: rules compare single values only`)];
    }
    if (!isJsonObject(value) || Object.keys(value).length === 0) {
      return [this.fail(at, `must be an object of operators, such as { "eq": … }; operators are ${OPERATORS}`)];
    }
    return Object.entries(value).map(([operator, operand]) => this.comparison(column, operator, operand, pointer(at, operator)));
  }

  private comparison(column: RowColumn, operator: string, operand: JsonValue, at: string): RowTerm {
    this.terms++;
    if (this.terms === MAX_TERMS + 1) fault(this.faults, at, `a rule may make ${MAX_TERMS} comparisons at most`);
    if (operator === 'is') {
      const test = TESTS.find((each) => each === operand);
      return test ? { kind: 'is', column, test } : this.fail(at, 'is takes "null" or "not_null"');
    }
    if (operator === 'in') {
      if (isClaim(operand)) return { kind: 'in', column, operand: this.claim(column, operand.claim, at) };
      if (!Array.isArray(operand)) return this.fail(at, 'in takes a list of values, or { "claim": "<name>" }');
      if (operand.length > MAX_VALUES) return this.fail(at, `a list holds ${MAX_VALUES} values at most`);
      const values = operand.map((value, index) => this.literal(column, value, pointer(at, index)));
      return { kind: 'in', column, operand: { values } };
    }
    if (!COMPARISONS.includes(operator)) {
      return this.fail(at, `there is no operator ${shown(operator)}; operators are ${OPERATORS}`);
    }
    if (column.type === 'boolean' && operator !== 'eq' && operator !== 'neq') {
      return this.fail(at, 'a truth value is neither greater nor less than another');
    }
    const read = isClaim(operand) ? this.claim(column, operand.claim, at) : { value: this.literal(column, operand, at) };
    return { kind: 'compare', column, operator: operator as RowOperator, operand: read };
  }

  private claim({ name, type }: RowColumn, claim: JsonValue, at: string): RowOperand {
    const here = pointer(at, 'claim');
    if (typeof claim !== 'string' || !isClaimName(claim)) {
      fault(this.faults, here, 'must be the name of a claim: a letter, then up to 127 of letters, digits and _ : . / -');
    } else if (!CLAIM_TYPES.has(type)) {
      const types = 'texts, numbers, truth values and uuids';
      fault(this.faults, here, `${shown(name)} is stored as ${type}, and claims are compared with ${types} only`);
    }
    return { claim: String(claim) };
  }

  private literal({ name, type }: RowColumn, value: JsonValue, at: string): string {
    const text = typeof value === JSON_TYPES[type] ? columnText(type, String(value)) : null;
    if (text !== null) return text;
    fault(this.faults, at, `must be a value of ${shown(name)}, which is ${EXPECTED[type]}; or { "claim": "<name>" }`);
    return '';
  }

  private fail(at: string, message: string): RowTerm {
    fault(this.faults, at, message);
    return NOWHERE;
  }
}

function all(terms: readonly RowTerm[]): RowTerm {
  const [only] = terms;
  return only && terms.length === 1 ? only : { kind: 'and', terms };
}

function isClaim(operand: JsonValue): operand is { readonly claim: JsonValue } {
  return isJsonObject(operand) && Object.keys(operand).length === 1 && Object.hasOwn(operand, 'claim');
}
