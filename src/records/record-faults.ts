import { type Fault, Problem } from '../platform/problem.js';

/** Most faults one answer lists. */
export const LISTED_FAULTS = 100;

/** The faults of one record among several. */
export function prefixed(at: string, faults: readonly Fault[]): readonly Fault[] {
  return at === '' ? faults : faults.map((fault) => ({ ...fault, pointer: at + fault.pointer }));
}

/** @param which names the record when the body does not. @throws Problem record/invalid */
export function assertValid(faults: readonly Fault[], which = ''): void {
  if (faults.length === 0) return;
  const shown = faults.slice(0, LISTED_FAULTS);
  const more = faults.length > shown.length ? ` The first ${shown.length} are listed.` : '';
  const said = `Nothing was stored. See errors for each place and rule.`;
  throw new Problem('record/invalid', `${which}${said}${more}`, { errors: shown });
}
