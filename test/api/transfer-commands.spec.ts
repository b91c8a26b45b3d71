/** `bss export` and `bss import`: files in and out of a running service, through its public API. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bss } from '../harness/child-service.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

// Processes of their own take their time on a busy machine.
jest.setTimeout(60_000);

let test: TestService;
let tenant: TestTenant;
let folder: string;
let token: string;

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  await tenant.define('note', {
    type: 'object',
    required: ['title'],
    properties: { title: { type: 'string', unique: true }, size: { type: 'integer' } },
    additionalProperties: false,
  });
  folder = await mkdtemp(join(tmpdir(), 'business-store-test-transfer-'));
  token = await test.token(['admin'], tenant.id);
});

afterAll(async () => {
  await test.stop();
  await rm(folder, { recursive: true, force: true });
});

const run = (...args: string[]) => bss([...args, '--url', test.service.url, '--token', token], {});
const file = async (name: string, text: string): Promise<string> => {
  await writeFile(join(folder, name), text);
  return join(folder, name);
};

describe('bss import', () => {
  it('says what is wrong, where, and how to go on; then goes on', async () => {
    const path = await file('notes.csv', 'title,size\na,1\nb,x\nc,3\n');
    const rehearsed = await run('import', 'note', path, '--dry-run');
    expect([rehearsed.code, rehearsed.stdout]).toEqual([
      1,
      'note: 2 records would be stored, 1 refused:\n  line 3 /size: must be integer\n',
    ]);
    const ended = await run('import', 'note', path);
    expect(ended.code).toBe(1);
    const [, id = ''] = /resume=([0-9a-f-]{36})/.exec(ended.stderr) ?? [];
    expect(ended.stderr).toContain('The record on line 3 was refused');
    await writeFile(path, 'title,size\na,1\nb,2\nc,3\n');
    const resumed = await run('import', 'note', path, '--resume', id);
    expect([resumed.code, resumed.stdout]).toEqual([0, 'note: 3 records stored\n']);
  });

  it('ends with the first record refused, however much is still to be sent', async () => {
    const path = await file(
      'large.csv',
      `title,size\nlarge,x\n${'some title that is refused before it is read,1\n'.repeat(600_000)}`,
    );
    const { code, stderr } = await run('import', 'note', path);
    expect(code).toBe(1);
    expect(stderr).toContain('\n  line 2 /size: must be integer');
    expect(stderr).toMatch(/To go on: bss import note \S+large\.csv --resume [0-9a-f-]{36}\n/);
  });

  it('fails without a file, without a service, and for a format it does not know', async () => {
    expect((await run('import', 'note', join(folder, 'none.csv'))).stderr).toContain('none.csv');
    const path = await file('one.ndjson', '{"title":"one"}\n');
    const nowhere = await bss(['import', 'note', path, '--url', 'http://127.0.0.1:9', '--token', token], {});
    expect([nowhere.code, nowhere.stderr]).toEqual([1, expect.stringContaining('nothing answers at http://127.0.0.1:9')]);
    expect((await run('import', 'note', path, '--format', 'xml')).code).toBe(1);
  });

  it('explains itself', async () => {
    const { code, stdout } = await bss(['import', '--help'], {});
    expect(code).toBe(0);
    for (const word of ['--dry-run', '--on-error', '--resume', '--on-conflict']) expect(stdout).toContain(word);
  });
});

describe('bss export', () => {
  it('writes what a filter finds, and nothing else, to standard output', async () => {
    const { code, stdout } = await run('export', 'note', '--format', 'csv', '--filter', 'size=gte.2', '--select', 'title,size');
    expect(code).toBe(0);
    expect(stdout.split('\n').sort()).toEqual(['', 'b,2', 'c,3', 'title,size'].sort());
  });

  it('writes what an import reads back', async () => {
    const { stdout } = await run('export', 'note');
    const other = await test.tenant();
    await other.define('note', JSON.parse(JSON.stringify((await (await tenant.as())('get', '/entities/note')).body.document)));
    const path = await file('back.ndjson', stdout);
    const bearer = await test.token(['admin'], other.id);
    const { code } = await bss(['import', 'note', path, '--url', test.service.url, '--token', bearer], {});
    expect(code).toBe(0);
    const found = (await (await other.as())('get', '/records/note?select=id,title,size')).body;
    expect(found).toEqual((await (await tenant.as())('get', '/records/note?select=id,title,size')).body);
    expect(await readFile(path, 'utf8')).toBe(stdout);
  });

  it('fails with the reason of the service', async () => {
    const { code, stdout, stderr } = await run('export', 'note', '--filter', 'nothing=eq.1');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('nothing');
    expect((await run('export', 'note', '--filter', 'nonsense')).stderr).toContain('property=operator.value');
  });
});
