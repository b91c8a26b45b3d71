import { Injectable } from '@nestjs/common';
import { type Position, positionOf } from '../model/query/keyset.js';
import { Problem } from '../platform/problem.js';
import { CursorSeal } from './cursor-seal.js';
import type { ListShape } from './list-shape.js';

/** Positions in lists, as texts that clients send back and cannot read, change or use elsewhere. */
@Injectable()
export class ListCursors {
  constructor(private readonly seal: CursorSeal) {}

  /**
   * Where the page begins; null: at the beginning.
   * @param roles of the caller
   * @param after as it was sent
   * @throws Problem request/invalid-cursor
   */
  positionIn(list: ListShape, roles: readonly string[], after: string | null): Position | null {
    if (after === null || after === '') return null;
    const text = list.sealFor(roles, this.seal).open(after);
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

  /** @param row the last one of the page. null: no cursor can lead on from it. */
  cursorBehind(list: ListShape, roles: readonly string[], row: readonly (string | null)[]): string | null {
    return list.keyset && list.sealFor(roles, this.seal).seal(JSON.stringify(positionOf(list.keyset, row)));
  }
}
