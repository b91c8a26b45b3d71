/** The error answers of record operations as `components/responses`: one per status, listing the problem types it stands for. */

import type { JsonObject } from '../platform/json-value.js';
import { PROBLEM_JSON, Problem, type ProblemName } from '../platform/problem.js';
import { LIMITS_TOLD, RETRY_AFTER } from './limit-headers.js';

/** Every line of the error catalog: may a record operation answer with it? A new line does not compile until it is here. */
const ANSWERED: Readonly<Record<ProblemName, boolean>> = {
  'request/malformed': true,
  'request/malformed-json': true,
  'request/unfaithful-json': true,
  'request/invalid': true,
  'request/invalid-query': true,
  'request/invalid-cursor': true,
  'request/too-complex': true,
  'request/unknown-relationship': true,
  'request/ambiguous-relationship': true,
  'request/invalid-header': true,
  'request/not-acceptable': true,
  'request/unknown-profile': false,
  'request/range-not-satisfiable': false,
  'request/too-large': true,
  'request/headers-too-large': false,
  'request/timeout': false,
  'request/rate-limited': true,
  'request/quota-exceeded': true,
  'request/too-many-waiting': true,
  'request/unsupported-media-type': true,
  'request/idempotency-in-progress': true,
  'request/idempotency-key-reused': true,
  'request/answer-too-large': true,
  'request/not-found': true,
  'auth/missing-credentials': true,
  'auth/invalid-token': true,
  'auth/issuer-unavailable': true,
  'auth/tenant-mismatch': true,
  'auth/forbidden': true,
  'auth/grant-refused': true,
  'audit/unavailable': true,
  'grant/not-found': false,
  'grant/ended': false,
  'key/not-found': false,
  'key/ended': false,
  'key/not-configured': false,
  'key/no-provider': true,
  'key/unavailable': true,
  'key/destroyed': true,
  'key/busy': false,
  'key/none': false,
  'key/no-subject': false,
  'key/refused': false,
  'key/job-not-found': false,
  'key/integrity': true,
  'role/not-found': false,
  'role/too-many': false,
  'webhook/not-found': false,
  'webhook/delivery-not-found': false,
  'webhook/too-many': false,
  'webhook/disabled': false,
  'webhook/busy': false,
  'webhook/not-configured': false,
  'tenant/not-found': true,
  'tenant/exists': false,
  'tenant/full': true,
  'tenant/suspended': true,
  'entity/not-found': true,
  'entity/invalid-document': false,
  'entity/needs-plan': false,
  'entity/needs-answer': false,
  'entity/not-allowed': false,
  'entity/plan-impossible': false,
  'entity/plan-stale': false,
  'entity/change-in-progress': true,
  'entity/change-aborted': false,
  'entity/change-not-found': false,
  'entity/version-not-found': false,
  'entity/nothing-retained': false,
  'entity/exists': false,
  'entity/still-referenced': false,
  'entity/drifted': false,
  'entity/busy': false,
  'pack/not-found': false,
  'pack/conflict': false,
  'pack/owned': false,
  'rollout/not-found': false,
  'rollout/conflict': false,
  'publishing/not-found': false,
  'publishing/not-in-trouble': false,
  'publishing/other-event': false,
  'record/not-found': true,
  'record/not-deleted': true,
  'record/not-single': true,
  'record/field-forbidden': true,
  'record/row-forbidden': true,
  'record/invalid': true,
  'record/duplicate': true,
  'record/reference-missing': true,
  'record/still-referenced': true,
  'record/precondition-failed': true,
  'record/precondition-required': true,
  'record/key-repeated': true,
  'record/patch-failed': true,
  'record/too-many-affected': true,
  'record/too-many': true,
  'past/not-kept': true,
  'past/out-of-reach': true,
  'past/type-changed': true,
  'import/not-found': false,
  'import/aborted': true,
  'import/conflict': true,
  'import/interrupted': true,
  'database/invalid-value': true,
  'database/context-missing': true,
  'database/unavailable': true,
  'database/timeout': true,
  'database/conflict': true,
  'service/internal': true,
};

const CHALLENGE: JsonObject = {
  'WWW-Authenticate': { schema: { type: 'string' }, description: 'RFC 6750: which credentials are wanted.' },
};

const RETRIED: ReadonlySet<number> = new Set([429, 503]);

/** Who is not known has no limit to be told of. */
function headersOf(status: number): JsonObject {
  if (status === 401) return CHALLENGE;
  return RETRIED.has(status) ? { ...LIMITS_TOLD, ...RETRY_AFTER } : LIMITS_TOLD;
}

export const PROBLEM_SCHEMAS: JsonObject = {
  problem: {
    type: 'object',
    title: 'Problem',
    description: 'RFC 9457. `type` is stable; `detail` says what is wrong and what to do.',
    required: ['type', 'title', 'status', 'detail'],
    properties: {
      type: { type: 'string', format: 'uri' },
      title: { type: 'string' },
      status: { type: 'integer', minimum: 300, maximum: 599 },
      detail: { type: 'string' },
      instance: { type: 'string', format: 'uri', description: 'The request, as it is named in the logs.' },
      errors: { type: 'array', items: { $ref: '#/components/schemas/problem.fault' } },
    },
  },
  'problem.fault': {
    type: 'object',
    title: 'Fault',
    required: ['pointer', 'rule', 'message'],
    properties: {
      pointer: { type: 'string', format: 'json-pointer', description: 'Where in the body (RFC 6901).' },
      rule: { type: 'string', description: 'The keyword that was not satisfied.' },
      message: { type: 'string' },
    },
  },
};

/** Status → problems, from the catalog, in its order. */
const BY_STATUS: ReadonlyMap<number, readonly Problem[]> = groupByStatus();

export const PROBLEM_RESPONSES: JsonObject = Object.fromEntries(
  [...BY_STATUS].map(([status, problems]) => [
    `problem.${status}`,
    {
      description: [...new Set(problems.map(titleOf))].join('. '),
      headers: headersOf(status),
      content: {
        [PROBLEM_JSON]: {
          schema: {
            allOf: [{ $ref: '#/components/schemas/problem' }],
            properties: { type: { enum: problems.map(({ code }) => `urn:bss:problem:${code}`) }, status: { const: status } },
          },
        },
      },
    },
  ]),
);

/** The `responses` members for these statuses. @throws when the catalog has no problem with such a status. */
export function problemResponses(statuses: readonly number[]): JsonObject {
  return Object.fromEntries(
    statuses.map((status) => {
      if (!BY_STATUS.has(status)) throw new Error(`No problem of the catalog has status ${status}.`);
      return [String(status), { $ref: `#/components/responses/problem.${status}` }];
    }),
  );
}

function groupByStatus(): ReadonlyMap<number, readonly Problem[]> {
  const grouped = new Map<number, Problem[]>();
  for (const [name, answered] of Object.entries(ANSWERED)) {
    if (!answered) continue;
    const problem = new Problem(name as ProblemName, '');
    grouped.set(problem.status, [...(grouped.get(problem.status) ?? []), problem]);
  }
  return grouped;
}

function titleOf(problem: Problem): string {
  return String(problem.toJSON().title);
}
