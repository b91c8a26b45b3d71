/**
 * The Prefer header (RFC 7240). Preferences are wishes: what is unknown, malformed or does not apply is ignored, what
 * was followed is reported in Preference-Applied. Used by the records controller.
 */

import type { Count } from './ast.js';

export interface Preferences {
  readonly return?: 'minimal' | 'representation' | 'headers-only';
  readonly count?: Count;
  /** The value of Preference-Applied; absent when nothing was understood. */
  readonly applied?: string;
}

const UNDERSTOOD = {
  return: ['minimal', 'representation', 'headers-only'],
  count: ['exact', 'planned', 'estimated'],
} as const satisfies { readonly [name in keyof Preferences]?: readonly string[] };

type PreferenceName = keyof typeof UNDERSTOOD;

/** One element of the list. A comma in quotes does not end it; a quotation never closed takes all that follows. */
const ELEMENT = /(?:"(?:[^"\\]|\\[\s\S])*"?|[^",])+/g;

/** `applicable`: what the route follows; other preferences count as unknown there. */
export function readPrefer(header: string | undefined, applicable: readonly PreferenceName[] = ['return', 'count']): Preferences {
  const found = preferencesOf(header);
  const followed = applicable.filter((name) => (UNDERSTOOD[name] as readonly string[]).includes(found.get(name) ?? ''));
  if (followed.length === 0) return {};
  const entries = followed.map((name) => [name, found.get(name)!] as const);
  return { ...Object.fromEntries(entries), applied: entries.map(([name, value]) => `${name}=${value}`).join(', ') };
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
