import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { quoteIdent, quoteLiteral } from '../model/sql.js';
import { packageRoot } from '../platform/package-root.js';

/**
 * Lays down the cluster's law (migrations/0000_bootstrap.sql) as an administrator and gives the two logins the passwords
 * found in their URLs. Idempotent. The administrator's URL is used here and nowhere else.
 */

const BOOTSTRAP_LOCK = 0x6273_7362;
const ATTEMPTS = 50;

/**
 * Advisory locks end at the database, roles are the cluster's: two databases bootstrapped at once meet on the same
 * pg_authid rows, and the slower one fails with XX000 "tuple concurrently updated". It starts over.
 */
export async function bootstrap(adminUrl: string, logins: { runtimeUrl: string; controlUrl: string }): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await layDown(adminUrl, logins);
    } catch (error) {
      if ((error as { code?: string }).code !== 'XX000' || attempt === ATTEMPTS) throw error;
      await wait(20 + Math.random() * 80);
    }
  }
}

async function layDown(adminUrl: string, logins: { runtimeUrl: string; controlUrl: string }): Promise<void> {
  const sql = await readFile(join(packageRoot(), 'migrations', '0000_bootstrap.sql'), 'utf8');
  const client = new pg.Client({ connectionString: adminUrl, application_name: 'bss-bootstrap' });
  await client.connect();
  try {
    await client.query('begin');
    await client.query('select pg_advisory_xact_lock($1)', [BOOTSTRAP_LOCK]);
    await client.query(sql);
    for (const [url, expected] of [
      [logins.runtimeUrl, 'bss_app_00'],
      [logins.controlUrl, 'bss_migrator'],
    ] as const) {
      const { user, password } = credentialsOf(url);
      if (user !== expected) throw new Error(`the URL must log in as ${expected}, not as ${user}`);
      await client.query(`alter role ${quoteIdent(user)} password ${quoteLiteral(scramVerifier(password))}`);
    }
    await client.query('commit');
  } finally {
    await client.end();
  }
}

export function credentialsOf(url: string): { user: string; password: string } {
  const { username, password } = new URL(url);
  return { user: decodeURIComponent(username), password: decodeURIComponent(password) };
}

/** The SCRAM-SHA-256 verifier (RFC 5803 as Postgres stores it), so that no password stands in SQL text or server logs. */
function scramVerifier(password: string): string {
  const iterations = 4096;
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password.normalize('NFKC'), salt, iterations, 32, 'sha256');
  const stored = createHash('sha256').update(hmac(salted, 'Client Key')).digest('base64');
  const server = hmac(salted, 'Server Key').toString('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${stored}:${server}`;
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
