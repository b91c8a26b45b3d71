/** `bss plan`, `apply`, `versions` and `rollback` against a running service: what they print, and how they end. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bss } from '../harness/child-service.js';
import { type Call, contents, document, planOf, store } from '../harness/definitions.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

// Processes of their own take their time on a busy machine.
jest.setTimeout(60_000);

let test: TestService;
let tenant: TestTenant;
let admin: Call;
let folder: string;
let access: string[];

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  admin = await tenant.as();
  folder = await mkdtemp(join(tmpdir(), 'business-store-test-commands-'));
  access = ['--url', test.service.url, '--token', await test.token(['admin'], tenant.id)];
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await test.stop();
});

const NOTE = document({ title: { type: 'string' }, stars: { type: 'integer' } });
const LESS = document({ title: { type: 'string' } });

/** A file named after the entity. */
async function file(entity: string, content: object | string): Promise<string> {
  const path = join(folder, `${entity}.json`);
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const run = (...args: string[]) => bss([...args, ...access]);
const versionOf = async (entity: string): Promise<number> => (await admin('get', `/entities/${entity}`)).body.version;

describe('bss plan', () => {
  it('refuses what is no document, no JSON, no file and no business of the caller: on stderr, exit code 1', async () => {
    const [viewer, good] = [await test.token(['viewer'], tenant.id), await file('good', NOTE)];
    const refused = await Promise.all([
      run('plan', await file('faulty', { type: 'object', properties: { a: { type: 'strin' } } })),
      run('plan', await file('broken', '{')),
      run('plan', join(folder, 'absent.json')),
      bss(['plan', good, '--url', test.service.url, '--token', viewer]),
      bss(['plan', good, '--url', 'http://127.0.0.1:1', '--token', viewer]),
    ]);
    expect(refused.map(({ code, stdout }) => [code, stdout])).toEqual(refused.map(() => [1, '']));
    for (const [index, reason] of [
      /\/properties\/a\/type/,
      /is not JSON/,
      /absent\.json/,
      /does not permit/,
      /nothing answers/,
    ].entries()) {
      expect(refused[index]?.stderr).toMatch(reason);
      expect(refused[index]?.stderr).not.toMatch(/\n {4}at /);
    }
  });

  it('shows what would happen with the exact SQL and the hash, and as JSON what the service answered', async () => {
    await tenant.define('shown', NOTE);
    await store(admin, 'shown', [{ title: 'a', stars: 1 }]);
    const path = await file('shown', { ...NOTE, required: ['title'] });
    const plan = await planOf(admin, 'shown', { ...NOTE, required: ['title'] });
    const [text, json] = await Promise.all([run('plan', path), run('plan', path, '--json')]);
    expect([text.code, text.stderr, json.code, json.stderr]).toEqual([0, '', 0, '']);
    expect(text.stdout).toMatch(/^shown: version 1 → 2, 1 record, compatibility/);
    for (const { sql } of plan.steps) expect(text.stdout).toContain(`${sql};\n`);
    expect(text.stdout).toContain(`hash: ${plan.hash}\n`);
    const { steps, ...rest } = JSON.parse(json.stdout);
    expect([rest.hash, steps.map(({ sql }: { sql: string }) => sql)]).toEqual([plan.hash, plan.steps.map(({ sql }) => sql)]);
    expect(await versionOf('shown')).toBe(1);
  });

  it('ends with exit code 2 when records stand in the way or a question is open, and says so', async () => {
    await tenant.define('stopped', NOTE);
    const [id] = await store(admin, 'stopped', [{ stars: 1 }]);
    const [impossible, asking] = await Promise.all([
      run('plan', await file('stopped', { ...NOTE, required: ['title'] })),
      run(
        'plan',
        '--entity',
        'stopped',
        await file('asking', document({ title: { type: 'string' }, rating: { type: 'integer' } })),
      ),
    ]);
    expect([impossible.code, asking.code]).toEqual([2, 2]);
    expect(impossible.stdout).toMatch(
      new RegExp(`STOP .*\\n +1 record: a record has no "title"\\n +such as ${id}\\n +way out: give "title" a "default"`),
    );
    expect(asking.stdout).toMatch(/question: "stars" goes and "rating" of the same type comes/);
    expect(asking.stdout).toContain('needs: --allow destructive');
  });
});

describe('bss apply', () => {
  it('refuses a hash that is not of this plan, and what was not allowed', async () => {
    await tenant.define('applied', NOTE);
    await store(admin, 'applied', [{ title: 'a', stars: 1 }]);
    const path = await file('applied', LESS);
    const [stale, unallowed] = await Promise.all([run('apply', path, '--hash', `sha256:${'0'.repeat(64)}`), run('apply', path)]);
    expect([stale.code, unallowed.code]).toEqual([1, 1]);
    expect(stale.stderr).toMatch(/has changed since/);
    expect(unallowed.stderr).toMatch(/allow "destructive"/);
    expect(await versionOf('applied')).toBe(1);
  });

  it('applies by the hash, or shows its plan and applies that; a new entity, too', async () => {
    const { hash } = await planOf(admin, 'applied', LESS);
    const byHash = await run('apply', await file('applied', LESS), '--hash', hash, '--allow', 'destructive');
    expect([byHash.code, byHash.stdout, byHash.stderr]).toEqual([0, 'applied: version 2 is in force\n', '']);
    const renamed = document({ name: { type: 'string', renamedFrom: 'title' } });
    const shown = await run('apply', await file('applied', renamed));
    expect([shown.code, shown.stdout]).toEqual([
      0,
      expect.stringMatching(/"title" is renamed to "name"[\s\S]*applied: version 3 is in force\n$/),
    ]);
    expect(await contents(admin, 'applied')).toEqual([{ name: 'a' }]);
    const fresh = await run('apply', await file('fresh', NOTE));
    expect([fresh.code, await versionOf('fresh')]).toEqual([0, 1]);
  });
});

describe('bss versions and bss rollback', () => {
  it('list and compare, newest first', async () => {
    const [list, diff, absent] = await Promise.all([
      run('versions', 'applied'),
      run('versions', 'diff', 'applied', '1', '3'),
      run('versions', 'diff', 'applied', '1', '9'),
    ]);
    expect([list.code, list.stdout.match(/^\d+\t\S+Z\tadmin@test$/gm)?.map((line) => line[0])]).toEqual([0, ['3', '2', '1']]);
    expect([diff.code, diff.stdout]).toEqual([
      0,
      expect.stringMatching(/^compatibility: breaking\nproperty-renamed\t[\s\S]*property-removed\t\/properties\/stars/),
    ]);
    expect([absent.code, absent.stderr]).toEqual([1, expect.stringContaining('There is no version 9')]);
    const json = await Promise.all([
      run('versions', 'applied', '--json'),
      run('versions', 'list', 'applied', '--json'),
      run('versions', 'diff', 'applied', '1', '3', '--json'),
    ]);
    const { body } = await admin('get', '/entities/applied/versions');
    const difference = await admin('get', '/entities/applied/diff?from=1&to=3');
    expect(body.items.map(({ version }: { version: number }) => version)).toEqual([3, 2, 1]);
    expect(json.map(({ code, stdout }) => [code, JSON.parse(stdout)])).toEqual([
      [0, body.items],
      [0, body.items],
      [0, difference.body],
    ]);
  });

  it('show what going back would do, refuse what cannot be, and go back', async () => {
    const dry = await run('rollback', 'applied', '1', '--dry-run');
    expect([dry.code, dry.stdout, await versionOf('applied')]).toEqual([
      0,
      expect.stringMatching(/version 3 → 4[\s\S]*hash: sha256:/),
      3,
    ]);
    const refused = await run('rollback', 'applied', '3');
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('which is in force')]);
    const other = await run('rollback', 'applied', '1', '--hash', `sha256:${'0'.repeat(64)}`);
    expect([other.code, other.stderr, await versionOf('applied')]).toEqual([1, expect.stringMatching(/has changed since/), 3]);
    const hash = /^hash: (sha256:[0-9a-f]{64})$/m.exec(dry.stdout)?.[1] as string;
    const done = await run('rollback', 'applied', '1', '--hash', hash);
    expect([done.code, done.stdout]).toEqual([0, 'applied: what version 1 said is in force again\n']);
    expect(await contents(admin, 'applied')).toEqual([{ title: 'a', stars: 1 }]);
  });
});

describe('--help', () => {
  it.each([
    ['plan', /Usage: bss plan [\s\S]*<file>[\s\S]*--json[\s\S]*Example: bss plan/],
    ['apply', /Usage: bss apply [\s\S]*--hash[\s\S]*--allow/],
    ['versions', /Usage: bss versions[\s\S]*diff/],
    ['rollback', /Usage: bss rollback [\s\S]*<version>[\s\S]*--dry-run[\s\S]*--hash/],
  ])('of bss %s tells how it is used', async (command, usage) => {
    const { code, stdout, stderr } = await bss([command, '--help']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(usage);
  });
});
