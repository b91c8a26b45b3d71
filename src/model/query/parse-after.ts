import { invalidQuery } from './invalid-query.js';

/** What a list is asked for beside `after=<cursor>`. */
export interface Asked {
  readonly isGrouped: boolean;
  readonly isRanged: boolean;
  readonly hasOffset: boolean;
}

/** A cursor says where the page begins, so nothing else may. @throws Problem request/invalid-query */
export function assertContinuable({ isGrouped, isRanged, hasOffset }: Asked): void {
  const reason =
    (isGrouped && 'groups are no records that a cursor could stand behind; page through them with limit and offset.') ||
    (hasOffset && 'the cursor says where the page begins; leave offset out.') ||
    (isRanged && 'the cursor says where the page begins; leave the Range header out, and say limit.');
  if (reason) throw invalidQuery('after', reason);
}
