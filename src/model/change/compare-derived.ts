import { type JsonObject, type JsonValue, pointer } from '../../platform/json-value.js';
import type { Entity, Property } from '../entity.js';
import type { Change } from './change.js';
import { firstDifference, isSameValue } from './first-difference.js';
import { member } from './member.js';

/**
 * The net under `compareEntities`: what was derived from the documents (table, columns, physical names, keys) may differ
 * only by what an additive change adds. It catches what the documents do not show, such as physical names chosen
 * differently. `indexesMayGrow` when an index was added in so many words.
 */
export function compareDerived(before: Entity, after: Entity, indexesMayGrow: boolean): Change[] {
  const [wereDeclared, areDeclared] = [member(before.document, 'properties'), member(after.document, 'properties')];
  const isNew = (name: string) => member(wereDeclared, name) === undefined && member(areDeclared, name) !== undefined;
  const stayed = new Map(after.properties.map((property) => [property.name, property]));
  const known = new Set(before.properties.map((property) => property.name));
  const oldKeys = after.uniqueKeys.filter((key) => !key.properties.some(isNew));
  const oldIndexes = after.indexes.filter((index) => !index.fields.some(({ property }) => isNew(property)));
  return [
    ...sameOrUnexplained(head(before), head(after), ''),
    ...before.properties.flatMap((property) => {
      const now = stayed.get(property.name);
      return sameOrUnexplained(stored(property), now && stored(now), pointer('/properties', property.name));
    }),
    ...after.properties.flatMap(({ name }) =>
      known.has(name) || isNew(name) ? [] : [unexplained(pointer('/properties', name))],
    ),
    ...missing(before.uniqueKeys, after.uniqueKeys, '/uniqueKeys'),
    ...missing(before.indexes, after.indexes, '/indexes'),
    ...missing(oldKeys, before.uniqueKeys, '/uniqueKeys'),
    ...(indexesMayGrow ? [] : missing(oldIndexes, before.indexes, '/indexes')),
  ];
}

/** Without its history and whom it is shown to, which the documents tell, and without what is called for ever and opened by whom. */
function stored(property: Property): object {
  const { renamedFrom: _, alias: __, access: ___, personal: ____, redact: _____, encrypted, ...kept } = property;
  if (!encrypted) return kept;
  const { of, searchable } = encrypted;
  return { ...kept, encrypted: { of, searchable } };
}

function head({ name, table, keepsExtras, concurrency }: Entity): JsonObject {
  return { name, table, keepsExtras, concurrency };
}

function sameOrUnexplained(before: object, after: object | undefined, at: string): Change[] {
  const found = firstDifference(before as JsonValue, after as JsonValue | undefined, at);
  return found === undefined ? [] : [unexplained(at)];
}

/** Each element of `some` must be in `all`. */
function missing(some: readonly object[], all: readonly object[], at: string): Change[] {
  const lost = some.some((one) => !all.some((other) => isSameValue(one as JsonValue, other as JsonValue)));
  return lost ? [unexplained(at)] : [];
}

function unexplained(at: string): Change {
  return { kind: 'schema-changed', pointer: at, message: `what is stored for ${at || 'the entity'} changes`, additive: false };
}
