import { isJsonObject, type JsonValue } from '../../platform/json-value.js';
import { isAnnotation } from './annotations.js';

/** What the references of a document mean for its change: a `$ref` can turn any part of it into a schema. */
export interface References {
  /** Some reference may lead to the root, so that its properties also describe nested values. */
  readonly mayReachRoot: boolean;
  /** Some reference may lead into an annotation: `examples` holds schemas then, and `deprecated: true` is one. */
  readonly mayReachAnnotation: boolean;
}

/** Conservative: every `$ref`-like member counts, wherever it stands, and what cannot be read may lead anywhere. */
export function references(document: JsonValue): References {
  const found = [...referencesIn(document)].map(tokensOf);
  return {
    mayReachRoot: found.some((tokens) => !tokens || tokens.length < 2 || !isMapOfSchemas(tokens[0])),
    mayReachAnnotation: found.some((tokens) => !tokens || tokens.some(isAnnotation)),
  };
}

function isMapOfSchemas(token: string | undefined): boolean {
  return token === '$defs' || token === 'properties';
}

function* referencesIn(value: JsonValue): Generator<JsonValue> {
  if (Array.isArray(value)) {
    for (const element of value) yield* referencesIn(element);
  } else if (isJsonObject(value)) {
    for (const [name, inner] of Object.entries(value)) {
      if (/^\$(ref|dynamicRef|recursiveRef)$/.test(name)) yield inner;
      yield* referencesIn(inner);
    }
  }
}

/** The tokens of a `#/...` reference; undefined for every other kind (anchors, absolute URIs, malformed ones). */
function tokensOf(reference: JsonValue): readonly string[] | undefined {
  if (typeof reference !== 'string') return undefined;
  if (reference === '#') return [];
  if (!reference.startsWith('#/')) return undefined;
  try {
    return reference
      .slice(2)
      .split('/')
      .map((token) => decodeURIComponent(token).replaceAll('~1', '/').replaceAll('~0', '~'));
  } catch {
    return undefined;
  }
}
