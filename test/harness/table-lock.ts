import pg from 'pg';
import type { TestDatabase } from './database.js';

/** Locks a tenant's table, so that every statement on it takes as long as it may; what is returned lets go. */
export async function lockTable(database: TestDatabase, schema: string, table: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: database.adminUrl });
  await client.connect();
  await client.query('begin');
  await client.query(`lock table "${schema}"."${table}" in access exclusive mode`);
  return () => client.end();
}
