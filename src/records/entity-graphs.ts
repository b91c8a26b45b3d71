import type { DefinedEntity } from '../entities/defined-entity.js';
import { EntityGraph } from '../model/query/relationships.js';

const graphs = new WeakMap<ReadonlyMap<string, DefinedEntity>, EntityGraph>();

/** How a tenant's entities hang together, worked out once per state of its registry. */
export function graphOf(entities: ReadonlyMap<string, DefinedEntity>): EntityGraph {
  const known = graphs.get(entities);
  if (known) return known;
  const graph = new EntityGraph(entities);
  graphs.set(entities, graph);
  return graph;
}
