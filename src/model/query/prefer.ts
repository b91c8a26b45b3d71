/**
 * The Prefer header (RFC 7240), with PostgREST's preferences. Preferences are wishes: what is unknown, malformed or does not apply is
 * ignored, unless `handling=strict` says that it must not be; what was followed is reported in Preference-Applied.
 */

import { Problem } from '../../platform/problem.js';
import type { Count } from './ast.js';
import { quoteName } from './invalid-query.js';

export interface Preferences {
  readonly return?: 'minimal' | 'representation' | 'headers-only';
  readonly count?: Count;
  /** What becomes of a record whose key is taken. */
  readonly resolution?: 'merge-duplicates' | 'ignore-duplicates';
  /** `default`: members that are named and not sent get their default. */
  readonly missing?: 'default';
  /** `rollback`: everything is done and answered, and nothing is kept. */
  readonly tx?: 'commit' | 'rollback';
  readonly handling?: 'strict' | 'lenient';
  /** Most records a filter may change; counts only with `handling=strict`. */
  readonly 'max-affected'?: number;
  /** The value of Preference-Applied; absent when nothing was understood. */
  readonly applied?: string;
}

const UNDERSTOOD = {
  return: /^(?:minimal|representation|headers-only)$/,
  count: /^(?:exact|planned|estimated)$/,
  resolution: /^(?:merge|ignore)-duplicates$/,
  missing: /^default$/,
  tx: /^(?:commit|rollback)$/,
  handling: /^(?:strict|lenient)$/,
  'max-affected': /^\d{1,9}$/,
} as const satisfies { readonly [name in Exclude<keyof Preferences, 'applied'>]: RegExp };

type PreferenceName = keyof typeof UNDERSTOOD;

/** Those of requests that wait (`readWait`); in strict handling they are no strangers anywhere. */
const OF_WAITING: Readonly<Record<string, RegExp>> = { wait: /^\d{1,4}$/, 'respond-async': /^$/ };

/** One element of the list. A comma in quotes does not end it; a quotation never closed takes all that follows. */
const ELEMENT = /(?:"(?:[^"\\]|\\[\s\S])*"?|[^",])+/g;

/**
 * `applicable`: what the route follows; other preferences have no effect there.
 * @throws Problem request/invalid-header when handling is strict and a preference is not known at all
 */
export function readPrefer(header: string | undefined, applicable: readonly PreferenceName[] = ['return', 'count']): Preferences {
  const found = preferencesOf(header);
  const isStrict = found.get('handling') === 'strict';
  if (isStrict) refuseUnknown(found);
  const followed = applicable.filter((name) => {
    const value = found.get(name);
    return value !== undefined && UNDERSTOOD[name].test(value) && (name !== 'max-affected' || isStrict);
  });
  if (followed.length === 0) return {};
  const entries = followed.map((name) => [name, name === 'max-affected' ? Number(found.get(name)) : found.get(name)!] as const);
  return { ...Object.fromEntries(entries), applied: entries.map(([name, value]) => `${name}=${value}`).join(', ') };
}

function refuseUnknown(found: ReadonlyMap<string, string>): void {
  const known: Readonly<Record<string, RegExp>> = { ...UNDERSTOOD, ...OF_WAITING };
  const unknown = [...found].flatMap(([name, value]) =>
    name === '' || (Object.hasOwn(known, name) && known[name]?.test(value)) ? [] : [value === '' ? name : `${name}=${value}`],
  );
  if (unknown.length === 0) return;
  throw new Problem(
    'request/invalid-header',
    `Prefer says handling=strict, and ${unknown.map(quoteName).join(', ')} is no preference of this service. It knows ${Object.keys(known).join(', ')}.`,
    { header: 'Prefer' },
  );
}

export function appliedHeader({ applied }: Preferences): Record<string, string> {
  return applied ? { 'preference-applied': applied } : {};
}

/** §4.1 and §4.3: how long the client waits for an answer that says it is done, in seconds; undefined when it does not say. */
export function readWait(header: string | undefined): number | undefined {
  const found = preferencesOf(header);
  const wait = found.get('wait') ?? '';
  if (/^\d{1,4}$/.test(wait)) return Number(wait);
  return found.has('respond-async') ? 0 : undefined;
}

function preferencesOf(header: string | undefined): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [element] of header?.matchAll(ELEMENT) ?? []) {
    const { name, value } = preference(element);
    // §2: of a preference given twice the first counts.
    if (!found.has(name)) found.set(name, value);
  }
  return found;
}

/** §2: `name [= value] [; parameters]`, the value a token or in quotes, the name in any case. Parameters mean nothing here. */
function preference(element: string): { name: string; value: string } {
  const [wish = ''] = element.split(';', 1);
  const [name = '', value = ''] = wish.split('=', 2).map((part) => part.trim());
  return { name: name.toLowerCase(), value: value.replace(/^"(.*)"$/s, '$1') };
}
