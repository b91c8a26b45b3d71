import { type Fault, Problem } from '../platform/problem.js';

/** Most faults one answer lists. */
export const LISTED_FAULTS = 100;

/** The faults of one record among several. */
export function prefixed(at: string, faults: readonly Fault[]): readonly Fault[] {
  return at === '' ? faults : faults.map((fault) => ({ ...fault, pointer: at + fault.pointer }));
}

/** @param which names the record when the body does not. @throws Problem record/invalid; record/field-forbidden where one of them is of access */
export function assertValid(faults: readonly Fault[], which = ''): void {
  if (faults.length === 0) return;
  const denied = faults.filter(({ rule }) => rule === 'access');
  if (denied.length > 0) {
    throw new Problem(
      'record/field-forbidden',
      `${which}Nothing was stored: your roles may not write every member that was sent.`,
      {
        errors: denied.slice(0, LISTED_FAULTS),
      },
    );
  }
  const shown = faults.slice(0, LISTED_FAULTS);
  const more = faults.length > shown.length ? ` The first ${shown.length} are listed.` : '';
  const said = `Nothing was stored. See errors for each place and rule.`;
  throw new Problem('record/invalid', `${which}${said}${more}`, { errors: shown });
}
