import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KeyFault } from '../key-provider.js';

/**
 * The file of the local keyring: a line of JSON for each version of each tenant's key. Lines are only ever appended, each in one write, and
 * never move; where two processes append the same version, the first line counts, for both. So no lock is needed, which a killed process
 * would leave behind, and no key is lost. A key that is destroyed is overwritten where it stands.
 */

const KEY_BYTES = 32;
const OVERWRITTEN = '*'.repeat(44);
const NEWLINE = 10;

/** Of each version the key, or null once it is destroyed. */
export type KeyVersions = ReadonlyMap<number, KeyObject | null>;

interface Line {
  readonly version: number;
  /** Base64, or asterisks. */
  readonly key: string;
  /** Where the key stands, bytes. */
  readonly keyAt: number;
}

/** Every method throws `KeyFault`, and nothing else. */
export class KeyringFile {
  constructor(private readonly path: string) {}

  /** Empty for a tenant that never had a key here. Read from the file each time: another process may have changed it. */
  async versionsOf(tenantId: string): Promise<KeyVersions> {
    const versions = new Map<number, KeyObject | null>();
    await this.withContents('r', tenantId, async (_handle, lines) => {
      for (const { version, key } of lines) {
        if (!versions.has(version)) versions.set(version, key === OVERWRITTEN ? null : keyOf(key));
      }
    });
    return versions;
  }

  /** Unless another process was first, whose key is the version's then. */
  async append(tenantId: string, version: number): Promise<void> {
    await this.withContents('a+', tenantId, async (handle) => {
      const key = randomBytes(KEY_BYTES);
      // What a process left that died in the middle of a line ends here.
      const line = Buffer.from(`\n{"tenant":"${tenantId}","version":${version},"key":"${key.toString('base64')}"}\n`);
      try {
        const { bytesWritten } = await handle.write(line);
        if (bytesWritten !== line.length)
          throw new KeyFault('unavailable', 'the keyring file took only part of a key: is the disk full?');
        await handle.sync();
      } finally {
        key.fill(0);
        line.fill(0);
      }
    });
    await syncFolder(dirname(this.path));
  }

  /** Every key of the tenant, also those of lines that do not count. */
  async overwrite(tenantId: string): Promise<void> {
    await this.withContents('r+', tenantId, async (handle, lines) => {
      for (const { key, keyAt } of lines) {
        if (key !== OVERWRITTEN) await handle.write(OVERWRITTEN, keyAt, 'latin1');
      }
      await handle.sync();
    });
  }

  /** A file that is only to be read may be missing: there is nothing to use then. */
  private async withContents(
    flags: 'r' | 'r+' | 'a+',
    tenantId: string,
    use: (handle: FileHandle, lines: readonly Line[]) => Promise<void>,
  ): Promise<void> {
    let handle: FileHandle | undefined;
    let contents: Buffer | undefined;
    try {
      if (flags === 'a+') await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
      handle = await open(this.path, flags, 0o600);
      contents = await contentsOf(handle);
      await use(handle, [...linesOf(contents, tenantId)]);
    } catch (error) {
      if (flags === 'r' && (error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error instanceof KeyFault ? error : fileFault(error);
    } finally {
      contents?.fill(0);
      await handle?.close();
    }
  }
}

/** @throws KeyFault `denied` for a file that others may read: who did so has the keys, whatever its mode is from now on */
async function contentsOf(handle: FileHandle): Promise<Buffer> {
  const { mode, size } = await handle.stat();
  // Windows has no such modes.
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    throw new KeyFault(
      'denied',
      `the keyring file has mode ${(mode & 0o777).toString(8)}, so that others can read its keys: it has to be 600 ` +
        '(on a file system that knows no modes, put it elsewhere)',
    );
  }
  const contents = Buffer.allocUnsafeSlow(size);
  let filled = 0;
  while (filled < size) {
    const { bytesRead } = await handle.read(contents, filled, size - filled, filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return contents.subarray(0, filled);
}

/** What is no whole line is passed over: a process died while it wrote it, and nobody has used its key. */
function* linesOf(contents: Buffer, tenantId: string): Generator<Line> {
  const start = Buffer.from(`\n{"tenant":"${tenantId}","version":`);
  for (let at = contents.indexOf(start); at !== -1; at = contents.indexOf(start, at + 1)) {
    const end = contents.indexOf(NEWLINE, at + 1);
    if (end === -1) return;
    const rest = contents.toString('latin1', at + start.length, end);
    const [, version, key] = /^([1-9]\d{0,8}),"key":"([A-Za-z0-9+/]{43}=|\*{44})"\}$/.exec(rest) ?? [];
    if (version !== undefined && key !== undefined) yield { version: Number(version), key, keyAt: end - key.length - 2 };
  }
}

function keyOf(base64: string): KeyObject {
  const bytes = Buffer.from(base64, 'base64');
  try {
    return createSecretKey(bytes);
  } finally {
    bytes.fill(0);
  }
}

async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r');
    await folder.sync().finally(() => folder.close());
  } catch (error) {
    // Not everywhere can a folder be opened.
    if (process.platform !== 'win32') throw fileFault(error);
  }
}

function fileFault(error: unknown): KeyFault {
  const { code } = error as NodeJS.ErrnoException;
  const kind = code === 'EACCES' || code === 'EPERM' || code === 'EROFS' ? 'denied' : 'unavailable';
  return new KeyFault(kind, `the keyring file cannot be used${typeof code === 'string' ? ` (${code})` : ''}`);
}
