import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isJsonObject, type JsonObject, type JsonValue, pointer } from '../../platform/json-value.js';
import { packageRoot } from '../../platform/package-root.js';
import type { Change } from '../change/change.js';
import { compareEntities } from '../change/compare.js';
import { readEntity } from '../document/read-entity.js';
import { allSchemas } from '../document/schema-places.js';
import type { Entity } from '../entity.js';
import { defaultFaults } from '../validation/default-faults.js';
import { compileValidator } from '../validation/validator.js';
import { compareVersions, type Pack, readPack } from './pack.js';
import { SAMPLES } from './shipped-packs.fixture.js';

/** The packs that ship with the product: what they promise whoever installs them and upgrades a fleet. */

const ROOT = join(packageRoot(), 'schemas', 'packs');
const json = (...path: string[]): JsonValue => JSON.parse(readFileSync(join(ROOT, ...path), 'utf8'));
const foldersOf = (...path: string[]) =>
  readdirSync(join(ROOT, ...path), { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));

const load = (name: string, version: string): Pack =>
  readPack(json(name, version, 'pack.json'), (entity) => json(name, version, `${entity}.json`));
const entitiesOf = (pack: Pack): Entity[] => pack.entities.map(({ name, document }) => readEntity(name, document));

const versionsOf = (name: string) => foldersOf(name).sort(compareVersions);
const all = foldersOf().flatMap((name) => versionsOf(name).map((version) => [name, version] as const));
const neighbours = foldersOf().flatMap((name) =>
  versionsOf(name).flatMap((to, index, versions) => (index === 0 ? [] : [[name, versions[index - 1] as string, to] as const])),
);

it('there are two packs with an upgrade each', () => {
  expect(all).toEqual([
    ['commerce', '1.0.0'],
    ['commerce', '1.1.0'],
    ['security', '1.0.0'],
    ['security', '1.1.0'],
  ]);
});

describe.each(all)('the pack %s %s', (name, version) => {
  const pack = load(name, version);
  const entities = entitiesOf(pack);

  it('is where its manifest says, and nothing else is there', () => {
    expect([pack.name, pack.version]).toEqual([name, version]);
    const files = ['pack.json', ...entities.map((entity) => `${entity.name}.json`)];
    expect(readdirSync(join(ROOT, name, version)).sort()).toEqual(files.sort());
  });

  it('has a validator, defaults and examples that its own rules allow', () => {
    for (const entity of entities) {
      const validator = compileValidator(entity);
      expect(defaultFaults(entity, validator)).toEqual([]);
      for (const [property, schema] of Object.entries(entity.document.properties as JsonObject)) {
        const examples = (schema as JsonObject).examples ?? [];
        for (const example of examples as JsonValue[]) {
          const said = validator
            .validate({ [property]: example })
            .filter((fault) => fault.pointer.startsWith(pointer('', property)));
          expect([entity.name, property, said]).toEqual([entity.name, property, []]);
        }
      }
    }
  });

  it('explains every property, those inside of others included, and admits no undeclared member', () => {
    for (const { name: entity, document } of entities) {
      const named = allSchemas(document).filter(({ at, keyword }) => at === '' || (keyword === 'properties' && at !== ''));
      expect(named.length).toBeGreaterThan(5);
      for (const { at, schema } of named) {
        const { title, description } = schema as JsonObject;
        expect([entity, at, typeof title, typeof description]).toEqual([entity, at, 'string', 'string']);
        expect(title).not.toBe('');
      }
      const objects = allSchemas(document).filter(({ schema }) => isJsonObject(schema) && schema.type === 'object');
      for (const { at, schema } of objects) {
        const closed = (schema as JsonObject).additionalProperties;
        expect([entity, at, closed === false || isJsonObject(closed)]).toEqual([entity, at, true]);
      }
      expect(document.additionalProperties).toBe(false);
    }
  });

  it('bounds every text', () => {
    for (const { name: entity, properties } of entities) {
      const unbounded = properties.filter(({ name: property, type, checks }) => {
        const { pattern } = (pack.entities.find((one) => one.name === entity)!.document.properties as never)[
          property
        ] as JsonObject;
        return type === 'text' && pattern === undefined && !checks.some(({ kind }) => kind === 'maxLength' || kind === 'oneOf');
      });
      expect([entity, unbounded]).toEqual([entity, []]);
    }
  });

  it('names every record by a required key of its own, and relates by such keys, so that files can', () => {
    for (const entity of entities) {
      const required = (property: string) => entity.properties.find((one) => one.name === property)!.required;
      expect([entity.name, entity.uniqueKeys.some((key) => key.properties.every(required))]).toEqual([entity.name, true]);
      for (const { relation } of entity.properties) expect(relation?.field).not.toBe('id');
    }
  });

  it('gives the way back of no relation the name of a property', () => {
    for (const { relation } of entities.flatMap(({ properties }) => properties)) {
      if (relation === undefined) continue;
      const target = entities.find((entity) => entity.name === relation.entity)!;
      expect(relation.inverse).toEqual(expect.any(String));
      expect(target.properties.map((property) => property.name)).not.toContain(relation.inverse);
    }
    const ways = entities.flatMap(({ properties }) =>
      properties.flatMap(({ relation }) => (relation ? [`${relation.entity}.${relation.inverse}`] : [])),
    );
    expect(new Set(ways).size).toBe(ways.length);
  });
});

describe.each(neighbours)('the upgrade of %s from %s to %s', (name, from, to) => {
  const [before, after] = [entitiesOf(load(name, from)), entitiesOf(load(name, to))];
  const changes = before.flatMap((entity): Change[] => {
    const next = after.find((candidate) => candidate.name === entity.name);
    return next ? compareEntities(entity, next) : [];
  });

  it('changes something and keeps every entity, in its order', () => {
    expect(changes.length).toBeGreaterThan(0);
    const names = after.map((entity) => entity.name);
    expect(names.filter((one) => before.some((entity) => entity.name === one))).toEqual(before.map((entity) => entity.name));
  });

  it('loses nothing: beyond additions, lists of values and lengths only grow', () => {
    const obstacles = changes.filter((change) => !change.additive && change.needsCheck === undefined);
    expect(obstacles.filter((change) => change.kind !== 'checks-changed')).toEqual([]);
    for (const entity of before) {
      const next = after.find((candidate) => candidate.name === entity.name)!;
      for (const property of entity.properties) {
        const latter = next.properties.find((candidate) => candidate.name === property.name)!;
        for (const check of property.checks) {
          const now = latter.checks.find(({ kind }) => kind === check.kind);
          if (check.kind === 'oneOf') expect((now as typeof check).values).toEqual(expect.arrayContaining([...check.values]));
          else if (check.kind === 'maxLength') expect((now as typeof check).length).toBeGreaterThanOrEqual(check.length);
          else expect(now).toEqual(check);
        }
        expect(latter.checks).toHaveLength(property.checks.length);
      }
    }
  });

  const isPlanned = changes.some((change) => !change.additive && change.needsCheck === undefined);
  it(name === 'commerce' ? 'needs a plan' : 'applies at once', () => expect(isPlanned).toBe(name === 'commerce'));
});

describe.each(all)('records of %s %s', (name, version) => {
  it.each(entitiesOf(load(name, version)).map((entity) => [entity.name, entity] as const))('%s', (entityName, entity) => {
    const { valid, refused } = SAMPLES[entityName]!;
    const validator = compileValidator(entity);
    expect(validator.validate(valid)).toEqual([]);
    for (const over of refused) {
      const [first] = validator.validate({ ...valid, ...over });
      expect([over, first?.pointer]).toEqual([over, expect.stringMatching(`^/${Object.keys(over)[0]}`)]);
    }
    for (const { name: property } of entity.properties.filter(({ required }) => required)) {
      const { [property]: _, ...rest } = valid;
      expect([property, validator.validate(rest).length]).toEqual([property, 1]);
    }
  });
});

it('the README lists every entity of the latest versions with its keys and relations', () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const code = (names: readonly string[]) => names.map((one) => `\`${one}\``).join(' + ');
  for (const name of foldersOf()) {
    const pack = load(name, versionsOf(name).at(-1)!);
    expect(readme).toContain(`## ${pack.name}: ${pack.title}`);
    for (const entity of entitiesOf(pack)) {
      const keys = entity.uniqueKeys.map(({ properties }) => code(properties)).join('; ');
      const relations = entity.properties.flatMap(({ name: property, relation }) =>
        relation ? [`\`${property}\` → ${relation.entity} (${relation.onDelete})`] : [],
      );
      expect(readme).toContain(`| ${entity.name} | ${keys} | ${relations.join(', ') || 'none'} |`);
    }
  }
});
