import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { DataSource, MigrationInterface, QueryRunner } from 'typeorm';
import { packageRoot } from '../platform/package-root.js';

/**
 * The control plane's migrations: the numbered files of `migrations/`, immutable once released, run by TypeORM as
 * `bss_owner`, each in its own transaction. TypeORM takes no lock of its own (three replicas at once: two die), hence
 * the advisory lock on a separate connection.
 */

const MIGRATION_LOCK = 0x6273_736d;

/** TypeORM orders migrations by the 13 digits their class name ends with. */
const NUMBER_BASE = 1_700_000_000_000;

type MigrationClass = new () => MigrationInterface;

export function listMigrations(): MigrationClass[] {
  const folder = join(packageRoot(), 'migrations');
  return readdirSync(folder)
    .filter((file) => /^\d{4}_.+\.sql$/.test(file) && file !== '0000_bootstrap.sql')
    .sort()
    .map((file) => migrationClass(file, readFileSync(join(folder, file), 'utf8')));
}

/** Runs what is pending; returns the names. Safe for any number of replicas at once. */
export async function migrate(dataSource: DataSource, controlUrl: string): Promise<string[]> {
  const lock = new pg.Client({ connectionString: controlUrl, application_name: 'bss-migrate' });
  await lock.connect();
  try {
    await lock.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    const done = await dataSource.runMigrations({ transaction: 'each' });
    return done.map((migration) => migration.name);
  } finally {
    await lock.end();
  }
}

function migrationClass(file: string, sql: string): MigrationClass {
  const [, number = '', title = ''] = /^(\d{4})_(.+)\.sql$/.exec(file) ?? [];
  return class implements MigrationInterface {
    readonly name = `${title}${NUMBER_BASE + Number(number)}`;

    async up(runner: QueryRunner): Promise<void> {
      await runner.query('set local role bss_owner');
      await runner.query(sql);
      // TypeORM notes the migration as done in the same transaction, in its own table.
      await runner.query('set local role none');
    }

    async down(): Promise<void> {
      throw new Error('migrations are never undone: write the next one');
    }
  };
}
