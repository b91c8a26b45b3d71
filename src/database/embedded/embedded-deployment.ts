import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { bootstrap } from '../bootstrap.js';
import type { ContextKeys } from '../control-plane.js';
import { startEmbeddedServer } from './embedded-server.js';

/**
 * Everything production gets by settings, for the one-command start: the embedded server, a database, the two logins and
 * the keys, with random secrets kept in `service-secrets.json` (mode 0600) of the data directory.
 */

const DATABASE = 'business_store';

export interface Deployment {
  readonly runtimeUrl: string;
  readonly controlUrl: string;
  readonly contextKeys: ContextKeys;
  /** 32 bytes, for API keys. */
  readonly apiKeyPepper: Buffer;
  /** 32 bytes, for the secrets of webhooks. */
  readonly webhookKey: Buffer;
  stop(): Promise<void>;
}

export async function startEmbeddedDeployment(dataDir: string, onLog: (line: string) => void): Promise<Deployment> {
  const server = await startEmbeddedServer({ dataDir, onLog });
  try {
    await ensureDatabase(server.adminUrl);
    const secrets = await ensureSecrets(join(dataDir, 'service-secrets.json'));
    const urls = {
      runtimeUrl: login(server.adminUrl, 'bss_app_00', secrets.runtimePassword),
      controlUrl: login(server.adminUrl, 'bss_migrator', secrets.controlPassword),
    };
    await bootstrap(inDatabase(server.adminUrl), urls);
    const contextKeys = [{ kid: 'embedded', secret: Buffer.from(secrets.contextKey, 'base64') }] as const;
    const apiKeyPepper = Buffer.from(secrets.apiKeyPepper, 'base64');
    const webhookKey = Buffer.from(secrets.webhookKey, 'base64');
    return { ...urls, contextKeys, apiKeyPepper, webhookKey, stop: () => server.stop() };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function ensureDatabase(adminUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`create database ${DATABASE}`);
  } finally {
    await client.end();
  }
}

interface Secrets {
  runtimePassword: string;
  controlPassword: string;
  contextKey: string;
  apiKeyPepper: string;
  webhookKey: string;
}

async function ensureSecrets(file: string): Promise<Secrets> {
  const secret = () => randomBytes(32).toString('base64');
  const fresh: Secrets = {
    ...{ runtimePassword: secret(), controlPassword: secret(), contextKey: secret(), apiKeyPepper: secret() },
    webhookKey: secret(),
  };
  // Written aside and renamed: a crash leaves no half of it. The data directory's lock keeps others out meanwhile.
  const known = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return null;
  });
  const kept = known === null ? {} : (JSON.parse(known) as Partial<Secrets>);
  const secrets = { ...fresh, ...kept };
  // A directory of an earlier version lacks what came later.
  if (Object.keys(fresh).every((name) => Object.hasOwn(kept, name))) return secrets;
  await writeFile(`${file}.new`, JSON.stringify(secrets), { mode: 0o600 });
  await rename(`${file}.new`, file);
  return secrets;
}

function inDatabase(url: string): string {
  const target = new URL(url);
  target.pathname = `/${DATABASE}`;
  return target.href;
}

function login(adminUrl: string, user: string, password: string): string {
  const target = new URL(inDatabase(adminUrl));
  target.username = user;
  target.password = encodeURIComponent(password);
  return target.href;
}
