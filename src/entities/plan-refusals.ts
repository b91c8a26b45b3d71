import { databaseErrorOf } from '../database/sqlstate.js';
import { tableShape } from '../model/plan/shape.js';
import { counted } from '../platform/counted.js';
import { Problem } from '../platform/problem.js';
import type { ChangeRequest, PlanAnswer } from './change-request.js';
import { drifted, driftOf, type PlannedChange } from './planner.js';

/** Why a plan is not applied, each as a problem that carries the plan there is. */

/** @throws Problem that carries the plan: a question, rows in the way, or what is not allowed. */
export function assertMayApply(answer: PlanAnswer, { hash, allow = [] }: ChangeRequest): void {
  if (hash !== undefined && hash !== answer.hash) throw planStale(answer);
  const open = answer.questions.filter((question) => !allow.includes(question.answer));
  if (open.length > 0) {
    throw new Problem('entity/needs-answer', `${open[0]?.message}.`, { questions: open, plan: answer });
  }
  if (!answer.possible) throw impossible(answer);
  const missing = answer.needs.filter((need) => !allow.includes(need));
  if (missing.length > 0) {
    const detail = `Look at the plan; if it is what you want, allow ${missing.map((need) => JSON.stringify(need)).join(' and ')}.`;
    throw new Problem('entity/not-allowed', detail, { needs: missing, plan: answer });
  }
}

/** Applies at once, cannot fail or lose anything on existing rows, and what was valid stays valid. */
export function assertAdditive({ changes, plan, answer }: PlannedChange): void {
  const adopted = new Set(
    plan.steps.flatMap(({ as, rows, operation }) => (as === 'tenant' && rows > 0 && operation !== null ? [operation] : [])),
  );
  const moving = new Set([...adopted].map((index) => plan.operations[index]?.property));
  const failing = new Set(plan.operations.filter((each) => each.failing.length > 0).map(({ property }) => property));
  const obstacles = changes.filter(
    ({ additive, needsCheck, property }) => !additive && !(needsCheck && !moving.has(property) && !failing.has(property)),
  );
  if (obstacles.length === 0) return;
  throw new Problem(
    'entity/needs-plan',
    'The document changes more than can be applied at once. Look at the plan, and apply it by its hash; or keep what exists and only add to it.',
    { changes: obstacles.map(({ kind, pointer, message }) => ({ kind, pointer, message })), plan: answer },
  );
}

export function tooManyColumns(): Problem {
  const detail =
    'Postgres gives a table 1,600 columns in its whole life, dropped ones included, and this table has had them. Move the records to a new entity.';
  return new Problem('entity/invalid-document', detail, { limit: 1_600 });
}

export function driftIn(
  { current, plan, transition: { home, before, resolve } }: PlannedChange,
  error: unknown,
): Problem | undefined {
  const { constraint } = databaseErrorOf(error) ?? {};
  const ours = tableShape(home, before, resolve).constraints.map(({ name }) => name);
  if (constraint === undefined || ours.includes(constraint) || plan.statements.some(({ sql }) => sql.includes(constraint))) {
    return driftOf(error, current.name);
  }
  return drifted(current.name, `the constraint ${JSON.stringify(constraint)} is not of this service`);
}

export function impossible(answer: PlanAnswer): Problem {
  const failing = answer.operations.flatMap(({ failing: found, pointer, property }) =>
    found.map((each) => ({ pointer, ...(property === undefined ? {} : { property }), ...each })),
  );
  const [first] = failing;
  const detail = first
    ? `${counted(first.rows, 'record')}: ${first.message}. Way out: ${first.wayOut}.`
    : 'Records stand in the way.';
  return new Problem('entity/plan-impossible', detail, { failing, plan: answer });
}

export function planStale(answer: PlanAnswer): Problem {
  return new Problem(
    'entity/plan-stale',
    'What the plan was made for has changed: the entity, its table, its size, or the document. Look at the new plan, and apply that.',
    { plan: answer },
  );
}
