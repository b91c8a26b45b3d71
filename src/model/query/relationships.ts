/**
 * How the entities of a tenant hang together, as far as a query may follow it: every relation in both directions, and two of
 * them through an entity that links others. Names and hints are PostgREST's, with properties for columns.
 */

import { relationConstraintName } from '../ddl/add-relation.js';
import { type Entity, isKeptBack, type Property } from '../entity.js';

/** From one entity to another. Rows belong together where `near` of the one equals `far` of the other. */
export interface Relationship {
  readonly target: Entity;
  readonly isToMany: boolean;
  readonly near: string;
  readonly far: string;
  /** Many to many: the entity between. `near` equals its first column, `far` its second. */
  readonly through?: { readonly entity: Entity; readonly near: string; readonly far: string };
  /** What a query may call it. */
  readonly names: readonly string[];
  /** What tells it from others of that name. */
  readonly hints: readonly string[];
  /** As a message calls it, such as `order.customer_id → customer.id`. */
  readonly text: string;
}

/** All entities of a tenant, by their names. Built once per state of its registry. */
export class EntityGraph {
  private readonly known = new Map<string, readonly Relationship[]>();

  constructor(private readonly entities: ReadonlyMap<string, { readonly entity: Entity }>) {}

  /** In the order of the registry: the entity's own relations, those that refer to it, and those through another. */
  from(entity: Entity): readonly Relationship[] {
    const known = this.known.get(entity.name);
    if (known) return known;
    const all = [...this.entities.values()].map((defined) => defined.entity);
    const found = [
      ...this.outbound(entity),
      ...all.flatMap((other) => inbound(entity, other)),
      ...all.flatMap((between) => this.through(entity, between)),
    ];
    this.known.set(entity.name, found);
    return found;
  }

  private outbound(entity: Entity): Relationship[] {
    return entity.properties.flatMap((property) => {
      const end = this.endOf(property);
      if (!end) return [];
      const constraint = relationConstraintName(entity, property);
      const own = [property.name, constraint];
      // Its own name alone means those that refer to it, as in PostgREST.
      const isSelf = end.target.name === entity.name;
      return {
        target: end.target,
        isToMany: false,
        near: property.column,
        far: end.column,
        names: isSelf ? own : [end.target.name, ...own],
        hints: [...own, end.field],
        text: `${entity.name}.${property.name} → ${end.target.name}.${end.field}`,
      };
    });
  }

  private through(entity: Entity, between: Entity): Relationship[] {
    if (between.name === entity.name) return [];
    const ends = linkEnds(between);
    return ends.flatMap((near) =>
      ends.flatMap((far) => {
        const [to, from] = [this.endOf(near), this.endOf(far)];
        if (near === far || !to || !from || to.target.name !== entity.name || !isLink(between, near, far)) return [];
        const constraints = [relationConstraintName(between, near), relationConstraintName(between, far)];
        return {
          target: from.target,
          isToMany: true,
          near: to.column,
          far: from.column,
          through: { entity: between, near: near.column, far: far.column },
          names: [from.target.name],
          hints: [between.name, ...(from.target.name === entity.name ? [far.name] : []), ...constraints],
          text: `${entity.name} ↔ ${from.target.name} through ${between.name}.${near.name} and ${between.name}.${far.name}`,
        };
      }),
    );
  }

  /** What the caller may not read leads nowhere. */
  private endOf(property: Property): { target: Entity; column: string; field: string } | undefined {
    const { relation } = property;
    const target = relation && this.entities.get(relation.entity)?.entity;
    if (!relation || !target || isKeptBack(property)) return undefined;
    const column = keyColumn(target, relation.field);
    return column === undefined ? undefined : { target, column, field: relation.field };
  }
}

/** The relations of `other` that point at the entity, seen from there. */
function inbound(entity: Entity, other: Entity): Relationship[] {
  return other.properties.flatMap((property) => {
    const { relation } = property;
    if (relation?.entity !== entity.name || isKeptBack(property)) return [];
    const field = keyColumn(entity, relation.field);
    if (field === undefined) return [];
    const constraint = relationConstraintName(other, property);
    const inverse = relation.inverse === undefined ? [] : [relation.inverse];
    return {
      target: other,
      isToMany: !isUnique(other, property),
      near: field,
      far: property.column,
      names: [...new Set([other.name, ...inverse, ...(other.name === entity.name ? [] : [constraint])])],
      hints: [property.name, constraint, ...inverse],
      text: `${other.name}.${property.name} → ${entity.name}.${relation.field}`,
    };
  });
}

/** What is kept back from the caller on this side leads nowhere either: the values of the other would tell it. */
function keyColumn({ properties }: Entity, field: string): string | undefined {
  if (field === 'id') return field;
  const key = properties.find(({ name }) => name === field);
  return key && !isKeptBack(key) ? key.column : undefined;
}

function isUnique({ uniqueKeys }: Entity, { name }: Property): boolean {
  return uniqueKeys.some(({ properties }) => properties.length === 1 && properties[0] === name);
}

function linkEnds({ properties }: Entity): readonly Property[] {
  return properties.filter(({ relation }) => relation !== undefined);
}

/** An entity whose records say which two belong together, each pair once. */
function isLink({ uniqueKeys }: Entity, near: Property, far: Property): boolean {
  return uniqueKeys.some(
    ({ properties }) => properties.length === 2 && properties.includes(near.name) && properties.includes(far.name),
  );
}
