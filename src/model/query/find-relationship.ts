import { Problem } from '../../platform/problem.js';
import { type Entity, isKeptBack, type Property } from '../entity.js';
import { fieldForbidden } from './fields.js';
import { quoteName } from './invalid-query.js';
import type { EntityGraph, Relationship } from './relationships.js';

/** The one relationship that a query means by `name!hint`. @throws Problem request/unknown-relationship, request/ambiguous-relationship, record/field-forbidden */
export function findRelationship(graph: EntityGraph, entity: Entity, name: string, hint: string | undefined): Relationship {
  const all = graph.from(entity);
  const named = all.filter(({ names }) => names.includes(name));
  const found = hint === undefined ? named : named.filter(({ hints }) => hints.includes(hint));
  const [only] = found;
  if (only && found.length === 1) return only;
  if (only) throw ambiguous(entity, name, found);
  const kept = entity.properties.find((property) => isKeptBack(property) && namesOf(property).includes(hint ?? name));
  if (kept) throw fieldForbidden(entity, kept.name);
  throw unknown(entity, name, hint, named.length > 0 ? named : all);
}

/** What the relation of a property may be called by. */
function namesOf({ name, relation }: Property): string[] {
  return relation ? [name, relation.entity] : [];
}

function unknown(entity: Entity, name: string, hint: string | undefined, near: readonly Relationship[]): Problem {
  const hinted = hint === undefined ? '' : ` by the hint ${quoteName(hint)}`;
  const names = [...new Set(near.map((relationship) => suggestion(relationship)))].slice(0, LISTED);
  const known = names.length === 0 ? 'It has none.' : `Those it has: ${names.map((text) => quoteName(text)).join(', ')}.`;
  return new Problem(
    'request/unknown-relationship',
    `${quoteName(entity.name)} has no relationship ${quoteName(name)}${hinted}. ${known}`,
    { parameter: 'select', entity: entity.name, target: name },
  );
}

function ambiguous(entity: Entity, name: string, found: readonly Relationship[]): Problem {
  const candidates = found.slice(0, LISTED).map((relationship) => ({
    select: `${name}!${hintFor(relationship, found)}`,
    relationship: relationship.text,
    cardinality: relationship.through ? 'many-to-many' : relationship.isToMany ? 'one-to-many' : 'many-to-one',
  }));
  const ways = candidates.map(({ select }) => quoteName(select)).join(' or ');
  return new Problem(
    'request/ambiguous-relationship',
    `More than one relationship of ${quoteName(entity.name)} is called ${quoteName(name)}. Say which: ${ways}.`,
    { parameter: 'select', entity: entity.name, target: name, candidates },
  );
}

const LISTED = 20;

function suggestion({ names: [name = ''], hints: [hint = ''], isToMany }: Relationship): string {
  return isToMany ? name : `${name}!${hint}`;
}

/** One that no other of them has, as short as there is. */
function hintFor(relationship: Relationship, found: readonly Relationship[]): string {
  const others = found.filter((other) => other !== relationship);
  const own = relationship.hints.find((hint) => !others.some(({ hints }) => hints.includes(hint)));
  return own ?? relationship.hints[0] ?? '';
}
