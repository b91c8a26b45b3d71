import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A file of mode 0600 that holds one JSON value which several processes agree on, whichever of them makes it. */

/**
 * What the file holds; the first call makes it, and its folder (mode 0700) if need be. Several processes may call this at once: all get
 * the same. @throws SyntaxError when it holds no JSON
 */
export async function readOrCreate<T>(file: string, make: () => Promise<T>): Promise<T> {
  return (await read<T>(file)) ?? (await create(file, await make()));
}

async function read<T>(file: string): Promise<T | null> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** A hard link appears whole or not at all and never replaces a file, so the first of several processes wins. */
async function create<T>(file: string, value: T): Promise<T> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomUUID()}`;
  try {
    const handle = await open(draft, 'wx', 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(value)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await link(draft, file);
    return value;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return (await read<T>(file)) as T;
  } finally {
    await rm(draft, { force: true });
  }
}
