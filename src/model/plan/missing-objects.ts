import { quoteIdent } from '../sql.js';
import type { TableCatalog } from './catalog.js';
import type { TableShape } from './shape.js';

/**
 * What a table lacks of what its document asks for, so that a plan for it could not be carried out: any of its columns, and each
 * constraint or index that `statements` speak of. Undefined when all of it is there; that it is as it should be, drift tells.
 */
export function missingObject(shape: TableShape, catalog: TableCatalog, statements: readonly string[]): string | undefined {
  const [columns, objects] = [catalog.columns, [...catalog.constraints, ...catalog.indexes]].map(
    (items) => new Set(items.map(({ name }) => name)),
  ) as [Set<string>, Set<string>];
  const column = shape.columns.find(({ name }) => !columns.has(name));
  if (column) return `what held ${JSON.stringify(column.property?.name ?? column.name)} is gone`;
  const gone = <T extends { readonly name: string }>(items: readonly T[]): T | undefined =>
    items.find(({ name }) => !objects.has(name) && statements.some((sql) => sql.includes(quoteIdent(name))));
  const constraint = gone(shape.constraints);
  if (constraint) return `the ${constraint.kind} ${about(constraint.properties)}is gone`;
  const index = gone(shape.indexes);
  return index && `the index ${about(index.properties)}is gone`;
}

function about(properties: readonly string[]): string {
  return properties.length === 0 ? '' : `of ${properties.map((name) => JSON.stringify(name)).join(' and ')} `;
}
