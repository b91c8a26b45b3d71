/**
 * Puts the Chinook example (schemas/examples/chinook) into a tenant, using nothing but the public API, as any client
 * would. Called by the `demo` command and by the tests that want real data. Running it again adds only what is missing.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { counted } from '../platform/counted.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../platform/json-value.js';
import { packageRoot } from '../platform/package-root.js';

export interface LoadOptions {
  /** Where the service listens, e.g. `http://127.0.0.1:3000`. */
  readonly baseUrl: string;
  readonly tenantId: string;
  /** A bearer token of the tenant with the role `admin`. */
  readonly token: string;
  /** After every batch: records of the example dealt with so far, all of them, and the entity being loaded. */
  onProgress(done: number, total: number, entity: string): void;
  /** What somebody watching should know, e.g. that an entity was loaded before. */
  onNotice?(message: string): void;
  readonly fetch?: typeof fetch;
}

export interface LoadResult {
  readonly entities: number;
  /** Records sent and stored by this run. */
  readonly records: number;
  readonly seconds: number;
}

export interface ExampleEntity {
  readonly name: string;
  readonly document: JsonObject;
  readonly records: readonly JsonObject[];
}

const BATCH = 1_000;
const REQUEST_TIMEOUT_MS = 60_000;

/** Defines all entities, then stores their records. @throws Error with the service's own explanation; it stops there. */
export async function loadChinook(options: LoadOptions): Promise<LoadResult> {
  const started = performance.now();
  const entities = await readChinook();
  const total = entities.reduce((sum, { records }) => sum + records.length, 0);
  const send = sender(options);

  for (const { name, document } of entities) await send('PUT', `entities/${name}`, document);

  let done = 0;
  let stored = 0;
  for (const entity of entities) {
    const missing = await missingRecords(entity, send);
    const known = entity.records.length - missing.length;
    if (known > 0)
      options.onNotice?.(`${entity.name}: ${known} of ${counted(entity.records.length, 'record')} were there already`);
    done += known;
    options.onProgress(done, total, entity.name);
    for (let from = 0; from < missing.length; from += BATCH) {
      const batch = missing.slice(from, from + BATCH);
      await send('POST', `records/${entity.name}`, batch, { prefer: 'return=minimal' });
      done += batch.length;
      stored += batch.length;
      options.onProgress(done, total, entity.name);
    }
  }
  return { entities: entities.length, records: stored, seconds: (performance.now() - started) / 1_000 };
}

/** The example as it lies in the package, every entity after those its relations name. */
export async function readChinook(): Promise<readonly ExampleEntity[]> {
  const folder = join(packageRoot(), 'schemas/examples/chinook');
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json')).sort();
  const entities = await Promise.all(
    files.map(async (file) => {
      const name = file.slice(0, -'.json'.length);
      const lines = (await readFile(join(folder, 'data', `${name}.ndjson`), 'utf8')).split('\n').filter((line) => line !== '');
      return {
        name,
        document: JSON.parse(await readFile(join(folder, file), 'utf8')) as JsonObject,
        records: lines.map((line) => JSON.parse(line) as JsonObject),
      };
    }),
  );
  return relationsFirst(entities);
}

/** Depth first along the relations; a relation to itself or round a circle does not hold an entity back. */
export function relationsFirst<E extends { readonly name: string; readonly document: JsonObject }>(
  entities: readonly E[],
): readonly E[] {
  const byName = new Map(entities.map((entity) => [entity.name, entity]));
  const ordered = new Set<E>();
  const entered = new Set<string>();
  const visit = (entity: E): void => {
    if (entered.has(entity.name)) return;
    entered.add(entity.name);
    for (const target of relationTargets(entity.document)) {
      const found = byName.get(target);
      if (found) visit(found);
    }
    ordered.add(entity);
  };
  entities.forEach(visit);
  return [...ordered];
}

function relationTargets(document: JsonObject): readonly string[] {
  return Object.values(members(document.properties)).flatMap((property) => {
    const target = members(members(property).relation).entity;
    return typeof target === 'string' ? [target] : [];
  });
}

function members(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

/** What makes a record itself: its `unique` property, else the first of the entity's `uniqueKeys`. */
function naturalKey({ name, document }: ExampleEntity): readonly string[] {
  const single = Object.entries(members(document.properties)).find(([, property]) => members(property).unique === true);
  if (single) return [single[0]];
  const [first] = (document.uniqueKeys ?? []) as readonly (readonly string[])[];
  if (first === undefined) throw new Error(`${name} has no unique key: a second run could not tell what is there already.`);
  return first;
}

/** Pages through the natural keys that are stored, so that an interrupted run can be taken up where it stopped. */
async function missingRecords(entity: ExampleEntity, send: Send): Promise<readonly JsonObject[]> {
  const key = naturalKey(entity);
  const keyOf = (record: JsonObject) => JSON.stringify(key.map((field) => record[field]));
  const stored = new Set<string>();
  for (let offset = 0; ; ) {
    const page = await send('GET', `records/${entity.name}?select=${key.join(',')}&order=id&limit=${BATCH}&offset=${offset}`);
    if (!Array.isArray(page)) throw new Error(`records/${entity.name} did not answer with a list.`);
    for (const record of page) stored.add(keyOf(record));
    if (page.length === 0) return entity.records.filter((record) => !stored.has(keyOf(record)));
    offset += page.length;
  }
}

type Send = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<unknown>;

function sender({ baseUrl, tenantId, token, fetch: send = fetch }: LoadOptions): Send {
  return async (method, path, body, headers = {}) => {
    const url = new URL(`/api/v1/tenants/${encodeURIComponent(tenantId)}/${path}`, baseUrl);
    const response = await send(url, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    }).catch((cause: unknown) => {
      throw new Error(`${method} ${url.pathname}: no answer from ${url.origin} (${reasonOf(cause)})`, { cause });
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${url.pathname} was answered ${response.status}. ${explanation(text)}`);
    return text === '' ? undefined : JSON.parse(text);
  };
}

/** fetch says only "fetch failed"; the operating system's reason (ECONNREFUSED …) is in its cause. */
function reasonOf(error: unknown): string {
  const { message = String(error), cause } = error as { message?: string; cause?: { code?: string } };
  return cause?.code ?? message;
}

/** The sentence of a problem document (RFC 9457) and its first faults; any other body is quoted in part. */
function explanation(text: string): string {
  const problem = parsed(text);
  if (typeof problem.title !== 'string') return text.slice(0, 200) || 'It did not say why.';
  const faults = (Array.isArray(problem.errors) ? (problem.errors as readonly JsonValue[]) : [])
    .slice(0, 5)
    .map(members)
    .map((fault) => `\n  ${fault.pointer || '(the whole body)'}: ${fault.message}`);
  return `${problem.title}: ${problem.detail}${faults.join('')}`;
}

function parsed(text: string): JsonObject {
  try {
    return members(JSON.parse(text));
  } catch {
    return {};
  }
}
