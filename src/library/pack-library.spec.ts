import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '../platform/json-value.js';
import { Problem } from '../platform/problem.js';
import { PackLibrary } from './pack-library.js';

const NOTE: JsonObject = { type: 'object', properties: { text: { type: 'string' } }, additionalProperties: false };

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'business-store-test-packs-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

function write(place: string, name: string, version: string, document: unknown = NOTE): void {
  const home = join(folder, place);
  mkdirSync(home, { recursive: true });
  const manifest = { name, version, title: name, description: name, entities: ['Note'] };
  writeFileSync(join(home, 'pack.json'), JSON.stringify(manifest));
  writeFileSync(join(home, 'Note.json'), typeof document === 'string' ? document : JSON.stringify(document));
}

function problemOf(work: () => unknown): Problem {
  try {
    work();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('a library of packs', () => {
  it('refuses a folder that is not there', () => {
    expect(() => PackLibrary.read(join(folder, 'nowhere'))).toThrow(/nowhere does not exist/);
  });

  it('refuses a pack that lies under another name or version than its own', () => {
    write('notes/1.0.0', 'notes', '1.0.1');
    expect(() => PackLibrary.read(folder)).toThrow(/notes\/1\.0\.0 cannot be used: pack\.json calls itself notes@1\.0\.1/);
  });

  it('refuses a pack whose document is no entity, naming folder, file and place', () => {
    write('notes/1.0.0', 'notes', '1.0.0', { ...NOTE, properties: { text: { type: 'text' } } });
    expect(() => PackLibrary.read(folder)).toThrow(/notes\/1\.0\.0 cannot be used: Note\.json at \/properties\/text\/type/);
  });

  it('refuses JSON that could be read in two ways', () => {
    write('notes/1.0.0', 'notes', '1.0.0', '{ "type": "object", "type": "object" }');
    expect(() => PackLibrary.read(folder)).toThrow(/notes\/1\.0\.0 cannot be used: request\/unfaithful-json/);
  });

  it('refuses a version that ships with the product already', () => {
    write('security/1.0.0', 'security', '1.0.0');
    expect(() => PackLibrary.read(folder)).toThrow(/a pack security@1\.0\.0 already/);
  });

  it('has those that ship with the product and those of the folder, in order of name and version', () => {
    for (const version of ['1.10.0', '1.9.0', '2.0.0']) write(`notes/${version}`, 'notes', version);
    write('.git/1.0.0', 'git', '1.0.0');
    const names = PackLibrary.read(folder)
      .all()
      .map(([first, ...others]) => [first, ...others].map(({ name, version }) => `${name}@${version}`));
    expect(names).toEqual([
      expect.arrayContaining(['commerce@1.0.0', 'commerce@1.1.0']),
      ['notes@1.9.0', 'notes@1.10.0', 'notes@2.0.0'],
      expect.arrayContaining(['security@1.0.0', 'security@1.1.0']),
    ]);
  });

  it('gives the newest version unless one is named, and says what there is', () => {
    for (const version of ['1.9.0', '1.10.0']) write(`notes/${version}`, 'notes', version);
    const library = PackLibrary.read(folder);
    expect(library.get('notes').version).toBe('1.10.0');
    expect(library.get('notes', '1.9.0').version).toBe('1.9.0');
    expect(problemOf(() => library.get('notes', '3.0.0'))).toMatchObject({
      code: 'pack/not-found',
      extensions: { versions: ['1.9.0', '1.10.0'] },
    });
    expect(problemOf(() => library.get('constructor')).extensions.packs).toContain('notes');
  });
});

describe("a tenant's document for an entity of a pack", () => {
  it("is refused when it touches the pack's part, with every place", () => {
    write('notes/1.0.0', 'notes', '1.0.0');
    const library = PackLibrary.read(folder);
    const refused = problemOf(() => library.originOf({ pack: 'notes', version: '1.0.0' }, 'Note', { ...NOTE, properties: {} }));
    expect(refused).toMatchObject({ code: 'pack/owned', extensions: { pack: 'notes', version: '1.0.0' } });
    expect(refused.extensions.errors).toMatchObject([{ pointer: '/properties/text', rule: 'pack' }]);
    expect(problemOf(() => library.originOf({ pack: 'notes', version: '1.0.0' }, 'Memo', NOTE)).code).toBe('pack/owned');
  });

  it('is told apart into the pack and what the tenant added', () => {
    write('notes/1.0.0', 'notes', '1.0.0');
    const library = PackLibrary.read(folder);
    const wanted = { ...NOTE, properties: { text: { type: 'string' }, room: { type: 'string' } } };
    expect(library.originOf({ pack: 'notes', version: '1.0.0' }, 'Note', wanted)).toEqual({
      ...{ pack: 'notes', version: '1.0.0', additions: { properties: { room: { type: 'string' } } } },
    });
    expect(library.originOf({ pack: 'notes', version: '1.0.0' }, 'Note', NOTE).additions).toEqual({});
  });
});
