import type { Change } from '../../change/change.js';
import { qualified } from '../../ddl/table-ref.js';
import { ownRows } from '../../own-rows.js';
import { quoteIdent } from '../../sql.js';
import { assertEmpty, assertNone } from '../object-steps.js';
import type { Operation, Probe } from '../operation.js';
import { formerProperty, type Transition } from '../transition.js';

/**
 * Whom records are about. What is encrypted stays under the keys of whom it was about when it was written: to forget somebody would not
 * reach it, and would be attested all the same. So nothing encrypted may be there that stays so, in records or in what is kept of them.
 */
export function changeSubject(t: Transition, change: Change): Operation {
  const cells = cellsThatStay(t);
  const past = cells.length === 0 ? [] : t.past;
  return {
    kind: 'change-subject',
    pointer: change.pointer,
    risk: { level: cells.length === 0 ? 'none' : 'restrictive', reversible: 'yes' },
    describe: () => change.message,
    validate: () => [...cells.map(({ probe }) => probe), ...past.map((table) => keptProbe(t, table))],
    // Also with the lock in hand: nothing keeps a value from being stored, or kept, since the rows were asked.
    sql: () => [...cells.map(({ failing }) => assertNone(t, failing)), ...past.map((table) => assertEmpty(t, table))],
    inverse: { kind: 'change-subject', change },
  };
}

const WAY_OUT =
  'decrypt what is encrypted, change "subject" then, and encrypt again when that is done; purge first what is kept of the past';

/** Also of what is dropped, which may be restored: unless nobody is the subject then, since who was stays in the cell. */
function cellsThatStay(t: Transition): { readonly failing: string; readonly probe: Probe }[] {
  const isAnother = t.after.subject !== undefined;
  const present = t.before.properties.flatMap((was) => {
    const is = t.after.properties.find((property) => formerProperty(t, property) === was);
    if (!was.encrypted || !(is ? is.encrypted : isAnother)) return [];
    return [{ column: was.column, holds: `a record holds a ${JSON.stringify(was.name)}`, wayOut: WAY_OUT }];
  });
  const dropped = (isAnother ? t.hiddenCells : []).map((column) => ({
    column,
    holds: 'a record holds what may be restored of an encrypted property that was dropped',
    wayOut: 'restore and decrypt that property, or purge it',
  }));
  return [...present, ...dropped].map(({ column, holds, wayOut }) => {
    const failing = `${quoteIdent(column)} is not null`;
    const message = `${holds}, which is under a key of whom it was about when it was written`;
    return { failing, probe: { failing, message, wayOut } };
  });
}

function keptProbe({ home }: Transition, table: string): Probe {
  return {
    query: `select id\nfrom ${qualified(home, table)}\nwhere ${ownRows(home)}`,
    message: 'a former version or a deleted record is kept, and what it holds is under keys of whom it was about then',
    wayOut: 'purge what is kept of the past, and change "subject" while nobody changes or deletes a record',
  };
}
