import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { additionsOf } from '../model/packs/additions.js';
import { compareVersions, type Pack, readPack } from '../model/packs/pack.js';
import { readJson } from '../platform/json.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../platform/json-value.js';
import { packageRoot } from '../platform/package-root.js';
import { Problem } from '../platform/problem.js';

/**
 * The packs this installation has, `<folder>/<pack>/<version>/`: read and checked once, at start. Those that ship with the
 * product, and those of a folder of the operator's own.
 */
export class PackLibrary {
  private constructor(
    /** By name; versions from the oldest to the newest. */
    private readonly packs: ReadonlyMap<string, readonly Pack[]>,
  ) {}

  /** @param ownFolder packs of the operator's own. @throws Error that names the folder and the fault in it */
  static read(ownFolder?: string): PackLibrary {
    const packs = new Map<string, Pack[]>();
    for (const folder of [join(packageRoot(), 'schemas', 'packs'), ...(ownFolder ? [ownFolder] : [])]) {
      for (const pack of packsIn(folder)) {
        const known = packs.get(pack.name) ?? [];
        if (known.some(({ version }) => version === pack.version)) {
          throw new Error(`${folder}: there is a pack ${pack.name}@${pack.version} already`);
        }
        packs.set(pack.name, [...known, pack]);
      }
    }
    for (const versions of packs.values()) versions.sort((a, b) => compareVersions(a.version, b.version));
    return new PackLibrary(new Map([...packs].sort(([a], [b]) => (a < b ? -1 : 1))));
  }

  /** Every pack with its versions, oldest first. */
  all(): (readonly [Pack, ...Pack[]])[] {
    return [...this.packs.values()] as unknown as [Pack, ...Pack[]][];
  }

  /** @param version default: the newest. @throws Problem pack/not-found that lists what there is */
  get(name: string, version?: string): Pack {
    const versions = this.packs.get(name);
    if (!versions) {
      const known = [...this.packs.keys()];
      throw new Problem('pack/not-found', `There is no pack ${JSON.stringify(name)}. There are: ${known.join(', ')}.`, {
        packs: known,
      });
    }
    const found = version === undefined ? versions.at(-1) : versions.find((pack) => pack.version === version);
    if (found) return found;
    const known = versions.map((pack) => pack.version);
    throw new Problem('pack/not-found', `The pack ${name} has no version ${version}. It has: ${known.join(', ')}.`, {
      versions: known,
    });
  }

  /**
   * What of a document for an entity of a pack is the tenant's own: its members apart from the pack's.
   * @throws Problem pack/owned when it changes or leaves out what belongs to the pack, with a fault per place
   */
  originOf(
    { pack, version }: { readonly pack: string; readonly version: string },
    entity: string,
    wanted: JsonValue,
  ): { pack: string; version: string; additions: JsonObject } {
    const document = this.get(pack, version).entities.find(({ name }) => name === entity)?.document;
    if (!document) throw owned(pack, version, `${pack}@${version} has no entity ${JSON.stringify(entity)}.`, []);
    // What is no object at all is for the reader of documents to refuse.
    if (!isJsonObject(wanted)) return { pack, version, additions: {} };
    const told = additionsOf(document, wanted);
    if ('additions' in told) return { pack, version, additions: told.additions as JsonObject };
    const detail = `The entity belongs to the pack ${pack}. Send what is the pack's unchanged and add to it; see errors for each place.`;
    throw owned(pack, version, detail, told.faults);
  }
}

function owned(
  pack: string,
  version: string,
  detail: string,
  errors: readonly { pointer: string; rule: string; message: string }[],
) {
  return new Problem('pack/owned', detail, { pack, version, errors });
}

/** Folders only; what begins with a dot is somebody else's. */
function foldersIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name);
}

function packsIn(folder: string): Pack[] {
  if (!existsSync(folder)) throw new Error(`the folder of packs ${folder} does not exist`);
  return foldersIn(folder).flatMap((name) => foldersIn(join(folder, name)).map((version) => packIn(folder, name, version)));
}

function packIn(folder: string, name: string, version: string): Pack {
  const home = join(folder, name, version);
  try {
    const read = (file: string): JsonValue => readJson(readFileSync(join(home, file)));
    const pack = readPack(read('pack.json'), (entity) => read(`${entity}.json`));
    if (pack.name === name && pack.version === version) return pack;
    throw new Error(`pack.json calls itself ${pack.name}@${pack.version}, which is not where it lies`);
  } catch (error) {
    throw new Error(`the pack in ${home} cannot be used: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
