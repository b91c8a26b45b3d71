import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, cp, lstat, mkdir, readdir, readFile, readlink, realpath, rename, rm, stat, symlink } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import type { PostgresBinaries } from './embedded-binaries.js';
import { binary } from './embedded-binaries.js';

/**
 * Postgres refuses to run as root. When the service does (a container, mostly), the embedded server runs under another
 * account of the system, and this file finds the account and places that it can reach. Nothing here happens otherwise.
 */

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Where cluster and binaries go when root's account of choice cannot enter the data directory or node_modules. */
const FALLBACK_ROOT = '/var/lib/business-store';

/** The account to run Postgres under: undefined means the service's own. An existing cluster stays with its owner. */
export async function chooseAccount(clusterPath: string): Promise<Account | undefined> {
  const own = process.getuid?.();
  const cluster = await stat(clusterPath).catch(() => undefined);
  if (own !== 0) {
    if (cluster !== undefined && own !== undefined && cluster.uid !== own) {
      throw new Error(
        `The cluster ${clusterPath} belongs to the OS user with uid ${cluster.uid}, but the service runs as uid ${own}. ` +
          'Run the service as that user (or as root), give it the files with chown -R, or choose another DATA_DIR.',
      );
    }
    return undefined;
  }
  if (cluster !== undefined && cluster.uid !== 0) return { name: `uid ${cluster.uid}`, uid: cluster.uid, gid: cluster.gid };
  const accounts = await readAccounts();
  const account = ['postgres', '_postgres', 'nobody'].map((name) => accounts.get(name)).find((found) => found !== undefined);
  if (account === undefined) {
    throw new Error(
      'Postgres refuses to run as root, and this system has none of the accounts postgres, _postgres or nobody. ' +
        'Run the service as an ordinary user, or set DATABASE_URL.',
    );
  }
  return account;
}

/** passwd(5): name, password, uid, gid, and more that does not matter here. Accounts with negative ids (macOS) are left out. */
async function readAccounts(): Promise<Map<string, Account>> {
  const accounts = new Map<string, Account>();
  for (const line of (await readFile('/etc/passwd', 'utf8').catch(() => '')).split('\n')) {
    const [name = '', , uid = '', gid = ''] = line.split(':');
    if (/^[1-9]\d*$/.test(uid) && /^\d+$/.test(gid)) accounts.set(name, { name, uid: Number(uid), gid: Number(gid) });
  }
  return accounts;
}

/**
 * Where the cluster is or shall be: `<data directory>/postgres`, or where that points when it is a link. Makes the data
 * directory passable for the account (nothing in it becomes readable); when a directory above is closed to it, such as
 * /root, the cluster goes below /var/lib/business-store and the data directory gets the link.
 */
export async function placeCluster(account: Account | undefined, dataDir: string, log: (line: string) => void): Promise<string> {
  const inside = path.join(dataDir, 'postgres');
  const found = await lstat(inside).catch(() => undefined);
  if (found?.isSymbolicLink()) return realpath(inside).catch(async () => path.resolve(dataDir, await readlink(inside)));
  if (account === undefined) return inside;
  await chmod(dataDir, (await stat(dataDir)).mode | 0o011);
  if (permits(account, 'cd "$1"', dataDir)) return inside;
  if (found !== undefined) throw cannotReach(account, inside);
  const folder = path.join(FALLBACK_ROOT, `data-${randomBytes(6).toString('hex')}`);
  await makeFallback(account, dataDir, folder);
  await symlink(path.join(folder, 'postgres'), inside);
  log(`The account ${account.name} cannot enter ${dataDir}, so the cluster is kept in ${folder}`);
  return path.join(folder, 'postgres');
}

/** The binaries themselves, or a copy that the account can run. The copy is made once for each version of the package. */
export async function placeBinaries(
  account: Account,
  binaries: PostgresBinaries,
  log: (line: string) => void,
): Promise<PostgresBinaries> {
  if (permits(account, '"$1" --version', binary(binaries, 'postgres'))) return binaries;
  const root = path.join(FALLBACK_ROOT, `postgres-${binaries.version}-${process.platform}-${process.arch}`);
  const copy = { ...binaries, root };
  if (permits(account, '"$1" --version', binary(copy, 'postgres'))) return copy;
  const draft = `${root}.${randomBytes(6).toString('hex')}`;
  await makeFallback(account, binaries.root, draft);
  await cp(binaries.root, draft, { recursive: true, verbatimSymlinks: true });
  await makeReadable(draft);
  await rm(root, { recursive: true, force: true });
  await rename(draft, root);
  if (!permits(account, '"$1" --version', binary(copy, 'postgres'))) throw cannotReach(account, root);
  log(`The account ${account.name} cannot run the binaries in ${binaries.root}, so they were copied to ${root}`);
  return copy;
}

/** Asks the system by trying, as the account: mode bits alone would miss access lists, mounts and security modules. */
function permits(account: Account, script: string, argument: string): boolean {
  const { uid, gid } = account;
  return spawnSync('/bin/sh', ['-c', script, 'sh', argument], { uid, gid, cwd: '/', env: {}, stdio: 'ignore' }).status === 0;
}

async function makeFallback(account: Account, unreachable: string, folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    // Whatever the umask: the account has to pass.
    for (const directory of [FALLBACK_ROOT, folder]) await chmod(directory, 0o755);
  } catch (error) {
    throw cannotReach(
      account,
      unreachable,
      ` (its substitute ${folder} could not be made: ${(error as NodeJS.ErrnoException).code})`,
    );
  }
  if (!permits(account, 'cd "$1"', folder)) throw cannotReach(account, folder);
}

async function makeReadable(directory: string): Promise<void> {
  await chmod(directory, 0o755);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const inside = path.join(directory, entry.name);
    if (entry.isDirectory()) await makeReadable(inside);
    else if (entry.isFile()) await chmod(inside, (await stat(inside)).mode & 0o111 ? 0o755 : 0o644);
  }
}

function cannotReach(account: Account, place: string, more = ''): Error {
  return new Error(
    `Postgres refuses to run as root, and the account ${account.name} it would run under cannot reach ${place}${more}. ` +
      'Run the service as an ordinary user, move the data directory (DATA_DIR) and the installation to directories that ' +
      'everybody may pass, or set DATABASE_URL.',
  );
}
