import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/platform/package-root.js';

/** The numbered examples of schemas/examples: documents, records, and what must happen. README.md there explains the words. */

const FOLDER = join(packageRoot(), 'schemas/examples');

export type Json = Readonly<Record<string, unknown>>;

/** Of a plan, what an example promises. Whatever is left out is empty. */
export interface PromisedPlan {
  readonly operations: readonly { readonly kind: string; readonly property?: string; readonly risk: string }[];
  readonly compatibility: string;
  readonly possible: boolean;
  readonly needs: readonly string[];
  /** The answer of each. */
  readonly questions: readonly string[];
  readonly failing: readonly { readonly rows: number; readonly message: string; readonly wayOut: string }[];
  /** Entities that get a version too. */
  readonly also: readonly string[];
  /** `yes`, or `partly: ` and the reasons. */
  readonly wayBack: string;
}

/** Something that one client does and what it is told. */
export interface ClientCall {
  readonly what: string;
  /** Default: the one that changes. */
  readonly entity?: string;
  /** A record to store; it is deleted again. */
  readonly post?: Json;
  /** A query string. */
  readonly get?: string;
  /** `201`, or status and type of the problem. */
  readonly answer: string;
  /** Pointer and rule of each. */
  readonly faults?: readonly string[];
  readonly stored?: Json;
  readonly items?: readonly Json[];
}

export interface ExampleStep {
  /** Changes of records before, by their line in records.ndjson. */
  readonly correct?: readonly { readonly record: number; readonly patch: Json }[];
  /** File with the new document; or `restore`, the name of a dropped property. */
  readonly document?: string;
  readonly restore?: string;
  /** What the entity is called from now on, when that is what changes. */
  readonly name?: string;
  readonly plan: PromisedPlan;
  /** `PUT` applies it by itself. */
  readonly put?: 'applied';
  readonly allow?: readonly string[];
  /** Applying it is refused so, and nothing changes. */
  readonly refused?: string;
  readonly records: readonly Json[];
  readonly clients?: readonly ClientCall[];
}

export interface Example {
  readonly folder: string;
  /** In an order in which relations find their targets. */
  readonly entities: readonly string[];
  readonly entity: string;
  readonly steps: readonly ExampleStep[];
  readonly rollback: {
    /** Version; default 1. With it comes the entity's name of then, when that is another. */
    readonly to?: number;
    readonly name?: string;
    readonly needs?: readonly string[];
    /** It is refused so, and nothing changes. */
    readonly refused?: string;
    /** Default: what was stored at first. */
    readonly records?: readonly Json[];
  };
  readonly readme: string;
  document(file: string): Json;
  /** Of an entity, as first stored. */
  records(entity: string): readonly Json[];
}

export function exampleFolders(): string[] {
  return readdirSync(FOLDER)
    .filter((name) => /^\d/.test(name))
    .sort();
}

/** @throws Error when the folder lacks a file, or expected.json has a word that nobody reads */
export function readExample(folder: string): Example {
  const path = (file: string) => join(FOLDER, folder, file);
  const text = (file: string) => readFileSync(path(file), 'utf8');
  const expected = JSON.parse(text('expected.json'));
  assertWords(folder, expected, EXAMPLE);
  for (const step of expected.steps) {
    assertWords(folder, step, STEP);
    assertWords(folder, step.plan, PLAN);
    for (const call of step.clients ?? []) assertWords(folder, call, CALL);
  }
  const { entity, entities = [entity], steps, rollback } = expected;
  const records = (name: string): Json[] => {
    const file = name === entity ? 'records.ndjson' : `${name}.ndjson`;
    if (name !== entity && !existsSync(path(file))) return [];
    return text(file)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  };
  return {
    ...{ folder, entity, entities, rollback, readme: text('README.md'), records },
    steps: steps.map((step: ExampleStep) => ({ ...step, plan: { ...NOTHING, ...step.plan } })),
    document: (file) => JSON.parse(text(file)),
  };
}

const NOTHING = { needs: [], questions: [], failing: [], also: [] };

const EXAMPLE = ['entities', 'entity', 'steps', 'rollback'];
const STEP = ['correct', 'document', 'restore', 'name', 'plan', 'put', 'allow', 'refused', 'records', 'clients'];
const PLAN = ['operations', 'compatibility', 'possible', 'needs', 'questions', 'failing', 'also', 'wayBack'];
const CALL = ['what', 'entity', 'post', 'get', 'answer', 'faults', 'stored', 'items'];

/** A word with a typing mistake would promise nothing, and nobody would notice. */
function assertWords(folder: string, value: Json, words: readonly string[]): void {
  const unknown = Object.keys(value).filter((word) => !words.includes(word));
  if (unknown.length > 0) throw new Error(`${folder}/expected.json: nobody reads ${unknown.join(', ')}`);
}
