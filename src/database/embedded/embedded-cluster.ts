import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chown, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Account } from './embedded-account.js';
import { binary, type PostgresBinaries } from './embedded-binaries.js';

/**
 * The files of the embedded server: makes the cluster at the first start, keeps its password and port, and writes its
 * settings at every start. Knows no running process; that is `embedded-postmaster.ts`.
 */

export interface Cluster {
  /** The real path of the Postgres data directory. */
  readonly path: string;
  /** The real path of the service's data directory. */
  readonly dataDir: string;
  readonly logPath: string;
  /** Undefined: the service's own. */
  readonly account: Account | undefined;
  readonly binaries: PostgresBinaries;
  readonly durable: boolean;
}

export interface Credentials {
  readonly password: string;
  readonly port: number;
}

export const SUPERUSER = 'postgres';

/** The credentials of the cluster, which is made when there is none. A new one gets `freePort`. */
export async function prepareCluster(
  cluster: Cluster,
  freePort: () => Promise<number>,
  log: (line: string) => void,
): Promise<Credentials> {
  const version = (await readFile(path.join(cluster.path, 'PG_VERSION'), 'utf8').catch(() => '')).trim();
  const wanted = cluster.binaries.version.split('.')[0];
  if (version !== '' && version !== wanted) {
    throw new Error(
      `The cluster ${cluster.path} was made by Postgres ${version}, but the embedded server is Postgres ${wanted}. ` +
        'Start with another DATA_DIR, or move the data with the pg_dump of a full Postgres installation.',
    );
  }
  const saved = await readCredentials(cluster.dataDir);
  if (saved !== undefined && version !== '') return saved;
  if (saved === undefined && version !== '') {
    throw new Error(
      `The cluster ${cluster.path} exists, but credentials.json with its password is missing from ${cluster.dataDir}. ` +
        'Put the file back, or remove the cluster to start with an empty one.',
    );
  }
  const credentials = saved ?? { password: randomBytes(24).toString('base64url'), port: await freePort() };
  await saveCredentials(cluster.dataDir, credentials);
  await initialise(cluster, credentials.password);
  log(`Made a new cluster in ${cluster.path}`);
  return credentials;
}

async function readCredentials(dataDir: string): Promise<Credentials | undefined> {
  const file = path.join(dataDir, 'credentials.json');
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new Error(
      `${file} cannot be read (${error.code}). It belongs to the user who first started the service with this data directory.`,
    );
  });
  if (text === undefined) return undefined;
  try {
    const { password, port } = JSON.parse(text) as Partial<Credentials>;
    if (typeof password === 'string' && /^[\w-]+$/.test(password) && Number.isInteger(port)) return { password, port: port! };
  } catch {
    // Not JSON: told below.
  }
  throw new Error(
    `${file} is damaged: it must hold {"password": "…", "port": …}. Restore it, or remove ${dataDir} to start empty.`,
  );
}

export async function saveCredentials(dataDir: string, credentials: Credentials): Promise<void> {
  const file = path.join(dataDir, 'credentials.json');
  await writeFile(`${file}.new`, `${JSON.stringify(credentials)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** initdb works aside and the result is renamed into place, so an interrupted first start leaves no half cluster. */
async function initialise(cluster: Cluster, password: string): Promise<void> {
  const draft = `${cluster.path}.new`;
  const passwordFile = `${cluster.path}.password`;
  for (const leftover of [draft, passwordFile]) await rm(leftover, { recursive: true, force: true });
  await mkdir(draft, { recursive: true, mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (cluster.account) for (const item of [draft, passwordFile]) await chown(item, cluster.account.uid, cluster.account.gid);
  try {
    await runInitdb(cluster, draft, passwordFile);
    const settings = path.join(draft, 'postgresql.conf');
    await replaceFile(cluster, settings, `${await readFile(settings, 'utf8')}\ninclude 'business-store.conf'\n`);
    await rename(draft, cluster.path);
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/**
 * Sorting and case are Postgres' own C.UTF-8, the same on every system. Its text search parser still asks the system's
 * LC_CTYPE what a letter is, and under plain C takes every non-ASCII sign for one: “hello” would only be found with its
 * quotes. So the first Unicode ctype that the system knows (Linux, macOS) is used, and C where there is none.
 */
async function runInitdb(cluster: Cluster, target: string, passwordFile: string): Promise<void> {
  let status: number | null = null;
  let errors = '';
  for (const ctype of ['C.UTF-8', 'UTF-8', 'C']) {
    const args = [
      `--pgdata=${target}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      `--lc-ctype=${ctype}`,
      '--no-instructions',
      ...(cluster.durable ? [] : ['--no-sync']),
    ];
    ({ status, errors } = await run(cluster, binary(cluster.binaries, 'initdb'), args));
    if (!errors.includes('invalid locale name')) break;
  }
  if (status !== 0) throw new Error(`initdb could not make the cluster ${cluster.path} (status ${status}): ${lastLines(errors)}`);
}

async function run(cluster: Cluster, file: string, args: string[]): Promise<{ status: number | null; errors: string }> {
  const child = spawn(file, args, { ...spawnOptions(cluster), stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    errors += chunk;
  });
  const [status] = (await once(child, 'close').catch((error: NodeJS.ErrnoException) => {
    throw cannotExecute(file, error);
  })) as [number | null];
  return { status, errors };
}

/** Nothing of our environment: PGDATA, PGOPTIONS, LC_* and the like would change the server. English messages, because we read some. */
export function spawnOptions({ account }: Cluster) {
  const who = account === undefined ? {} : { uid: account.uid, gid: account.gid };
  return { ...who, cwd: '/', detached: true, env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' } };
}

export function cannotExecute(file: string, error: NodeJS.ErrnoException): Error {
  return new Error(
    `${file} cannot be executed (${error.code}). The embedded Postgres needs glibc on Linux (Alpine has none); elsewhere set DATABASE_URL.`,
  );
}

/** Written at every start. Statements and error details are kept out of the log: they hold values of records. */
export async function writeSettings(cluster: Cluster, port: number): Promise<void> {
  const durability = cluster.durable ? 'on' : 'off';
  const file = path.join(cluster.path, 'business-store.conf');
  const settings = `# Written by the service at every start; changes are lost.
listen_addresses = '127.0.0.1'
port = ${port}
unix_socket_directories = ''
max_connections = ${cluster.durable ? 100 : 400}
shared_buffers = 128MB
password_encryption = scram-sha-256
timezone = 'UTC'
log_timezone = 'UTC'
log_statement = none
log_min_error_statement = panic
log_error_verbosity = terse
fsync = ${durability}
full_page_writes = ${durability}
synchronous_commit = ${durability}
`;
  await replaceFile(cluster, file, settings);
}

export function lastLines(text: string): string {
  return text.trim().split('\n').slice(-4).join(' | ') || 'no message';
}

/** Never written in place: Postgres may run under another account than we do, and could have put a link there. */
export async function replaceFile(cluster: Cluster, file: string, text: string): Promise<void> {
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    if (cluster.account) await handle.chown(cluster.account.uid, cluster.account.gid);
  } finally {
    await handle.close();
  }
  await rename(draft, file);
}
