import type { Change, ChangeKind } from '../../change/change.js';
import type { Operation } from '../operation.js';
import { isNoRule } from '../rules-needed.js';

/** What only the document says: texts, defaults, whether writes must send If-Match. No row and no statement is involved. */
export function changeWords(change: Change): Operation {
  const loosens = RULES.has(change.kind) && !isNoRule(change);
  return {
    kind: change.kind === 'default-changed' ? 'change-default' : 'change-words',
    pointer: change.pointer,
    ...(change.property === undefined ? {} : { property: change.property }),
    risk: loosens
      ? { level: 'none', reversible: 'partly', reason: 'records stored meanwhile may break the rules that come back' }
      : { level: 'none', reversible: 'yes' },
    describe: () => change.message,
    validate: () => [],
    sql: () => [],
    inverse: { kind: loosens ? 'change-rules' : 'change-words', change },
  };
}

/** What restricts values. When such a change is one of words, there is less of it than before. */
const RULES: ReadonlySet<ChangeKind> = new Set<ChangeKind>(['checks-changed', 'validation-changed', 'schema-changed']);
