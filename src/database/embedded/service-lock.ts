import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProcess, isSameProcess } from './os-process.js';

/**
 * One service per data directory: `service.lock` names its owner by pid and process start time. Taken by the embedded
 * server before it touches the cluster. A lock whose owner is gone (kill -9, power loss) is taken over without asking.
 */

interface ServiceLock {
  release(): Promise<void>;
}

interface Owner {
  readonly pid: number;
  readonly started: string;
  /** RFC 3339, for the error message. */
  readonly since: string;
  /** Tells two locks of one process apart. */
  readonly id: string;
}

/** Creates the directory if need be. Throws an error that names the owner's pid when another live process holds the lock. */
export async function acquireServiceLock(dataDir: string): Promise<ServiceLock> {
  const lockPath = path.join(dataDir, 'service.lock');
  const id = randomBytes(6).toString('hex');
  const owner: Owner = {
    pid: process.pid,
    started: findProcess(process.pid)?.started ?? '',
    since: new Date().toISOString(),
    id,
  };
  const text = `${JSON.stringify(owner)}\n`;
  // Written aside and linked into place, so that nobody ever reads half a lock.
  const draft = `${lockPath}.${id}`;
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await writeFile(draft, text, { mode: 0o600 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`The data directory ${dataDir} cannot be made or written to (${code}). Choose another with DATA_DIR.`);
  }
  try {
    while (!(await linkUnlessTaken(draft, lockPath))) {
      await whileTakingOver(lockPath, async () => {
        await refuseLiveOwner(lockPath, dataDir);
        await rm(lockPath, { force: true });
      });
    }
  } finally {
    await rm(draft, { force: true });
  }
  return {
    async release() {
      // Only our own: if somebody deleted the file and a second service made another, it is theirs.
      if ((await readFile(lockPath, 'utf8').catch(() => '')) === text) await rm(lockPath, { force: true });
    },
  };
}

async function refuseLiveOwner(lockPath: string, dataDir: string): Promise<void> {
  const owner = parseOwner(await readFile(lockPath, 'utf8').catch(() => ''));
  if (owner === undefined || !isSameProcess(owner)) return;
  const who = owner.pid === process.pid ? `this process (pid ${owner.pid})` : `another service, pid ${owner.pid}`;
  throw new Error(
    `The data directory ${dataDir} is in use by ${who}, since ${owner.since}. ` +
      'Stop that one first, or give this one a directory of its own with DATA_DIR.',
  );
}

function parseOwner(text: string): Omit<Owner, 'id'> | undefined {
  try {
    const value = JSON.parse(text) as Partial<Owner> | null;
    if (typeof value?.pid !== 'number') return undefined;
    return { pid: value.pid, started: String(value.started ?? ''), since: String(value.since ?? 'unknown') };
  } catch {
    return undefined;
  }
}

async function linkUnlessTaken(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Two services that find the same stale lock must not each remove the other's fresh one: the removal has a lock of its own. */
async function whileTakingOver(lockPath: string, work: () => Promise<void>): Promise<void> {
  const guard = `${lockPath}.takeover`;
  for (;;) {
    try {
      await mkdir(guard);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      // The work takes milliseconds; a guard older than this was left by a process that died inside it.
      const age =
        Date.now() -
        (await stat(guard)
          .then((found) => found.mtimeMs)
          .catch(() => Date.now()));
      if (age > 10_000) await rm(guard, { recursive: true, force: true });
      else await sleep(20);
    }
  }
  try {
    await work();
  } finally {
    await rm(guard, { recursive: true, force: true });
  }
}
