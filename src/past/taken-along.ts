import { setImmediate } from 'node:timers/promises';
import type { TenantTx } from '../database/tenant-tx.js';
import type { DefinedEntity } from '../entities/defined-entity.js';
import { type KeptRow, readKept } from '../model/past/kept-row.js';
import {
  deletedTogetherStatement,
  holdDeletionStatement,
  releaseDeletionStatement,
  takeTogetherStatement,
} from '../model/statements/past-statements.js';
import type { JsonObject, JsonValue } from '../platform/json-value.js';
import { Problem } from '../platform/problem.js';
import { cascadesOf } from '../records/referring-records.js';
import { KeptRecords } from './kept-records.js';
import { deletedOf } from './past-table.js';

/** Which of the records that one deletion took come back with one of them. */

/** A deleted record on its way back. */
export interface Returning {
  readonly defined: DefinedEntity;
  readonly kept: KeptRow;
  /** As it is stored again. */
  readonly content: JsonObject;
}

/** Most records that come back with one. */
const MOST_RESTORED = 10_000;

/** Records read in one turn of the event loop. */
const YIELD_EVERY = 1_000;

/**
 * What was deleted with the record because of a relation that cascades, and is kept; taken out of what is kept.
 * @throws Problem record/too-many, database/conflict
 */
export async function takenAlong(
  tx: TenantTx,
  entities: ReadonlyMap<string, DefinedEntity>,
  root: Returning,
): Promise<readonly Returning[]> {
  const { deletion } = root.kept;
  if (deletion === null) return [];
  const tables = tablesBelow(entities, root.defined);
  if (tables.length === 0) return [];
  await tx.query(holdDeletionStatement(tx.home, tables, deletion));
  const together = new DeletedTogether(tx, deletion);
  const found = await withoutStranded(entities, root, await reachedFrom(entities, root, together), together);
  for (const defined of new Set(found.map((each) => each.defined))) {
    const ids = found.filter((each) => each.defined === defined).map(({ kept }) => kept.id);
    const taken = await tx.query(takeTogetherStatement(tx.home, deletedOf(defined), deletion, ids));
    if (taken.length < ids.length) {
      throw new Problem('database/conflict', 'Others restored or purged some of the records at the same time. Send it again.');
    }
  }
  await tx.query(releaseDeletionStatement(tx.home, tables, deletion));
  return found;
}

/** Where what a deletion of such a record takes along is kept, over any number of relations. */
function tablesBelow(entities: ReadonlyMap<string, DefinedEntity>, root: DefinedEntity): string[] {
  const cascades = cascadesOf(entities);
  const reached = new Set([root.name]);
  for (const name of reached) {
    for (const { defined, relation } of cascades) if (relation.entity === name) reached.add(defined.name);
  }
  const below = cascades
    .filter(({ relation }) => reached.has(relation.entity))
    .map(({ defined }) => defined.entity.past?.deleted);
  return [...new Set(below.filter((table) => table !== undefined))];
}

/** What else a deletion took and is still kept. Each entity is read once, when it is first asked about. */
class DeletedTogether {
  private readonly records = new Map<DefinedEntity, Promise<readonly Returning[]>>();
  private readonly holders = new Map<string, Promise<ReadonlyMap<JsonValue, readonly Returning[]>>>();

  constructor(
    private readonly tx: TenantTx,
    private readonly deletion: string,
  ) {}

  of(defined: DefinedEntity): Promise<readonly Returning[]> {
    const known = this.records.get(defined) ?? this.read(defined);
    this.records.set(defined, known);
    return known;
  }

  /** The records whose member holds this; none holds null. */
  async holding(defined: DefinedEntity, member: string, key: JsonValue): Promise<readonly Returning[]> {
    const name = JSON.stringify([defined.name, member]);
    const known = this.holders.get(name) ?? this.of(defined).then((records) => byMember(records, member));
    this.holders.set(name, known);
    return (await known).get(key) ?? [];
  }

  private async read(defined: DefinedEntity): Promise<readonly Returning[]> {
    const { tx, deletion } = this;
    const rows = (await tx.query(deletedTogetherStatement(tx.home, deletedOf(defined), deletion, MOST_RESTORED + 1))).map(
      readKept,
    );
    if (rows.length > MOST_RESTORED) throw tooMany();
    const records = await KeptRecords.of(tx, defined, rows, 'stored');
    const found: Returning[] = [];
    for (const [index, kept] of rows.entries()) {
      if (index % YIELD_EVERY === YIELD_EVERY - 1) await setImmediate();
      found.push({ defined, kept, content: records.carried(kept) });
    }
    return found;
  }
}

function byMember(records: readonly Returning[], member: string): ReadonlyMap<JsonValue, readonly Returning[]> {
  const found = new Map<JsonValue, Returning[]>();
  for (const record of records) {
    const key = record.content[member] ?? null;
    if (key === null) continue;
    const others = found.get(key);
    if (others) others.push(record);
    else found.set(key, [record]);
  }
  return found;
}

/** Each record is looked at once, however long the way to it is. */
async function reachedFrom(
  entities: ReadonlyMap<string, DefinedEntity>,
  root: Returning,
  together: DeletedTogether,
): Promise<readonly Returning[]> {
  const cascades = cascadesOf(entities).filter(({ defined }) => defined.entity.past?.deleted !== undefined);
  const found = new Set<Returning>([root]);
  // Those that are added meanwhile are visited too.
  for (const target of found) {
    for (const { defined, property, relation } of cascades) {
      if (relation.entity !== target.defined.name) continue;
      for (const each of await together.holding(defined, property.name, keyOf(target, relation.field))) found.add(each);
    }
    if (found.size > MOST_RESTORED + 1) throw tooMany();
  }
  found.delete(root);
  return [...found];
}

/** What also refers to another record that the deletion took, and that stays away, comes back with that one. */
async function withoutStranded(
  entities: ReadonlyMap<string, DefinedEntity>,
  root: Returning,
  found: readonly Returning[],
  together: DeletedTogether,
): Promise<readonly Returning[]> {
  const relations = [...new Set(found.map(({ defined }) => defined))].flatMap((defined) =>
    defined.entity.properties.flatMap(({ name, relation }) => {
      const target = entities.get(relation?.entity ?? '');
      return relation && target?.entity.past?.deleted !== undefined ? [{ defined, name, target, field: relation.field }] : [];
    }),
  );
  const back = new Set<Returning>([root, ...found]);
  const away = new Set<Returning>();
  for (const target of new Set(relations.map((each) => each.target))) {
    for (const each of await together.of(target)) if (!back.has(each)) away.add(each);
  }
  for (const missing of away) {
    for (const { defined, name, target, field } of relations) {
      if (target !== missing.defined) continue;
      for (const each of await together.holding(defined, name, keyOf(missing, field))) {
        back.delete(each);
        away.add(each);
      }
    }
  }
  return found.filter((each) => back.has(each));
}

/** What relations to the record hold; null: nothing can refer to it. */
function keyOf({ kept, content }: Returning, field: string): JsonValue {
  return field === 'id' ? kept.id : (content[field] ?? null);
}

function tooMany(): Problem {
  return new Problem('record/too-many', `More than ${MOST_RESTORED} records were deleted with this one.`, {
    limit: MOST_RESTORED,
  });
}
