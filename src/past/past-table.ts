import type { DefinedEntity } from '../entities/defined-entity.js';
import type { PastTable } from '../model/statements/past-statements.js';
import { Problem } from '../platform/problem.js';

/** Where an entity keeps its former versions. @throws Problem past/not-kept */
export function historyOf({ name, entity }: DefinedEntity): PastTable {
  const table = entity.past?.history;
  if (table !== undefined) return { table, days: entity.keeps.historyDays };
  throw notKept(name, 'history', '"history": "full"');
}

/** Where an entity keeps what was deleted. @throws Problem past/not-kept */
export function deletedOf({ name, entity }: DefinedEntity): PastTable {
  const table = entity.past?.deleted;
  if (table !== undefined) return { table, days: entity.keeps.deletedDays };
  throw notKept(name, 'deleted records', '"softDelete": true');
}

function notKept(name: string, what: string, word: string): Problem {
  const detail = `${JSON.stringify(name)} keeps no ${what}: with ${word} in its document it does from then on.`;
  return new Problem('past/not-kept', detail, { entity: name });
}

export function notDeleted(): Problem {
  return new Problem(
    'record/not-deleted',
    'No deleted record with this id is kept. GET …/deleted/{entity} lists those that are.',
  );
}
