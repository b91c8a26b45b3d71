import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { findProcess } from './os-process.js';
import { acquireServiceLock } from './service-lock.js';

describe('service lock', () => {
  let dataDir: string;
  const lockFile = () => path.join(dataDir, 'service.lock');
  const writeLock = (owner: unknown) => writeFile(lockFile(), JSON.stringify(owner));

  beforeEach(async () => {
    dataDir = await mkdtemp(path.join(tmpdir(), 'business-store-lock-'));
  });
  afterEach(async () => {
    await rm(dataDir, { recursive: true, force: true });
  });

  it('refuses a directory that another live process holds, naming it', async () => {
    const parent = findProcess(process.ppid)!;
    await writeLock({ pid: parent.pid, started: parent.started, since: '2026-01-02T03:04:05.000Z' });
    await expect(acquireServiceLock(dataDir)).rejects.toThrow(
      `The data directory ${dataDir} is in use by another service, pid ${process.ppid}, since 2026-01-02T03:04:05.000Z. ` +
        'Stop that one first, or give this one a directory of its own with DATA_DIR.',
    );
  });

  it('refuses the same directory twice in one process', async () => {
    const lock = await acquireServiceLock(dataDir);
    await expect(acquireServiceLock(dataDir)).rejects.toThrow(`is in use by this process (pid ${process.pid})`);
    await lock.release();
  });

  it('refuses a place that cannot be a directory', async () => {
    await writeFile(path.join(dataDir, 'file'), '');
    await expect(acquireServiceLock(path.join(dataDir, 'file', 'inside'))).rejects.toThrow(
      'cannot be made or written to (ENOTDIR). Choose another with DATA_DIR.',
    );
  });

  it.each([
    ['whose owner is gone', { pid: 2_147_483_647, started: 'then', since: 'x' }],
    ['whose pid now belongs to another process', { pid: process.pid, started: 'long before', since: 'x' }],
    ['that holds no owner', { hello: 1 }],
    ['that holds null', null],
  ])('takes over a lock %s', async (_name, owner) => {
    await writeLock(owner);
    const lock = await acquireServiceLock(dataDir);
    expect(JSON.parse(await readFile(lockFile(), 'utf8'))).toMatchObject({ pid: process.pid });
    await lock.release();
  });

  it('takes over a torn lock and a take-over that died half-way', async () => {
    await writeFile(lockFile(), '{"pid":');
    await mkdir(`${lockFile()}.takeover`);
    const longAgo = new Date(Date.now() - 60_000);
    await utimes(`${lockFile()}.takeover`, longAgo, longAgo);
    const lock = await acquireServiceLock(dataDir);
    await lock.release();
    expect(await readdir(dataDir)).toEqual([]);
  });

  it('lets exactly one of many take over a stale lock', async () => {
    await writeLock({ pid: 2_147_483_647, started: 'then', since: 'x' });
    const attempts = await Promise.allSettled(Array.from({ length: 20 }, () => acquireServiceLock(dataDir)));
    expect(attempts.filter((attempt) => attempt.status === 'fulfilled')).toHaveLength(1);
  });

  it('removes nobody else’s lock on release, and nothing is left of its own', async () => {
    const first = await acquireServiceLock(dataDir);
    await rm(lockFile());
    const second = await acquireServiceLock(dataDir);
    await first.release();
    expect(await readdir(dataDir)).toEqual(['service.lock']);
    await second.release();
    expect(await readdir(dataDir)).toEqual([]);
  });
});
