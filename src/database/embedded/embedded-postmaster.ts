import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { binary } from './embedded-binaries.js';
import {
  type Cluster,
  type Credentials,
  cannotExecute,
  lastLines,
  replaceFile,
  SUPERUSER,
  spawnOptions,
  writeSettings,
} from './embedded-cluster.js';
import { findProcess, isSameProcess, type OsProcess } from './os-process.js';

/**
 * The Postgres process of the embedded server: finds the one a killed service left behind, starts one, and stops either.
 */

/** Crash recovery after a kill -9 may take its time; nothing else does. */
const START_LIMIT_MS = 60_000;
const FAST_SHUTDOWN_MS = 10_000;
const IMMEDIATE_SHUTDOWN_MS = 6_000;
const TORN_FILE_MS = 2_000;
/** Names no process on any system, and is accepted as a pid by Postgres. */
const NO_PID = 2_147_483_647;

/** A postmaster that we started binds its port at once; until then, somebody else's server might answer there. */
const FOREIGN_ANSWER_MS = 2_000;

interface Answer {
  readonly state: 'ready' | 'refused' | 'not-yet';
  /** Of anything but ready, to be read after "it". */
  readonly reason: string;
}

interface Running {
  readonly postmaster: OsProcess;
  readonly port: number;
}

/**
 * The live postmaster of this cluster, if any, once it answers to our password. `postmaster.pid` holds the pid in its
 * first line and the port in its fourth (Postgres, storage/file layout).
 */
export async function findRunning(cluster: Cluster, { password, port: savedPort }: Credentials): Promise<Running | undefined> {
  const pidFile = path.join(cluster.path, 'postmaster.pid');
  const giveUp = Date.now() + START_LIMIT_MS;
  for (;;) {
    const text = await readFile(pidFile, 'utf8').catch(() => undefined);
    if (text === undefined) return undefined;
    const lines = text.split('\n');
    const pid = Number(lines[0]);
    const port = Number(lines[3]) || savedPort;
    if (!Number.isInteger(pid) || pid <= 0) {
      // Being written at this moment, or torn by a power loss; Postgres would refuse to start over the latter.
      if (!(await isOlderThan(pidFile, TORN_FILE_MS))) {
        await sleep(50);
        continue;
      }
      await rm(pidFile, { force: true });
      return undefined;
    }
    const postmaster = findProcess(pid);
    if (postmaster === undefined || !worksFor(postmaster, cluster.path)) {
      // Postgres removes a stale file itself, after making sure that no orphaned backend still uses the shared memory it
      // names; but it takes any live process of the same user for a server. So the pid is struck out, and the rest left.
      await replaceFile(cluster, pidFile, [NO_PID, ...lines.slice(1)].join('\n'));
      return undefined;
    }
    const answer = await ask(adminUrl(password, port), cluster.path);
    if (answer.state === 'ready') return { postmaster, port };
    if (answer.state === 'refused' || Date.now() > giveUp) {
      throw new Error(
        `A Postgres is already running on the cluster ${cluster.path} (pid ${pid}, port ${port}), but it ${answer.reason}. ` +
          `Stop it with \`kill -INT ${pid}\`, or put back the credentials.json it was started with.`,
      );
    }
    await sleep(50);
  }
}

async function isOlderThan(file: string, milliseconds: number): Promise<boolean> {
  const found = await stat(file).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > milliseconds;
}

/** A reused pid belongs to somebody else: the postmaster has the cluster in its command line, and as working directory. */
function worksFor(candidate: OsProcess, clusterPath: string): boolean {
  return ` ${candidate.command} `.includes(` ${clusterPath} `) || candidate.directory === clusterPath || candidate.command === '';
}

async function ask(url: string, clusterPath: string): Promise<Answer> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 2_000,
    query_timeout: 2_000,
    application_name: 'bss-embedded-server',
  });
  // A server that goes away under us is an answer, not a crash.
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ data_directory: string }>('show data_directory');
    if (rows[0]?.data_directory === clusterPath) return { state: 'ready', reason: '' };
    return { state: 'refused', reason: `serves another cluster, ${rows[0]?.data_directory}` };
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code === '28P01' || code === '28000') return { state: 'refused', reason: 'refuses the password in credentials.json' };
    // 57P03: starting up, recovering or shutting down. Any other SQLSTATE is an answer; the rest is about the connection.
    const state = code !== '57P03' && /^[0-9A-Z]{5}$/.test(code ?? '') ? 'refused' : 'not-yet';
    return { state, reason: `does not let us in (${message})` };
  } finally {
    await client.end().catch(() => {});
  }
}

/** Without TLS whatever PGSSLMODE says: the server listens on loopback only. */
export function adminUrl(password: string, port: number): string {
  return `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/postgres?sslmode=disable`;
}

/** Starts the server and waits until it answers. */
export async function launch(cluster: Cluster, credentials: Credentials, log: (line: string) => void): Promise<Running> {
  const giveUp = Date.now() + START_LIMIT_MS;
  for (;;) {
    const port = await freePort(credentials.port);
    if (port !== credentials.port) log(`Port ${credentials.port} is taken: the embedded Postgres moves to ${port}`);
    await writeSettings(cluster, port);
    const logStart = await stat(cluster.logPath).then(
      (found) => found.size,
      () => 0,
    );
    const spawned = Date.now();
    const child = await spawnPostmaster(cluster);
    const postmaster = findProcess(child.pid!);
    const url = adminUrl(credentials.password, port);
    while (child.exitCode === null && child.signalCode === null && postmaster !== undefined) {
      const answer = await ask(url, cluster.path);
      if (answer.state === 'ready') {
        child.once('exit', (code, signal) =>
          log(`The embedded Postgres (pid ${postmaster.pid}) ended: ${signal ?? `status ${code}`}`),
        );
        return { postmaster, port };
      }
      if (Date.now() > (answer.state === 'refused' ? spawned + FOREIGN_ANSWER_MS : giveUp)) {
        await stopPostmaster(postmaster, log);
        throw new Error(`The embedded Postgres was started but it ${answer.reason}. It was stopped; see ${cluster.logPath}.`);
      }
      await sleep(20);
    }
    const output = (await readFile(cluster.logPath)).subarray(logStart).toString('utf8');
    // Backends of a postmaster that was killed end with their statement; somebody may have taken the port since we looked.
    const orphans = output.includes('pre-existing shared memory block');
    const passing = orphans || output.includes('could not create any TCP/IP sockets');
    if (!passing || Date.now() > giveUp) {
      const remedy = orphans ? ` A process of a killed server still works on ${cluster.path}: end it.` : '';
      throw new Error(`The embedded Postgres does not start: ${lastLines(output)} (see ${cluster.logPath}).${remedy}`);
    }
    await sleep(200);
  }
}

async function spawnPostmaster(cluster: Cluster): Promise<ChildProcess> {
  const file = binary(cluster.binaries, 'postgres');
  const output = await open(cluster.logPath, 'a', 0o600);
  try {
    const child = spawn(file, ['-D', cluster.path], { ...spawnOptions(cluster), stdio: ['ignore', output.fd, output.fd] });
    await once(child, 'spawn').catch((error: NodeJS.ErrnoException) => {
      throw cannotExecute(file, error);
    });
    child.unref();
    return child;
  } finally {
    await output.close();
  }
}

/** `preferred` when nobody listens on it, else one that the system picks. */
export async function freePort(preferred = 0): Promise<number> {
  const server = createServer();
  try {
    server.listen({ host: '127.0.0.1', port: preferred, exclusive: true });
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    return port;
  } catch (error) {
    if (preferred === 0) throw error;
    return freePort();
  } finally {
    server.close();
  }
}

/** Signals of the postmaster (Postgres, "Shutting Down the Server"): SIGINT is fast, SIGQUIT immediate. */
export async function stopPostmaster(postmaster: OsProcess, log: (line: string) => void): Promise<void> {
  for (const [signal, patience] of [
    ['SIGINT', FAST_SHUTDOWN_MS],
    ['SIGQUIT', IMMEDIATE_SHUTDOWN_MS],
  ] as const) {
    if (!isSameProcess(postmaster)) return;
    process.kill(postmaster.pid, signal);
    const giveUp = Date.now() + patience;
    while (Date.now() < giveUp) {
      if (!isSameProcess(postmaster)) return;
      await sleep(20);
    }
    log(`The embedded Postgres (pid ${postmaster.pid}) did not end within ${patience / 1000} s of ${signal}`);
  }
  throw new Error(`The embedded Postgres (pid ${postmaster.pid}) does not stop; end it with kill -9 ${postmaster.pid}.`);
}
