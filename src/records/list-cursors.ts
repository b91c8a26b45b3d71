import { Injectable } from '@nestjs/common';
import type { TenantTx } from '../database/tenant-tx.js';
import type { DefinedEntity } from '../entities/defined-entity.js';
import type { ReadQuery } from '../model/query/ast.js';
import { type Keyset, type Position, positionOf } from '../model/query/keyset.js';
import { sequenceOf } from '../model/query/read-statement.js';
import { Problem } from '../platform/problem.js';
import { CursorSeal } from './cursor-seal.js';

/** A list as a cursor knows it: what must not change between its pages. */
export interface PagedList {
  readonly tx: TenantTx;
  readonly defined: DefinedEntity;
  /** All of the tenant, by name. */
  readonly entities: ReadonlyMap<string, DefinedEntity>;
  readonly query: ReadQuery;
}

/** Positions in lists, as texts that clients send back and cannot read, change or use elsewhere. */
@Injectable()
export class ListCursors {
  constructor(private readonly seal: CursorSeal) {}

  /** Where the page begins; null: at the beginning. @throws Problem request/invalid-cursor */
  positionIn(list: PagedList): Position | null {
    const { after } = list.query;
    if (after === null || after === '') return null;
    const text = this.seal.open(identityOf(list), after);
    if (text === null) {
      throw new Problem(
        'request/invalid-cursor',
        'The cursor belongs to another list, or to this one as it was before: tenant, entity and its version, filters, order ' +
          'and the roles of the caller must be those of the page it came from. Start again from the first page, without after.',
        { parameter: 'after' },
      );
    }
    return JSON.parse(text) as Position;
  }

  /** @param row the last one of the page */
  cursorBehind(list: PagedList, keyset: Keyset, row: readonly (string | null)[]): string {
    return this.seal.seal(identityOf(list), JSON.stringify(positionOf(keyset, row)));
  }
}

/** The versions are those of every entity whose values are sorted by. */
function identityOf({ tx, defined, entities, query }: PagedList): string {
  const related = query.order.flatMap(({ embed }) => (embed ? (entities.get(embed.node.entity.name) ?? []) : []));
  const versions = [defined, ...related].map(({ id, version }) => [id, version]);
  const roles = [...tx.actor.roles].sort();
  return JSON.stringify([tx.home.tenantId, versions, roles, sequenceOf(tx.home, query)]);
}
