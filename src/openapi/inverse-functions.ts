/**
 * The inverse names of relations, such as `orders` on a customer. supabase-js has no word for another name of a relation, but
 * it knows computed ones: functions from a row to the rows that belong to it. They are for `select` only; `rpc` has none.
 */
import { type Entity, isKeptBack } from '../model/entity.js';
import { isUniqueAlone, leads } from './table-types.js';
import { block, docComment, member, textLiteral } from './typescript-text.js';

const COMMENT = docComment(['Inverse of a relation: to be embedded by select, not to be called.']);

/** Members of `Functions`, by their names. One name may stand for inverses into several entities. */
export function inverseFunctions(entities: readonly Entity[], byName: ReadonlyMap<string, Entity>): readonly string[] {
  const functions = new Map<string, string[]>();
  for (const entity of entities) {
    for (const property of entity.properties) {
      const { relation } = property;
      const { inverse, entity: target } = relation ?? {};
      // The entity's own name means the same without help.
      if (!relation || inverse === undefined || target === undefined || byName.has(inverse)) continue;
      if (isKeptBack(property) || !leads(byName.get(target), relation)) continue;
      const type = functionType(entity.name, target, isUniqueAlone(entity, property));
      functions.set(inverse, [...(functions.get(inverse) ?? []), type]);
    }
  }
  return [...functions]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, types]) => member(name, types.join(' | '), { comment: COMMENT }));
}

function functionType(from: string, target: string, isOne: boolean): string {
  return block([
    member('Args', `{ "": ${row(target)} }`),
    member('Returns', isOne ? row(from) : `${row(from)}[]`),
    member(
      'SetofOptions',
      `{ from: ${textLiteral(target)}; to: ${textLiteral(from)}; isOneToOne: ${isOne}; isSetofReturn: true }`,
    ),
  ]);
}

function row(entity: string): string {
  return `Database["public"]["Tables"][${textLiteral(entity)}]["Row"]`;
}
