/** `select=id,Title,name:Title,*` (PostgREST's horizontal filtering). Used by `parse-list-query.ts`. */

import type { Entity } from '../entity.js';
import type { Field, SelectTerm } from './ast.js';
import { fieldOf, isKnownName } from './fields.js';
import { quoteName } from './invalid-query.js';
import { MAX_SELECT_TERMS } from './query-limits.js';
import { Scanner } from './scanner.js';

const ALL: SelectTerm = { kind: 'all' };

/** Every member of the answer has one meaning: what `*` already covers and plain repetitions are dropped, clashes refused. */
export function parseSelect(entity: Entity, value: string | undefined): readonly SelectTerm[] {
  if (value === undefined || value === '*') return [ALL];
  const scanner = new Scanner('select', value);
  const members = new Map<string, { field: Field; start: number }>();
  let all = false;
  let terms = 0;
  do {
    if (++terms > MAX_SELECT_TERMS) scanner.fail(`select takes ${MAX_SELECT_TERMS} terms at most.`);
    scanner.skipSpaces();
    const start = scanner.at;
    if (scanner.take('*')) {
      all = true;
    } else {
      const { field, as } = parseSelected(entity, scanner);
      const taken = members.get(as);
      if (taken && taken.field !== field)
        scanner.fail(`two terms would both be named ${quoteName(as)}; rename one: other:${field.name}.`, start);
      members.set(as, { field, start });
    }
    scanner.skipSpaces();
  } while (scanner.take(','));
  if (!scanner.done) failOnUnsupported(scanner);
  if (!all) return [...members].map(([as, { field }]) => ({ kind: 'field', field, as }));

  const renamed = [...members].filter(([as, { field }]) => as !== field.name);
  for (const [as, { start }] of renamed) {
    if (isKnownName(entity, as)) scanner.fail(`the name ${quoteName(as)} is taken by a property that * selects.`, start);
  }
  return [ALL, ...renamed.map(([as, { field }]): SelectTerm => ({ kind: 'field', field, as }))];
}

function parseSelected(entity: Entity, scanner: Scanner): { field: Field; as: string } {
  if (scanner.startsWith('..')) failOnUnsupported(scanner);
  let start = scanner.at;
  let name = scanner.name();
  const as = name;
  if (scanner.startsWith(':') && !scanner.startsWith('::')) {
    scanner.take(':');
    start = scanner.at;
    name = scanner.name();
  }
  if (scanner.startsWith('(') || scanner.startsWith('!')) failOnUnsupported(scanner);
  const field = fieldOf(entity, name, (message) => scanner.fail(message, start));
  return { field, as };
}

/** Says of each part of PostgREST's grammar that is not spoken here that it was understood and is missing. */
function failOnUnsupported(scanner: Scanner): never {
  if (scanner.startsWith('::')) scanner.fail('casts are not supported.');
  if (scanner.startsWith('->')) scanner.fail('paths into JSON values are not supported.');
  if (scanner.startsWith('(') || scanner.startsWith('!') || scanner.startsWith('..')) {
    scanner.fail('related entities and aggregates cannot be selected; select takes property names, alias:name and *.');
  }
  if (scanner.startsWith('.'))
    scanner.fail('aggregates are not supported; a property whose name holds a dot is written in double quotes.');
  scanner.fail('a comma or the end is expected here; select takes property names, alias:name and *.');
}
