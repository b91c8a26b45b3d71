import type { PlanAnswer } from '../../src/entities/change-request.js';
import type { TestTenant } from './service.js';

/** Definitions as an admin changes them: look at the plan, then apply exactly that. */

export type Call = Awaited<ReturnType<TestTenant['as']>>;

export interface Definition {
  readonly name: string;
  readonly version: number;
  readonly document: object;
}

/** An entity that takes no undeclared members, unless `rest` says so. */
export function document<Properties extends object>(properties: Properties, rest: object = {}) {
  return { type: 'object', additionalProperties: false, properties, ...rest };
}

export async function planOf(call: Call, entity: string, wanted: object): Promise<PlanAnswer> {
  const answer = await call('post', `/entities/${entity}/plan`).send(wanted);
  if (answer.status !== 200) throw new Error(`plan ${entity}: ${answer.status} ${answer.text}`);
  return answer.body;
}

/** Plans and applies by the hash. @throws when it is not done at once */
export async function change(
  call: Call,
  entity: string,
  wanted: object,
  allow: readonly string[] = [],
): Promise<{ readonly plan: PlanAnswer; readonly definition: Definition }> {
  const plan = await planOf(call, entity, wanted);
  const request = call('post', `/entities/${entity}/apply`).set('prefer', 'wait=60');
  const answer = await request.send({ document: wanted, hash: plan.hash, allow });
  if (answer.status > 201) throw new Error(`apply ${entity}: ${answer.status} ${answer.text}`);
  return { plan, definition: answer.body };
}

const SYSTEM = new Set(['id', 'created_at', 'updated_at', 'created_by', 'updated_by', 'revision']);

/** What a record holds of its own. */
export function contentOf(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([member]) => !SYSTEM.has(member)));
}

/** Of all records, in the order they were stored. */
export async function contents(call: Call, entity: string, query = ''): Promise<Record<string, unknown>[]> {
  const answer = await call('get', `/records/${entity}?order=id${query}`);
  if (answer.status !== 200) throw new Error(`list ${entity}: ${answer.status} ${answer.text}`);
  return answer.body.map(contentOf);
}

let stored = 0;

/** Stores records and answers with their ids, which are in order: those of one millisecond would not be. */
export async function store(call: Call, entity: string, records: readonly object[]): Promise<string[]> {
  const ids = records.map(() => `00000000-0000-7000-8000-${(++stored).toString(16).padStart(12, '0')}`);
  const answer = await call('post', `/records/${entity}`).send(records.map((record, index) => ({ ...record, id: ids[index] })));
  if (answer.status !== 201) throw new Error(`store ${entity}: ${answer.status} ${answer.text}`);
  return ids;
}

/** Where the catalog differs from the registry; empty as long as everything is right. */
export async function driftOf(call: Call, entity: string): Promise<unknown[]> {
  const answer = await call('get', `/entities/${entity}/drift`);
  if (answer.status !== 200) throw new Error(`drift ${entity}: ${answer.status} ${answer.text}`);
  return answer.body.items;
}
