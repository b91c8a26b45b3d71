import type { RowCaller } from '../model/access/row-rule-claim.js';
import { type RowTraits, rowKey, rowsOf, rowTraits } from '../model/access/row-rule-sight.js';
import type { Property, Rows } from '../model/entity.js';
import type { DefinedEntity } from './defined-entity.js';

/**
 * Entities with the rows that are a caller's, where their rules leave it only some. Kept for those who asked lately: what depends on
 * the caller alone is some conditions, everything else is shared with the entity that has all rows.
 */

type Entities = ReadonlyMap<string, DefinedEntity>;

/** Of one state of a tenant's registry as some roles see it. */
interface Restricted {
  /** Entities with rules, and those whose relations lead to one. */
  readonly ruled: readonly DefinedEntity[];
  readonly referring: readonly DefinedEntity[];
  readonly traits: RowTraits;
  /** By what matters of the caller; the least recently used comes first. */
  readonly seen: Map<string, Entities>;
}

/** Callers that one state of a registry is kept for: some 10 KB each. */
const MOST_CALLERS = 256;

/** Entities without these words are not read for them. */
const HAS_RELATIONS = /"(?:x-)?relation"\s*:/;
const HAS_RULES = /"(?:x-)?rowRules"\s*:/;

const known = new WeakMap<Entities, Restricted | 'none'>();

/** The very same entities where all rows are the caller's. */
export function withOwnRows(entities: Entities, caller: () => RowCaller): Entities {
  const restricted = known.get(entities) ?? restrictionsOf(entities);
  if (restricted === 'none') return entities;
  const { traits, seen } = restricted;
  const by = caller();
  const key = rowKey(traits, by);
  const view = seen.get(key) ?? viewFor(entities, restricted, by);
  // The least recently used comes first.
  seen.delete(key);
  seen.set(key, view);
  if (seen.size > MOST_CALLERS) seen.delete(seen.keys().next().value as string);
  return view;
}

function viewFor(entities: Entities, { ruled, referring }: Restricted, by: RowCaller): Entities {
  const rows = new Map(
    ruled.flatMap(({ name, entity }) => {
      const own = rowsOf(entity, by);
      return own ? [[name, own] as const] : [];
    }),
  );
  if (rows.size === 0) return entities;
  const view = new Map(entities);
  for (const defined of new Set([...ruled, ...referring])) {
    const { name, entity } = defined;
    const own = rows.get(name);
    const properties = entity.properties.map((property) => withSeenTarget(property, entities, rows));
    const isSame = properties.every((property, index) => property === entity.properties[index]);
    if (own || !isSame) {
      view.set(
        name,
        defined.withFewerRows({ ...entity, properties: isSame ? entity.properties : properties, ...(own && { rows: own }) }),
      );
    }
  }
  return view;
}

function withSeenTarget(property: Property, entities: Entities, rows: ReadonlyMap<string, Rows>): Property {
  const { relation } = property;
  const target = relation && entities.get(relation.entity)?.entity;
  const { read = true } = (relation && rows.get(relation.entity)) ?? {};
  if (!relation || !target || read === true) return property;
  const { field } = relation;
  const column = target.properties.find(({ name }) => name === field)?.column ?? field;
  return { ...property, relation: { ...relation, seen: { table: target.table, column, rows: read } } };
}

function restrictionsOf(entities: Entities): Restricted | 'none' {
  const all = [...entities.values()];
  const ruled = all.filter((each) => HAS_RULES.test(each.entry.text) && each.entity.rowRules);
  const names = new Set(ruled.map(({ name }) => name));
  const refers = ({ relation }: Property): boolean => relation !== undefined && names.has(relation.entity);
  const referring =
    names.size === 0 ? [] : all.filter((each) => HAS_RELATIONS.test(each.entry.text) && each.entity.properties.some(refers));
  const made: Restricted | 'none' =
    ruled.length === 0 ? 'none' : { ruled, referring, traits: rowTraits(ruled.map(({ entity }) => entity)), seen: new Map() };
  known.set(entities, made);
  return made;
}
