import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import type { TestDatabase } from './database.js';

/** All that a Postgres keeps: the rows of every table, catalogs and statistics among them, and the files of its data directory. */

/** Parts of a file that are looked at at a time, each with the end of the one before. */
const PART_BYTES = 16 * 1024 * 1024;
const OVERLAP_BYTES = 1024;

export interface Stored {
  readonly place: string;
  readonly bytes: Buffer;
}

/** Every row of every relation, as text. As superuser, whom no policy keeps from anything. */
export async function* storedRows(database: TestDatabase): AsyncGenerator<{ place: string; text: string }> {
  const client = new pg.Client({ connectionString: database.adminUrl });
  await client.connect();
  try {
    const { rows: relations } = await client.query(`
      select format('%I.%I', n.nspname, c.relname) as name, c.relkind as kind
      from pg_class as c
      join pg_namespace as n on n.oid = c.relnamespace
      where c.relkind in ('r', 'm', 't')
        and n.nspname !~ '^pg_temp'
      order by 1`);
    for (const { name, kind } of relations) {
      const row = kind === 't' ? "encode(t.chunk_data, 'hex')" : 't::text';
      const { rows } = await client.query(`select ${row} as row from ${name} as t`);
      yield { place: name, text: rows.map(({ row }) => row).join('\n') };
    }
  } finally {
    await client.end();
  }
}

/** Parts of every file below a folder that was written to since then: `Date.now()` of that moment. */
export async function* storedBytes(folder: string, since: number, isLeftOut: (path: string) => boolean): AsyncGenerator<Stored> {
  for (const { name } of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, name);
    if (isLeftOut(path)) continue;
    // Links are followed: the cluster may be one. What is gone meanwhile was temporary.
    const found = await stat(path).catch(() => null);
    if (found?.isDirectory()) yield* storedBytes(path, since, isLeftOut);
    else if (found?.isFile() && found.mtimeMs >= since) yield* parts(path, found.size);
  }
}

async function* parts(path: string, size: number): AsyncGenerator<Stored> {
  let before = Buffer.alloc(0);
  try {
    for await (const part of createReadStream(path, { highWaterMark: Math.min(PART_BYTES, size + 1) })) {
      const bytes = Buffer.concat([before, part as Buffer]);
      yield { place: path, bytes };
      before = Buffer.from(bytes.subarray(-OVERLAP_BYTES));
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
