import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

/** The document in a file, or on standard input for `-`; and the entity it is about: by default the file is named after it. */
export function readDocumentFile(path: string, entity?: string): { readonly entity: string; readonly document: unknown } {
  const text = readFileSync(path === '-' ? 0 : path, 'utf8');
  const name = entity ?? (path === '-' ? undefined : basename(path, '.json'));
  if (name === undefined) throw new Error('name the entity with --entity: standard input has no name');
  try {
    return { entity: name, document: JSON.parse(text) };
  } catch (error) {
    throw new Error(`${path} is not JSON: ${(error as Error).message}`, { cause: error });
  }
}
