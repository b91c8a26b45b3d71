import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Packs of a test's own, in a folder for PACKS_DIR. */
export interface OwnPacks {
  readonly folder: string;
  /** Entities in order; call it before the service starts. */
  write(name: string, version: string, entities: Readonly<Record<string, object>>): void;
  remove(): void;
}

export function ownPacks(): OwnPacks {
  const folder = mkdtempSync(join(tmpdir(), 'business-store-test-packs-'));
  const write: OwnPacks['write'] = (name, version, entities) => {
    const home = join(folder, name, version);
    mkdirSync(home, { recursive: true });
    const manifest = { name, version, title: name, description: name, entities: Object.keys(entities) };
    writeFileSync(join(home, 'pack.json'), JSON.stringify(manifest));
    for (const [entity, document] of Object.entries(entities)) {
      writeFileSync(join(home, `${entity}.json`), JSON.stringify(document));
    }
  };
  return { folder, write, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A document that takes these members and no other. */
export function closed(properties: object, more: object = {}): object {
  return { type: 'object', additionalProperties: false, properties, ...more };
}
