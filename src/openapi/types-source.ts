/**
 * The entities of a tenant as TypeScript source: the type `Database` that supabase-js and postgrest-js take, and the helper
 * types that go with it. Pure; served at `…/tenants/{tenantId}/types.ts`. Equal entities give equal text, whoever asks.
 */
import type { Entity } from '../model/entity.js';
import { inverseFunctions } from './inverse-functions.js';
import { Definitions } from './schema-type.js';
import { commentOn, tableType } from './table-types.js';
import { block, member, NOTHING } from './typescript-text.js';

/** The PostgREST whose behaviour `/rest/v1` has, by which the client decides what compiles. */
const POSTGREST_VERSION = '13';

const JSON_TYPE = 'export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[];';

const HELPERS = [
  ['Tables', 'Row', 'A record of the entity as it is read.'],
  ['TablesInsert', 'Insert', 'A record of the entity as an insert takes it.'],
  ['TablesUpdate', 'Update', 'What an update of the entity takes.'],
].map(([name, shape, about]) => {
  // By inference, since a tenant without entities has nothing to be indexed.
  const type = `Database["public"]["Tables"][Name] extends { ${shape}: infer ${shape} } ? ${shape} : never`;
  return `/** ${about} */\nexport type ${name}<Name extends keyof Database["public"]["Tables"]> = ${type};`;
});

/** Declarations only; it compiles to nothing. */
export function typesSource(entities: readonly Entity[]): string {
  const sorted = [...entities].sort((a, b) => (a.name < b.name ? -1 : 1));
  const byName = new Map(sorted.map((entity) => [entity.name, entity]));
  const definitions = new Definitions();
  const tables = sorted.map((entity) => {
    return member(entity.name, tableType(entity, byName, definitions), { comment: commentOn(entity.document) });
  });
  const schema = block([
    member('Tables', block(tables)),
    member('Views', NOTHING),
    member('Functions', block(inverseFunctions(sorted, byName))),
    member('Enums', NOTHING),
    member('CompositeTypes', NOTHING),
  ]);
  const internal = `{ PostgrestVersion: "${POSTGREST_VERSION}" }`;
  const database = block([member('__InternalSupabase', internal), member('public', schema)]);
  const defined = definitions.members();
  return `${[
    '/* Generated from the entity documents of the tenant. Changes made here are lost when it is generated again. */',
    JSON_TYPE,
    `export type Database = ${database};`,
    ...(defined.length === 0
      ? []
      : [`/** What the documents define once and refer to. */\nexport type Definitions = ${block(defined)};`]),
    ...HELPERS,
  ].join('\n\n')}\n`;
}
