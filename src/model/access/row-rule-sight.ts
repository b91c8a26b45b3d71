/**
 * Which rows of an entity a role has, and which a caller has by all of its roles. Built-in roles have all rows unless the rules name
 * them; a role of the tenant's own has what the rules give it and nothing else. The service's own role has all, whatever they say.
 */

import type { Entity, RoleRules, RowOperand, RowRule, Rows, RowTerm } from '../entity.js';
import { claimText, claimTexts, type RowCaller } from './row-rule-claim.js';

export type RowUse = 'read' | 'write';

/** Of whoever works on a tenant's rows for the service itself. No token can claim it: it is no name of a role. */
export const SERVICE_ROLE = 'bss:service';

const UNLESS_NAMED: Record<RowUse, readonly string[]> = {
  read: ['admin', 'auditor', 'editor', 'service', 'system_admin', 'viewer'],
  write: ['admin', 'editor', 'service', 'system_admin'],
};

/** What the rules come to for one use: roles that have all rows, and those that have some. Every other role has none. */
export interface RoleRows {
  readonly all: readonly string[];
  readonly some: readonly { readonly role: string; readonly term: RowTerm }[];
}

export function roleRows(rowRules: readonly RoleRules[], use: RowUse): RoleRows {
  const named = rowRules.flatMap(({ role, [use]: rule }) => (rule === undefined ? [] : [{ role, rule }]));
  const isNamed = new Set(named.map(({ role }) => role));
  return {
    all: [
      SERVICE_ROLE,
      ...UNLESS_NAMED[use].filter((role) => !isNamed.has(role)),
      ...named.flatMap(({ role, rule }) => (rule === true ? [role] : [])),
    ],
    some: named.flatMap(({ role, rule }) => (typeof rule === 'boolean' ? [] : [{ role, term: rule }])),
  };
}

/** undefined: all rows. */
export function rowsOf({ rowRules }: Entity, caller: RowCaller): Rows | undefined {
  if (!rowRules) return undefined;
  const read = ruleFor(roleRows(rowRules, 'read'), caller);
  const write = both(read, ruleFor(roleRows(rowRules, 'write'), caller));
  return read === true && write === true ? undefined : { read, write };
}

/** Names of roles and claims that it matters for a caller to have; whoever has the same of them has the same rows. */
export interface RowTraits {
  readonly roles: ReadonlySet<string>;
  /** By the role whose rules ask for them. */
  readonly claims: ReadonlyMap<string, ReadonlySet<string>>;
}

/** @param entities those with rules */
export function rowTraits(entities: readonly Entity[]): RowTraits {
  const all = entities.flatMap(({ rowRules }) => rowRules ?? []);
  const claims = new Map<string, Set<string>>();
  for (const { role, read, write } of all) {
    const known = claims.get(role) ?? new Set();
    for (const claim of [...claimsOf(read), ...claimsOf(write)]) known.add(claim);
    claims.set(role, known);
  }
  return { roles: new Set([SERVICE_ROLE, ...UNLESS_NAMED.read, ...all.map(({ role }) => role)]), claims };
}

/** Equal for callers who have the same rows. */
export function rowKey({ roles: matter, claims: asked }: RowTraits, { roles, claims, subject }: RowCaller): string {
  const own = roles.filter((role) => matter.has(role)).sort();
  const names = [...new Set(own.flatMap((role) => [...(asked.get(role) ?? [])]))].sort();
  if (names.length === 0) return own.join(' ');
  const said = names.map((name) => (name === 'sub' ? subject : claims && Object.hasOwn(claims, name) ? claims[name] : null));
  return `${own.join(' ')}\n${JSON.stringify(said)}`;
}

function ruleFor({ all, some }: RoleRows, caller: RowCaller): RowRule {
  if (all.some((role) => caller.roles.includes(role))) return true;
  const terms = some.flatMap(({ role, term }) => (caller.roles.includes(role) ? [resolved(term, caller)] : []));
  const [only] = terms;
  if (!only) return false;
  return terms.length === 1 ? only : { kind: 'or', terms };
}

function both(read: RowRule, write: RowRule): RowRule {
  if (typeof read === 'boolean') return read && write;
  if (typeof write === 'boolean') return write && read;
  return { kind: 'and', terms: [read, write] };
}

/** What the caller's claims say in the place of their names. */
function resolved(term: RowTerm, caller: RowCaller): RowTerm {
  switch (term.kind) {
    case 'and':
    case 'or':
      return { ...term, terms: term.terms.map((each) => resolved(each, caller)) };
    case 'not':
      return { ...term, term: resolved(term.term, caller) };
    case 'compare':
      return { ...term, operand: known(term.operand, (claim) => ({ value: claimText(caller, claim, term.column.type) })) };
    case 'in':
      return { ...term, operand: known(term.operand, (claim) => ({ values: claimTexts(caller, claim, term.column.type) })) };
    case 'is':
      return term;
  }
}

function known(operand: RowOperand, said: (claim: string) => RowOperand): RowOperand {
  return 'claim' in operand ? said(operand.claim) : operand;
}

function claimsOf(rule: RowRule | undefined): string[] {
  if (rule === undefined || typeof rule === 'boolean' || rule.kind === 'is') return [];
  if (rule.kind === 'not') return claimsOf(rule.term);
  if ('terms' in rule) return rule.terms.flatMap(claimsOf);
  return 'claim' in rule.operand ? [rule.operand.claim] : [];
}
