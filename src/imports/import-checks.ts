import type { Row } from '../database/statement-batch.js';
import type { DefinedEntity } from '../entities/defined-entity.js';
import { parameterSql, rowRuleSql } from '../model/access/row-rule-sql.js';
import { columnType } from '../model/ddl/column.js';
import { tableRef } from '../model/ddl/table-ref.js';
import type { Entity, Property, Relation } from '../model/entity.js';
import { nullableArrayLiteral } from '../model/query/array-literal.js';
import { tagSql } from '../model/sealed/tag-sql.js';
import { quoteIdent, type Statement } from '../model/sql.js';
import { preparedName } from '../records/record-sql.js';

/**
 * What a dry run asks of the table about many records at once: is a record there with a key of theirs, and is what they refer to? Reads
 * only, each by an index. Keys come back as hashes besides, by which the records of one file are compared with each other as Postgres
 * would compare them: 1.0 and 1.00 are one. Of encrypted values the tags are compared.
 */

/** A record as it would be inserted, and whether its id is one that somebody else may have. */
export interface CheckedRecord {
  readonly id: string;
  readonly hasOwnId: boolean;
  /** Texts aligned with `entity.properties`. */
  readonly columns: readonly (string | null)[];
}

/** What makes records the same: the id, or a unique key. */
export interface CheckedKey {
  readonly members: readonly string[];
}

export interface CheckedRelation {
  readonly property: Property;
  readonly relation: Relation;
  /** To the entity itself: the key by which the records of the file are referred to; -1: to another. */
  readonly ownKey: number;
}

/** Of one record, aligned with the keys and the relations. */
export interface Marks {
  /** A hash is null where a part of the key is: nothing is equal to that. */
  readonly keys: readonly { readonly hash: bigint | null; readonly isTaken: boolean }[];
  readonly relations: readonly { readonly hash: bigint | null; readonly isMissing: boolean }[];
}

export class ImportChecks {
  readonly keys: readonly CheckedKey[];
  readonly relations: readonly CheckedRelation[];
  private readonly properties: readonly number[];
  private readonly text: string;
  /** What tells the rows that are the caller's. */
  private readonly own: (string | null)[] = [];
  private readonly name: string;
  /** Of the keys that the tags are made with. */
  private readonly epoch: number | undefined;

  /** @param seed of the hashes: nobody can choose values whose hashes are the same. */
  constructor(
    private readonly defined: DefinedEntity,
    entities: ReadonlyMap<string, DefinedEntity>,
    private readonly seed: bigint,
  ) {
    const { entity } = defined;
    this.keys = [{ members: ['id'] }, ...entity.uniqueKeys.map(({ properties }) => ({ members: properties }))];
    this.relations = entity.properties.flatMap((property) => this.relationOf(entity, property));
    const involved = new Set([
      ...this.keys.flatMap(({ members }) => members),
      ...this.relations.map(({ property }) => property.name),
    ]);
    this.properties = entity.properties.flatMap(({ name }, index) => (involved.has(name) ? [index] : []));
    this.epoch = this.properties.flatMap((at) => entity.properties[at]?.encrypted?.cipher?.epoch ?? [])[0];
    this.text = this.textOf(entities);
    this.name = preparedName(defined.version, this.text);
  }

  statement(records: readonly CheckedRecord[]): Statement {
    const ids = nullableArrayLiteral(records, ({ id, hasOwnId }) => (hasOwnId ? id : null));
    const columns = this.properties.map((at) => nullableArrayLiteral(records, (record) => record.columns[at] as string | null));
    const values = [this.defined.home.tenantId, String(this.seed), ids, ...columns, ...this.own];
    return { text: this.text, values, name: this.name, ...(this.epoch !== undefined && { keys: this.epoch }) };
  }

  /** In the order of the records. */
  read(rows: readonly Row[]): Marks[] {
    const width = this.keys.length;
    return rows.map((row) => {
      const pairs = Array.from({ length: row.length / 2 }, (_, index) => {
        const [hash, found] = [row[2 * index] ?? null, row[2 * index + 1]];
        return { hash: hash === null ? null : BigInt(hash), is: found === 't' };
      });
      return {
        keys: pairs.slice(0, width).map(({ hash, is }) => ({ hash, isTaken: is })),
        relations: pairs.slice(width).map(({ hash, is }) => ({ hash, isMissing: is })),
      };
    });
  }

  private relationOf({ name }: Entity, property: Property): CheckedRelation[] {
    const { relation } = property;
    if (!relation) return [];
    const isOwn = relation.entity === name;
    const ownKey = isOwn ? this.keys.findIndex(({ members }) => members.length === 1 && members[0] === relation.field) : -1;
    return [{ property, relation, ownKey }];
  }

  private textOf(entities: ReadonlyMap<string, DefinedEntity>): string {
    const { home, entity } = this.defined;
    const sent = this.properties.map((at) => entity.properties[at] as Property);
    const types = ['uuid', ...sent.map(columnType)];
    const places = new Map([['id', 'c0'], ...sent.map(({ name }, index): [string, string] => [name, `c${index + 1}`])]);
    const given = (name: string): string => comparedSql(entity, name, places.get(name) as string, 'input.');
    const hashOf = (members: readonly string[]): string => {
      const parts = members.map(given);
      const isWhole = parts.map((part) => `${part} is not null`).join(' and ');
      return `case when ${isWhole} then hash_record_extended(row(${parts.join(', ')}), $2::bigint) end`;
    };
    // Not EXISTS, for which Postgres may read the whole table into a hash with each batch: 80 s for a million records, against 16.
    const exists = (target: DefinedEntity, pairs: readonly (readonly [field: string, member: string])[]): string => {
      const conditions = pairs.map(([field, member]) => `\n      and ${columnIn(target.entity, field)} = ${given(member)}`);
      const { read = true } = target.entity.rows ?? {};
      // A target that is kept from the caller is as missing as any other.
      const own = read === true ? '' : `\n      and ${rowRuleSql(read, 'there.', parameterSql(this.own, types.length + 2))}`;
      return `(
    select true
    from ${tableRef(home, target.entity)} as there
    where there.tenant_id = $1::uuid${conditions.join('')}${own}
    limit 1
  ) is true`;
    };
    const keys = this.keys.flatMap(({ members }) => [
      hashOf(members),
      exists(
        this.defined,
        members.map((name) => [name, name]),
      ),
    ]);
    const relations = this.relations.flatMap(({ property: { name }, relation: { entity: to, field } }) => {
      const target = entities.get(to);
      const isThere = target ? exists(target, [[field, name]]) : 'false';
      return [hashOf([name]), `${given(name)} is not null and not ${isThere}`];
    });
    return `select ${[...keys, ...relations].join(',\n  ')}
from unnest(${types.map((type, index) => `$${index + 3}::${type}[]`).join(', ')})
  with ordinality as input (${[...types.map((_, index) => `c${index}`), 'ordinal'].join(', ')})
order by input.ordinal`;
  }
}

function columnIn(entity: Entity, member: string): string {
  return comparedSql(entity, member, propertyOf(entity, member)?.column ?? member, 'there.');
}

/** A member's column as it is compared, or what of it is. */
function comparedSql(entity: Entity, member: string, column: string, ref: string): string {
  const slot = propertyOf(entity, member)?.encrypted?.cipher?.slot;
  return slot === undefined ? `${ref}${quoteIdent(column)}` : tagSql(column, slot, ref);
}

function propertyOf({ properties }: Entity, member: string): Property | undefined {
  return properties.find(({ name }) => name === member);
}
