/**
 * `select=id,name:Title,total.sum(),customer!inner(name,orders(*))` (PostgREST's vertical filtering and embedding) into a tree of
 * drafts, one for each entity named; what parameters say of them is added by `parse-read-query.ts`.
 */

import { type Entity, isReturned, SYSTEM_MEMBERS } from '../entity.js';
import type { SelectTerm, Value } from './ast.js';
import { assertAskable, isKnownName } from './fields.js';
import { findRelationship } from './find-relationship.js';
import { quoteName } from './invalid-query.js';
import { isAggregated, nameOf, parseSelected } from './parse-value.js';
import { MAX_EMBED_DEPTH, MAX_EMBEDS, MAX_SELECT_TERMS } from './query-limits.js';
import type { EntityGraph, Relationship } from './relationships.js';
import { Scanner } from './scanner.js';

/** A node before its parameters are known. */
export interface Draft {
  readonly entity: Entity;
  readonly terms: readonly (Exclude<SelectTerm, { kind: 'embed' }> | DraftEmbed)[];
  readonly isGrouped: boolean;
}

export interface DraftEmbed {
  readonly kind: 'embed';
  readonly as: string;
  readonly relationship: Relationship;
  readonly isInner: boolean;
  readonly isSpread: boolean;
  readonly draft: Draft;
}

/** One request's select: counts on all levels together. */
interface Selecting {
  readonly graph: EntityGraph;
  readonly scanner: Scanner;
  terms: number;
  embeds: number;
}

export function parseSelect(graph: EntityGraph, entity: Entity, text: string | undefined): Draft {
  const selecting = { graph, scanner: new Scanner('select', text || '*'), terms: 0, embeds: 0 };
  const draft = parseTerms(selecting, entity, 0);
  if (!selecting.scanner.done) failOnRest(selecting.scanner);
  return draft;
}

type Term = Draft['terms'][number];

/** Every member of the answer has one meaning: what `*` already covers and plain repetitions are dropped, clashes refused. */
function parseTerms(selecting: Selecting, entity: Entity, depth: number): Draft {
  const { scanner } = selecting;
  const members = new Map<string, Term>();
  const terms: { readonly term: Term; readonly start: number }[] = [];
  let all = -1;
  do {
    if (++selecting.terms > MAX_SELECT_TERMS) scanner.exceed(`select takes ${MAX_SELECT_TERMS} terms at most.`);
    scanner.skipSpaces();
    const start = scanner.at;
    if (scanner.take('*')) {
      all = start;
    } else {
      const term = parseTerm(selecting, entity, depth);
      const repeats = claim(scanner, members, term, start);
      if (!repeats) terms.push({ term, start });
    }
    scanner.skipSpaces();
  } while (scanner.take(','));
  const isGrouped = terms.some(({ term }) => term.kind === 'value' && isAggregated(term.value));
  const many =
    isGrouped && terms.find(({ term }) => term.kind === 'embed' && term.relationship.isToMany && term.draft.terms.length > 0);
  if (many)
    scanner.fail('records are grouped by what is selected beside an aggregate, which cannot be many records.', many.start);
  if (isGrouped)
    assertGroupable(
      entity,
      terms.map(({ term }) => term),
    );
  if (all < 0) return { entity, terms: terms.map(({ term }) => term), isGrouped };
  if (isGrouped) scanner.fail('records are grouped by what is selected beside an aggregate, which cannot be *.', all);

  const beside = terms.filter(({ term }) => !(term.kind === 'value' && isCovered(term)));
  for (const { term, start } of beside) {
    const taken = membersOf(term).find((name) => isKnownName(entity, name));
    if (taken !== undefined) {
      scanner.fail(
        `the name ${quoteName(taken)} is taken by a property that * selects; rename one, as in other:${taken}.`,
        start,
      );
    }
  }
  return { entity, terms: [{ kind: 'all' }, ...beside.map(({ term }) => term)], isGrouped };
}

/** Whatever stands beside an aggregate, embedded or not, is grouped by as it is stored. @throws Problem record/field-forbidden */
function assertGroupable(entity: Entity, terms: readonly Term[]): void {
  for (const term of terms) {
    if (term.kind === 'embed') assertGroupable(term.draft.entity, term.draft.terms);
    else if (term.kind === 'all') assertAskable(entity, declaredMembers(entity));
    else if (term.value.kind === 'field') assertAskable(entity, [term.value.field.name]);
  }
}

/** Takes the term's names. True when it says again what another one says. */
function claim(scanner: Scanner, members: Map<string, Term>, term: Term, start: number): boolean {
  let repeats = false;
  for (const name of membersOf(term)) {
    const taken = members.get(name);
    repeats = taken?.kind === 'value' && term.kind === 'value' && isSame(taken.value, term.value);
    if (taken && !repeats) {
      scanner.fail(`two terms would both be named ${quoteName(name)}; rename one, as in other:${name}.`, start);
    }
    members.set(name, term);
  }
  return repeats;
}

function isSame(a: Value, b: Value): boolean {
  return a.kind === 'field' && b.kind === 'field' && a.field === b.field;
}

function isCovered(term: { readonly value: Value; readonly as: string }): boolean {
  return term.value.kind === 'field' && term.as === term.value.field.name;
}

/** The names a term brings into its record. */
function membersOf(term: Term): string[] {
  if (term.kind === 'all') return [];
  if (term.kind === 'value') return [term.as];
  if (!term.isSpread) return term.draft.terms.length === 0 ? [] : [term.as];
  return term.draft.terms.flatMap((inner) => (inner.kind === 'all' ? declaredMembers(term.draft.entity) : membersOf(inner)));
}

function declaredMembers({ properties }: Entity): string[] {
  return [...Object.keys(SYSTEM_MEMBERS), ...properties.filter(isReturned).map(({ name }) => name)];
}

function parseTerm(selecting: Selecting, entity: Entity, depth: number): Exclude<Term, { kind: 'all' }> {
  const { scanner } = selecting;
  const start = scanner.at;
  if (scanner.take('...')) {
    const name = scanner.name();
    if (!scanner.startsWith('(') && !scanner.startsWith('!'))
      scanner.fail('a spread takes a relationship, as in ...customer(name).');
    return parseEmbed(selecting, entity, { name, as: name, isSpread: true, depth, start });
  }
  const first = aliasOrName(scanner);
  if (first.isAlias || scanner.startsWith('(') || scanner.startsWith('!')) {
    const named = scanner.at;
    const name = first.isAlias ? scanner.name() : first.name;
    const isEmbed = (scanner.startsWith('(') && !isCount(scanner, name)) || scanner.startsWith('!');
    if (isEmbed) return parseEmbed(selecting, entity, { name, as: first.name, isSpread: false, depth, start });
    scanner.at = first.isAlias ? named : start;
  } else {
    scanner.at = start;
  }
  const value = parseSelected(entity, scanner);
  return { kind: 'value', value, as: first.isAlias ? first.name : nameOf(value) };
}

/** `count()` aggregates, unless there is a relationship to select of that name: then it has terms inside. */
function isCount(scanner: Scanner, name: string): boolean {
  return name === 'count' && scanner.startsWith('()');
}

/** A name, and whether it renames what follows: a single colon does, two of them cast. */
function aliasOrName(scanner: Scanner): { readonly name: string; readonly isAlias: boolean } {
  const name = scanner.name();
  const isAlias = scanner.startsWith(':') && !scanner.startsWith('::');
  if (isAlias) {
    scanner.take(':');
    scanner.skipSpaces();
  }
  return { name, isAlias };
}

interface Naming {
  readonly name: string;
  readonly as: string;
  readonly isSpread: boolean;
  readonly depth: number;
  readonly start: number;
}

/** From behind the name: `!hint!inner(terms)`. */
function parseEmbed(selecting: Selecting, entity: Entity, { name, as, isSpread, depth, start }: Naming): DraftEmbed {
  const { scanner, graph } = selecting;
  if (depth >= MAX_EMBED_DEPTH) scanner.exceed(`entities may be embedded ${MAX_EMBED_DEPTH} deep at most.`, start);
  if (++selecting.embeds > MAX_EMBEDS) scanner.exceed(`a request may embed ${MAX_EMBEDS} entities at most.`, start);
  let hint: string | undefined;
  let isInner = false;
  while (scanner.take('!')) {
    const word = scanner.name();
    if (word === 'inner' || word === 'left') isInner = word === 'inner';
    else if (hint === undefined) hint = word;
    else scanner.fail(`one hint beside inner or left is enough; ${quoteName(word)} is another.`);
  }
  if (!scanner.take('(')) scanner.fail('the terms of an embedded entity are expected here, in parentheses.');
  const relationship = findRelationship(graph, entity, name, hint);
  scanner.skipSpaces();
  const draft = scanner.startsWith(')')
    ? { entity: relationship.target, terms: [], isGrouped: false }
    : parseTerms(selecting, relationship.target, depth + 1);
  if (!scanner.take(')')) failOnRest(scanner);
  if (isSpread && relationship.isToMany && draft.terms.some(({ kind }) => kind === 'embed')) {
    scanner.fail('a spread of many records takes their own properties only, each of which becomes an array.', start);
  }
  return { kind: 'embed', as, relationship, isInner, isSpread, draft };
}

function failOnRest(scanner: Scanner): never {
  scanner.fail('a comma or the end is expected here; select takes property names, alias:name, relationship(terms) and *.');
}
