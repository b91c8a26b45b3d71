/** Where a `$ref` of an entity document leads: `#`, or `#/…` as a percent-encoded pointer (RFC 6901 §6). The dialect knows no others. */
import type { JsonObject, JsonValue } from '../platform/json-value.js';

export interface LocalTarget {
  /** The reference tokens of the place; none for the document itself. */
  readonly tokens: readonly string[];
  readonly schema: JsonValue;
}

/** Undefined when there is no such place: defining the entity has refused that already. */
export function localTarget(document: JsonObject, reference: JsonValue): LocalTarget | undefined {
  const tokens = tokensOf(String(reference));
  const schema = tokens?.reduce<JsonValue | undefined>(step, document);
  return tokens === undefined || schema === undefined ? undefined : { tokens, schema };
}

function tokensOf(reference: string): readonly string[] | undefined {
  if (reference === '#') return [];
  if (!reference.startsWith('#/')) return undefined;
  try {
    const tokens = decodeURIComponent(reference.slice(2)).split('/');
    return tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  } catch {
    return undefined;
  }
}

function step(value: JsonValue | undefined, token: string): JsonValue | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, token)) return undefined;
  return (value as JsonObject)[token];
}
