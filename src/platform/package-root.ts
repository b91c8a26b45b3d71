import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

let found: string | null = null;

/** The folder of package.json, from sources and from `dist` alike: migrations and schemas are read relative to it. */
export function packageRoot(): string {
  if (found) return found;
  let folder = __dirname;
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('package.json was not found above the running code');
    folder = parent;
  }
  found = folder;
  return folder;
}
