import { setImmediate } from 'node:timers/promises';
import type { Access } from '../access/access.js';
import { forbidden } from '../access/forbidden.js';
import type { Row } from '../database/statement-batch.js';
import type { TenantTx } from '../database/tenant-tx.js';
import type { DefinedEntity } from '../entities/defined-entity.js';
import { type AuditedChange, auditedBody } from '../model/access/audited-body.js';
import type { Property, Relation } from '../model/entity.js';
import {
  detachStatement,
  lockReferringStatement,
  type ReferringChange,
  removeStatement,
} from '../model/statements/referring-statements.js';
import type { JsonObject } from '../platform/json-value.js';
import { Problem } from '../platform/problem.js';
import { uuidV7Range } from '../platform/uuid.js';
import { auditedContent } from './incoming-record.js';
import { preparedName, recordSql } from './record-sql.js';
import { rowForbidden } from './row-forbidden.js';

/**
 * Carries out `onDelete: cascade` and `setNull`, so that each record that goes or changes with a deleted one has its event
 * and its revision: a foreign key acting alone tells nobody. The keys' own actions stay, as a net and to refuse.
 */

/** A relation that acts when its target is deleted. */
export interface Referrer {
  readonly defined: DefinedEntity;
  readonly property: Property;
  readonly relation: Relation;
}

/** By the name of the entity referred to; without entries for those that nothing acts on. */
export type Referrers = ReadonlyMap<string, readonly Referrer[]>;

/** A record whose row is locked, as its entity's stored row writer reads it. */
export interface LockedRecord {
  readonly defined: DefinedEntity;
  readonly row: Row;
  readonly stored: JsonObject;
}

interface Detached {
  readonly record: LockedRecord;
  readonly properties: Set<Property>;
}

/** Most records that one deletion deletes or changes, those included that are asked for. */
const MOST_AFFECTED = 10_000;

/** Events prepared in one turn of the event loop. */
const YIELD_EVERY = 1_000;

const known = new WeakMap<ReadonlyMap<string, DefinedEntity>, Referrers>();

/** Worked out once for each set of entities, from memory. */
export function referrersOf(entities: ReadonlyMap<string, DefinedEntity>): Referrers {
  const found = known.get(entities);
  if (found !== undefined) return found;
  const made = groupedBy(actingRelations(entities), ({ relation }) => relation.entity);
  known.set(entities, made);
  return made;
}

function actingRelations(entities: ReadonlyMap<string, DefinedEntity>): Referrer[] {
  return [...entities.values()].flatMap((defined) =>
    defined.entity.properties.flatMap((property) => {
      const { relation } = property;
      return relation && relation.onDelete !== 'restrict' ? [{ defined, property, relation }] : [];
    }),
  );
}

/**
 * A caller who has only some of the rows of an entity does not delete or change others of them by the way. Told before any record is
 * looked for: whether there are any is no answer to it. Nor does a grant for some entities reach others so: its tenant was told of those.
 * @throws Problem record/row-forbidden, auth/forbidden
 */
export function assertTakesOwnAlong(referrers: Referrers, name: string, access: Access): void {
  const reached = new Set([name]);
  for (const target of reached) {
    for (const { defined, relation } of referrers.get(target) ?? []) {
      const operation = relation.onDelete === 'cascade' ? 'records.delete' : 'records.update';
      if (access.grant && !access.may(operation, defined.name)) throw forbidden(access, operation, defined.name);
      if (defined.entity.rows) {
        throw rowForbidden(
          defined.entity,
          "Records that refer to this one would be deleted or changed with it, and not all are your roles' to write",
        );
      }
      if (relation.onDelete === 'cascade') reached.add(defined.name);
    }
  }
}

/** The relations by which the deletion of one record deletes others. */
export function cascadesOf(entities: ReadonlyMap<string, DefinedEntity>): readonly Referrer[] {
  return actingRelations(entities).filter(({ relation }) => relation.onDelete === 'cascade');
}

/**
 * Deletes the records, of one entity, and whatever goes with them, and commits. They are locked: nobody can come to refer to them
 * meanwhile.
 * @throws Problem when it would affect too many; what Postgres says when another record restricts it.
 */
export async function removeWithReferring(tx: TenantTx, referrers: Referrers, roots: readonly LockedRecord[]): Promise<void> {
  const { removed, detached } = await findAffected(tx, referrers, roots);
  for (const group of groupedBy(detached, kindOf).values()) {
    const [{ record, properties }] = group as [Detached];
    const events = uuidV7Range(group.length);
    const changes = await changesOf(group, events.ids, (each) => eventOfDetached(each));
    const written = { ...events, count: group.length };
    await tx.query(detachStatement(tx.home, record.defined.entity, [...properties], changes, written, tx.actor));
  }
  // Backwards, so that the trail ends with what was asked for.
  const ordered = [...groupedBy(removed, ({ defined }) => defined.name).values()].map((records) => records.reverse()).reverse();
  const events = uuidV7Range(removed.length);
  const changes = await changesOf(ordered.flat(), events.ids, (record) => [record, { before: contentOf(record) }]);
  let taken = 0;
  const deletions = ordered.map((records) => {
    const first = taken;
    taken += records.length;
    return { entity: (records[0] as LockedRecord).defined.entity, records: changes.slice(first, taken) };
  });
  await tx.last(removeStatement(tx.home, deletions, { ...events, count: removed.length }, tx.actor));
}

/** Level by level, each locked before the next is looked for; a record that was met already ends its path. */
async function findAffected(
  tx: TenantTx,
  referrers: Referrers,
  roots: readonly LockedRecord[],
): Promise<{ removed: LockedRecord[]; detached: Detached[] }> {
  const removed = new Map(roots.map((root) => [keyOf(root.defined, root.stored.id as string), root]));
  const detached = new Map<string, Detached>();
  let level: readonly LockedRecord[] = roots;
  while (level.length > 0) {
    const next: LockedRecord[] = [];
    for (const [name, targets] of groupedBy(level, ({ defined }) => defined.name)) {
      for (const { defined, property, relation } of referrers.get(name) ?? []) {
        const idAt = recordSql(defined).stored.columns.indexOf('id');
        for (const row of await lockReferring(tx, defined, property, fieldTexts(targets, relation.field))) {
          const key = keyOf(defined, row[idAt] as string);
          if (removed.has(key)) continue;
          const record = lockedRecord(defined, row);
          if (relation.onDelete === 'cascade') {
            removed.set(key, record);
            detached.delete(key);
            next.push(record);
          } else {
            const seen = detached.get(key);
            if (seen) seen.properties.add(property);
            else detached.set(key, { record, properties: new Set([property]) });
          }
        }
        if (removed.size + detached.size > MOST_AFFECTED) throw tooMany();
      }
    }
    level = next;
  }
  return { removed: [...removed.values()], detached: [...detached.values()] };
}

async function lockReferring(
  tx: TenantTx,
  defined: DefinedEntity,
  property: Property,
  keys: readonly string[],
): Promise<readonly Row[]> {
  if (keys.length === 0) return [];
  const { columns } = recordSql(defined).stored;
  const nameOf = (text: string): string => preparedName(defined.version, text);
  // One more than may be affected: all are different records, so as many are too many.
  return tx.query(lockReferringStatement(tx.home, defined.entity, property, columns, nameOf)(keys, MOST_AFFECTED + 1));
}

/** The texts of `id` or of a natural key, from the rows as Postgres wrote them. */
function fieldTexts(targets: readonly LockedRecord[], field: string): string[] {
  const { defined } = targets[0] as LockedRecord;
  const column = defined.entity.properties.find(({ name }) => name === field)?.column ?? field;
  const at = recordSql(defined).stored.columns.indexOf(column);
  return [...new Set(targets.flatMap(({ row }) => row[at] ?? []))];
}

async function changesOf<T>(
  items: readonly T[],
  eventIds: readonly string[],
  eventOf: (item: T) => readonly [LockedRecord, AuditedChange],
): Promise<ReferringChange[]> {
  const changes: ReferringChange[] = [];
  for (const [index, item] of items.entries()) {
    if (index % YIELD_EVERY === YIELD_EVERY - 1) await setImmediate();
    const [{ defined, stored }, change] = eventOf(item);
    changes.push({ id: stored.id as string, eventId: eventIds[index] as string, ...auditedBody(defined.entity, change) });
  }
  return changes;
}

function eventOfDetached({ record, properties }: Detached): readonly [LockedRecord, AuditedChange] {
  const before = contentOf(record);
  const emptied = new Map([...properties].map((property) => [property.name, property]));
  // What is required stays, as null; what is optional is gone.
  const after = Object.entries(before).flatMap(([member, value]) => {
    const property = emptied.get(member);
    if (!property) return [[member, value] as const];
    return property.required ? [[member, null] as const] : [];
  });
  return [record, { before, after: Object.fromEntries(after) }];
}

function contentOf({ defined, stored }: LockedRecord): JsonObject {
  return auditedContent(defined.entity, stored);
}

export function lockedRecord(defined: DefinedEntity, row: Row): LockedRecord {
  return { defined, row, stored: JSON.parse(recordSql(defined).stored.write(row)) as JsonObject };
}

/** Same entity, same properties: same statement. */
function kindOf({ record, properties }: Detached): string {
  return JSON.stringify([record.defined.name, ...[...properties].map(({ name }) => name).sort()]);
}

function keyOf({ name }: DefinedEntity, id: string): string {
  return `${id} ${name}`;
}

function groupedBy<T>(items: Iterable<T>, keyOfItem: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOfItem(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

function tooMany(): Problem {
  return new Problem(
    'record/still-referenced',
    `More than ${MOST_AFFECTED} records would be deleted or changed with this one. Delete or change some of those first, in several requests.`,
    { limit: MOST_AFFECTED },
  );
}
