/**
 * Entity names may be any Unicode; OpenAPI component names and operationIds may not. This gives every entity of a
 * tenant an identifier that generated client code can use and that stays the same from one document to the next.
 */
import { createHash } from 'node:crypto';

const LONGEST = 60;

/**
 * Entity name → identifier of `[A-Za-z0-9_]`, never starting with a lower-case letter, unique in the given set.
 * `Album` stays `Album`, `order_items` becomes `OrderItems`; a name that loses something on the way (`Größe`, `日本`),
 * or whose identifier is another entity's, carries six digits of its SHA-256.
 */
export function identifiersOf(names: readonly string[]): ReadonlyMap<string, string> {
  const claims = new Map<string, number>();
  for (const name of names) claims.set(pascalCase(name), (claims.get(pascalCase(name)) ?? 0) + 1);
  return new Map(
    names.map((name) => {
      const plain = pascalCase(name);
      const faithful = /^[A-Za-z0-9]+([ _-][A-Za-z0-9]+)*$/.test(name) && name.length <= LONGEST;
      const alone = plain === name || claims.get(plain) === 1;
      return [name, faithful && alone ? plain : `${plain || 'Entity'}_${shortHash(name)}`];
    }),
  );
}

/** The component name for a place inside an entity's document, e.g. `Album.defs.Node` for `/$defs/Node`. */
export function placeName(identifier: string, tokens: readonly string[]): string {
  if (tokens.length === 0) return `${identifier}.Document`;
  const [keyword = '', ...rest] = tokens;
  const readable = [keyword === '$defs' ? 'defs' : keyword, ...rest.map((token) => token.replace(/[^A-Za-z0-9_-]+/g, '_'))].join(
    '.',
  );
  // A lower-case keyword first keeps clear of `Input`, `Patch` and `Document`; `defs` is spoken for.
  const faithful = /^(\$defs|(?!defs$)[a-z][A-Za-z]*)$/.test(keyword) && rest.every((token) => /^[A-Za-z0-9_-]+$/.test(token));
  if (faithful && readable.length <= LONGEST) return `${identifier}.${readable}`;
  return `${identifier}.${readable.replace(/[^A-Za-z0-9._-]+/g, '_').slice(0, LONGEST)}_${shortHash(tokens.join('\u0000'))}`;
}

function pascalCase(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('')
    .slice(0, LONGEST);
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 6);
}
