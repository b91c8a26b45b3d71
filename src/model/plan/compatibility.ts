import type { Change, ChangeKind } from '../change/change.js';

/**
 * What a new version means to the clients of the old one, in the terms of schema registries: `backward` when what was valid
 * stays valid, so that old writers go on; `forward` when what is valid now was valid before, so that old readers go on; `full`
 * when both hold, `breaking` when neither does.
 */
export interface Compatibility {
  readonly level: 'full' | 'backward' | 'forward' | 'breaking';
  readonly reasons: readonly {
    readonly pointer: string;
    readonly message: string;
    readonly breaks: 'writers' | 'readers' | 'both';
  }[];
}

export function compatibilityOf(changes: readonly Change[]): Compatibility {
  const reasons = changes.flatMap(({ kind, pointer, message, additive }) => {
    const breaks = additive && kind !== 'property-added' ? undefined : BREAKS[kind];
    return breaks ? [{ pointer, message, breaks }] : [];
  });
  const breaksWriters = reasons.some(({ breaks }) => breaks !== 'readers');
  const breaksReaders = reasons.some(({ breaks }) => breaks !== 'writers');
  if (!breaksWriters && !breaksReaders) return { level: 'full', reasons };
  if (!breaksWriters) return { level: 'backward', reasons };
  return { level: breaksReaders ? 'breaking' : 'forward', reasons };
}

/** Where a kind alone does not say whether it loosens or tightens, it counts as both. */
const BREAKS: Partial<Record<ChangeKind, 'writers' | 'readers' | 'both'>> = {
  'entity-renamed': 'both',
  'property-added': 'readers',
  'property-removed': 'both',
  'property-renamed': 'both',
  'type-changed': 'both',
  'nullable-on': 'readers',
  'nullable-off': 'writers',
  'required-on': 'writers',
  'required-off': 'readers',
  'checks-changed': 'both',
  'unique-added': 'writers',
  'relation-added': 'writers',
  'relation-changed': 'both',
  'extras-changed': 'both',
  'concurrency-changed': 'writers',
  'validation-changed': 'both',
  'schema-changed': 'both',
};
