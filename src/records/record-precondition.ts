import type { Precondition } from '../http/precondition.js';
import type { Entity } from '../model/entity.js';
import { Problem } from '../platform/problem.js';

/** If-Match against the record that is there. @param revision null: there is none. @throws Problem record/precondition-failed */
export function assertMatches(precondition: Precondition, revision: string | null): void {
  if (precondition === 'none') return;
  if (revision === null) throw new Problem('record/precondition-failed', 'There is no record that If-Match could speak of.');
  if (precondition === 'any' || precondition.includes(revision)) return;
  throw new Problem('record/precondition-failed', 'Somebody changed the record meanwhile. Read it again and repeat your change.');
}

/** @throws Problem record/precondition-required where the entity's writes must send If-Match */
export function assertPreconditioned(entity: Entity, precondition: Precondition, hint: string): void {
  if (precondition === 'none' && entity.concurrency === 'required') throw new Problem('record/precondition-required', hint);
}
