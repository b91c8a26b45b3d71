import type { JsonObject, JsonValue } from '../../platform/json-value.js';
import { compareEntities } from '../change/compare.js';
import { readEntity } from '../document/read-entity.js';
import type { TenantHome } from '../entity.js';
import type { Operation } from './operation.js';
import { type Draft, draftPlan, type Failing, finishPlan, type Plan, type RowFacts } from './plan.js';
import { type Transition, type TransitionInput, transition } from './transition.js';

/** Changes between two small documents and what becomes of them, for the specs beside it and in `operations/`. */

export const HOME: TenantHome = {
  tenantId: '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b',
  schema: 't_1',
  role: 'tn_1',
  ownerRole: 'own_1',
};

/** Another entity that relations may point at. */
export const SITE = readEntity('site', {
  type: 'object',
  properties: { code: { type: 'string', unique: true }, name: { type: 'string' } },
  additionalProperties: false,
});

/** A document without undeclared members; `!` after a name makes the property required. */
export function closed(properties: JsonObject, words: JsonObject = {}): JsonObject {
  return { additionalProperties: false, ...open(properties, words) };
}

/** The same, with undeclared members kept. */
export function open(properties: JsonObject, words: JsonObject = {}): JsonObject {
  const names = Object.keys(properties);
  const entries = names.map((name) => [name.replace(/!$/, ''), properties[name] as JsonValue]);
  const required = names.filter((name) => name.endsWith('!')).map((name) => name.slice(0, -1));
  return { type: 'object', properties: Object.fromEntries(entries), ...(required.length > 0 && { required }), ...words };
}

interface Options extends Partial<Pick<TransitionInput, 'renames' | 'kept' | 'guards' | 'past' | 'hiddenCells'>> {
  readonly name?: string;
  readonly nameAfter?: string;
}

export interface Changed {
  readonly t: Transition;
  readonly draft: Draft;
  /** In the order of the plan. */
  readonly kinds: readonly string[];
  /** The only one of its kind. */
  operation(kind: Operation['kind']): Operation;
  /** As a plan of so many rows, of which each condition holds for none. */
  plan(rows?: number, facts?: Partial<RowFacts>): Plan;
  /** Its statements, for a table of a few rows. */
  readonly small: string;
  /** And for one of a million. */
  readonly large: string;
}

/** From one document of the entity `item` to another, as version 2. */
export function change(before: JsonObject, after: JsonObject, options: Options = {}): Changed {
  const { name = 'item', nameAfter = name, ...rest } = options;
  const t = transition({
    ...{ home: HOME, before: readEntity(name, before), after: readEntity(nameAfter, after) },
    ...{ resolve: (target: string) => (target === 'site' ? SITE : undefined), version: 2, ...rest },
  });
  return changed(t);
}

export function changed(t: Transition): Changed {
  const draft = draftPlan(t, compareEntities(t.before, t.after, t.renames));
  const plan = (rows = 10, facts: Partial<RowFacts> = {}) =>
    finishPlan(draft, { rows, bytes: rows * 100, countMs: rows / 1_000, counts: new Map(), failing: new Map(), ...facts });
  return {
    t,
    draft,
    kinds: draft.operations.map(({ kind }) => kind),
    operation(kind) {
      const found = draft.operations.filter((operation) => operation.kind === kind);
      if (found.length !== 1) throw new Error(`${found.length} operations of kind ${kind}`);
      return found[0] as Operation;
    },
    plan,
    small: script(plan()),
    large: script(plan(1_000_000)),
  };
}

/** Each statement after its stage and who runs it. */
function script({ statements }: Plan): string {
  return statements.map(({ stage, as, alone, sql }) => `-- ${stage}, ${as}${alone ? ', alone' : ''}\n${sql}`).join('\n');
}

/** Facts in which these rows fail the probe of that message. */
export function failing({ draft }: Changed, message: RegExp, found: Failing): Partial<RowFacts> {
  const probes = draft.probes.filter(({ probe }) => message.test(probe.message));
  if (probes.length !== 1) throw new Error(`${probes.length} probes say ${message}`);
  return { failing: new Map(probes.map(({ probe }) => [probe, found])) };
}
