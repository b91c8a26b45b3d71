/** Lists of names: `columns=sku,"odd.name"`, `on_conflict=sku,site` (PostgREST). Used by writes. */

import { Scanner } from './scanner.js';

/** @throws Problem request/invalid-query when a name stands there twice, or when it is no list of names. */
export function parseNames(parameter: string, text: string): readonly string[] {
  const scanner = new Scanner(parameter, text);
  const names = new Set<string>();
  do {
    const start = scanner.at;
    const name = scanner.name();
    if (names.has(name)) scanner.fail('a name is given twice.', start);
    names.add(name);
  } while (scanner.take(','));
  if (!scanner.done)
    scanner.fail('a comma or the end is expected here; a name that holds any of . , ( ) : ! is written in double quotes.');
  return [...names];
}
