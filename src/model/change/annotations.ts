/** The keywords of a schema that only tell something to a reader (JSON Schema 2020-12, Meta-Data vocabulary). */
const ANNOTATIONS: ReadonlySet<string> = new Set(['title', 'description', 'examples', '$comment', 'deprecated']);

export function isAnnotation(keyword: string): boolean {
  return ANNOTATIONS.has(keyword);
}
