import { databaseErrorOf, problemOf } from '../database/sqlstate.js';
import { Problem } from '../platform/problem.js';

/** Why work on a change ends before the change does, and which of it is worth another attempt. */

/** The process is going down. Somebody who waits for the change is told that it goes on without this instance. */
export class Interrupted extends Problem {
  constructor() {
    super(
      'entity/change-in-progress',
      'The service is shutting down; the change goes on with another instance or the next start. GET …/changes tells how far it is.',
    );
  }
}

/** Somebody called it off. */
export class Aborted extends Problem {
  constructor() {
    super('entity/change-aborted', 'The change was aborted. The entity is what it was before.');
  }
}

/** Worth another attempt: the database or the keys were away, it was busy, or broke the connection off. */
export function isPassing(error: unknown): boolean {
  if (error instanceof Problem) return error.code === 'entity/busy' || error.code === 'key/unavailable';
  const { code } = databaseErrorOf(error) ?? {};
  if (code !== undefined && /^(08|53|57|58|40|55|25P|25006)/.test(code)) return true;
  return ['database/unavailable', 'database/timeout', 'database/conflict'].includes(problemOf(error)?.code ?? '');
}
