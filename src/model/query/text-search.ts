/** The text search configurations that every Postgres has. */
export const TEXT_SEARCH_CONFIGURATIONS: readonly string[] = [
  ...['simple', 'arabic', 'armenian', 'basque', 'catalan', 'danish', 'dutch', 'english', 'finnish', 'french', 'german', 'greek'],
  ...['hindi', 'hungarian', 'indonesian', 'irish', 'italian', 'lithuanian', 'nepali', 'norwegian', 'portuguese', 'romanian'],
  ...['russian', 'serbian', 'spanish', 'swedish', 'tamil', 'turkish', 'yiddish'],
];

export function isTextSearchConfiguration(name: string): boolean {
  return TEXT_SEARCH_CONFIGURATIONS.includes(name);
}
