/**
 * What a query selects into the JSON text of records: the members of the entity, what is computed from them, and embedded
 * records, whose rows arrive as JSON arrays of texts and are written by a writer of their own. Used by every list.
 */

import { type Entity, EXTRA_COLUMN } from '../entity.js';
import type { Embed, ReadNode, SelectTerm, Value, ValueType } from '../query/ast.js';
import { isAggregated } from '../query/parse-value.js';
import {
  columnMember,
  columnOf,
  declaredMembers,
  isSealedMember,
  keptBackMembers,
  type Member,
  type MemberPath,
  memberWriter,
  type Nulls,
  visibleMembers,
} from './row-writer.js';
import { JSON_TEXT } from './values.js';

type Row = readonly (string | null)[];

/** What has to be read for one text of a row. */
export type Cell =
  | { readonly kind: 'column'; readonly column: string }
  /** Of an encrypted property: behind the id of the record. */
  | { readonly kind: 'sealed'; readonly column: string }
  | { readonly kind: 'value'; readonly value: Value; readonly isAggregated: boolean }
  | { readonly kind: 'embed'; readonly embed: Embed; readonly writer: ReadWriter };

export interface ReadWriter {
  /** In the order of a row's texts. */
  readonly cells: readonly Cell[];
  /** A record as JSON object text. */
  write(row: Row): string;
  /** Aligned with `cells`, but for undeclared members. */
  readonly members: readonly Member[];
  /** Of the record, in order; what is undeclared has none. */
  readonly names: readonly string[];
  /** Paths of the members that are kept back from the caller: left out of what `*` selects, or redacted. */
  readonly keptBack: readonly MemberPath[];
}

export function compileReadWriter(node: ReadNode, nulls: Nulls): ReadWriter {
  const { entity, isGrouped } = node;
  // Groups have no undeclared members to say what a NULL is.
  const own = isGrouped ? 'always' : nulls;
  const parts = node.select.flatMap((term) => partsOf(node, term, own));
  const members = parts.map(({ member }) => member);
  const isWhole = node.select.some(({ kind }) => kind === 'all');
  const declared = isWhole && entity.keepsExtras ? declaredMembers(entity) : null;
  const readsExtra = declared !== null || members.some(({ extra }) => extra !== null);
  const extra: Cell[] = readsExtra ? [{ kind: 'column', column: EXTRA_COLUMN }] : [];
  const names = parts.flatMap((part) => part.names);
  const cells = [...parts.map(({ cell }) => cell), ...extra];
  return { cells, members, names, keptBack: keptBackOf(node, parts), write: memberWriter(members, declared) };
}

interface Part {
  readonly cell: Cell;
  readonly member: Member;
  /** What the member is called, or those that are spread. */
  readonly names: readonly string[];
  readonly keptBack?: readonly MemberPath[];
}

function keptBackOf({ entity, select }: ReadNode, parts: readonly Part[]): readonly MemberPath[] {
  const missing = select.some(({ kind }) => kind === 'all') ? keptBackMembers(entity) : [];
  return [...missing, ...parts.flatMap(({ keptBack }) => keptBack ?? [])];
}

function partsOf({ entity, isGrouped }: ReadNode, term: SelectTerm, nulls: Nulls): Part[] {
  switch (term.kind) {
    case 'all':
      return visibleMembers(entity).map((name) => ({
        cell: cellOf(entity, name),
        member: columnMember(entity, name, name, nulls),
        names: [name],
      }));
    case 'value': {
      const { value, as } = term;
      if (value.kind === 'field' && !isGrouped) {
        const { name } = value.field;
        const member = columnMember(entity, name, as, nulls);
        return [{ cell: cellOf(entity, name), member, names: [as], ...(isShadow(entity, name) && { keptBack: [[as]] }) }];
      }
      const member = { ...named(as), text: textOf(value.type) };
      return [{ cell: { kind: 'value', value, isAggregated: isAggregated(value) }, member, names: [as] }];
    }
    case 'embed':
      return term.embed.node.select.length === 0 ? [] : [embedPart(term.embed, nulls)];
  }
}

function cellOf(entity: Entity, name: string): Cell {
  return { kind: isSealedMember(entity, name) ? 'sealed' : 'column', column: columnOf(entity, name) };
}

function isShadow({ properties }: Entity, name: string): boolean {
  return properties.some((property) => property.name === name && property.redacted !== undefined);
}

/** What may be NULL and then says so. */
function named(as: string): Pick<Member, 'prefix' | 'whenNull' | 'extra'> {
  const prefix = `${JSON.stringify(as)}:`;
  return { prefix, whenNull: `${prefix}null`, extra: null };
}

/** Postgres prints every numeric as a JSON number; those of a decimal property are texts, which keep their digits. */
function textOf(type: ValueType): (text: string) => string {
  return type === 'number' ? String : JSON_TEXT[type];
}

function embedPart(embed: Embed, nulls: Nulls): Part {
  const { isToMany } = embed.relationship;
  // Spread, its members stand among others: absent ones would leave a comma behind.
  const writer = compileReadWriter(
    embed.isSpread ? withoutUndeclared(embed.node) : embed.node,
    embed.isSpread ? 'always' : nulls,
  );
  const cell: Cell = { kind: 'embed', embed, writer };
  const { keptBack } = writer;
  if (embed.isSpread) {
    return { cell, member: isToMany ? spreadMany(writer) : spreadOne(writer), names: writer.names, keptBack };
  }
  const one = (text: string): string => writer.write(JSON.parse(text) as Row);
  const many = (text: string): string => `[${(JSON.parse(text) as Row[]).map(writer.write).join(',')}]`;
  const member = { ...named(embed.as), text: isToMany ? many : one };
  return { cell, member, names: [embed.as], keptBack: keptBack.map((path) => [embed.as, ...path]) };
}

/** What is spread has only the names that are known. */
function withoutUndeclared(node: ReadNode): ReadNode {
  return { ...node, entity: { ...node.entity, keepsExtras: false } };
}

function spreadOne(writer: ReadWriter): Member {
  const inside = (row: Row): string => writer.write(row).slice(1, -1);
  const none = inside(writer.cells.map(() => null));
  return { prefix: '', text: (text) => inside(JSON.parse(text) as Row), whenNull: none, extra: null };
}

/** Each member of many records as the array of what they hold. */
function spreadMany({ members }: ReadWriter): Member {
  const text = (json: string): string => {
    const rows = JSON.parse(json) as Row[];
    return members
      .map((member, index) => `${member.prefix}[${rows.map((row) => cellText(member, row[index] ?? null)).join(',')}]`)
      .join(',');
  };
  return { prefix: '', text, whenNull: '', extra: null };
}

function cellText({ text }: Member, cell: string | null): string {
  return (cell === null ? null : text(cell)) ?? 'null';
}
