import { type JsonObject, pointer } from '../../platform/json-value.js';
import type { Change } from './change.js';
import { member } from './member.js';

/**
 * What changes in how long the past is kept: `softDelete`, `history` and `retention`. To keep more, or for longer, takes nothing
 * from anybody; to keep less takes away what could be restored or read until now.
 */
export function keepingChanges(keyword: 'softDelete' | 'history' | 'retention', before: JsonObject, after: JsonObject): Change[] {
  const at = `/${keyword}`;
  if (keyword === 'retention') return daysChanges(at, before, after);
  const [wasOn, isOn] = [before, after].map((document) => isKept(document, keyword)) as [boolean, boolean];
  if (wasOn === isOn) return [restated(at)];
  return [changed(at, isOn ? KEPT[keyword] : ENDED[keyword], isOn)];
}

function isKept(document: JsonObject, keyword: 'softDelete' | 'history'): boolean {
  const value = member(document, keyword);
  return value === true || value === 'full';
}

const KEPT = {
  softDelete: 'deleted records are kept from now on, and can be restored',
  history: 'former versions of records are kept from now on',
};

const ENDED = {
  softDelete: 'records that are deleted from now on are gone, and those deleted before cannot be restored while it is so',
  history: 'former versions are no longer kept, and those kept before cannot be read while it is so',
};

const SPANS = [
  ['deletedDays', 'softDelete', 'deleted records are'],
  ['historyDays', 'history', 'former versions are'],
] as const;

function daysChanges(at: string, before: JsonObject, after: JsonObject): Change[] {
  const changes = SPANS.flatMap(([name, keyword, what]) => {
    const [old, fresh] = [before, after].map((document) => member(member(document, 'retention'), name) as number | undefined);
    if (old === fresh) return [];
    // Where nothing is kept yet, or any more, nothing is kept for a shorter time.
    const isLonger = fresh === undefined || (old !== undefined && fresh > old) || !isKept(before, keyword);
    return [changed(pointer(at, name), `${what} kept ${spanOf(fresh)} instead of ${spanOf(old)}`, isLonger)];
  });
  return changes.length === 0 ? [restated(at)] : changes;
}

function spanOf(days: number | undefined): string {
  if (days === undefined) return 'until they are purged';
  return days === 1 ? 'for a day' : `for ${days} days`;
}

function changed(at: string, message: string, additive: boolean): Change {
  return { kind: 'keeping-changed', pointer: at, message, additive };
}

function restated(at: string): Change {
  return { kind: 'restated', pointer: at, message: `${at} says in another way what was already so`, additive: true };
}
