/**
 * The error catalog (RFC 9457). Every error a client can see is one line of this table: a stable `type`
 * (`urn:bss:problem:<family>/<name>`), a status and a title. Families are the stages of a request.
 */

interface CatalogEntry {
  readonly status: number;
  readonly title: string;
}

const CATALOG = {
  'request/malformed': { status: 400, title: 'The request is not well-formed' },
  'request/malformed-json': { status: 400, title: 'The body is not valid JSON' },
  'request/unfaithful-json': { status: 400, title: 'The body holds a value that could not be stored and returned unchanged' },
  'request/invalid': { status: 422, title: 'The request does not have the expected shape' },
  'request/invalid-query': { status: 400, title: 'The query string could not be understood' },
  'request/invalid-cursor': { status: 400, title: 'The cursor does not lead on from here' },
  'request/too-complex': { status: 400, title: 'The query asks for more than one request may' },
  'request/unknown-relationship': { status: 400, title: 'The query follows a relationship that does not exist' },
  'request/ambiguous-relationship': { status: 300, title: 'The query follows a relationship that could be several' },
  'request/invalid-header': { status: 400, title: 'A request header could not be understood' },
  'request/not-acceptable': { status: 406, title: 'There is no representation of the kind that is asked for' },
  'request/unknown-profile': { status: 406, title: 'There is no schema of this name' },
  'request/range-not-satisfiable': { status: 416, title: 'The list ends before the rows that are asked for' },
  'request/too-large': { status: 413, title: 'The request body is too large' },
  'request/headers-too-large': { status: 431, title: 'The headers of the request are too large' },
  'request/timeout': { status: 408, title: 'The request took too long to arrive' },
  'request/rate-limited': { status: 429, title: 'Too many requests in a short time' },
  'request/quota-exceeded': { status: 429, title: 'The requests of the day are used up' },
  'request/too-many-waiting': { status: 429, title: 'Too many requests of the tenant at once' },
  'request/unsupported-media-type': { status: 415, title: 'The request body has an unsupported media type or encoding' },
  'request/idempotency-in-progress': { status: 409, title: 'A request with the same Idempotency-Key is not finished' },
  'request/idempotency-key-reused': { status: 422, title: 'The Idempotency-Key was used for another request' },
  'request/answer-too-large': { status: 413, title: 'The answer is too large to be kept for repeats' },
  'request/not-found': { status: 404, title: 'There is nothing at this path' },

  'auth/missing-credentials': { status: 401, title: 'Credentials are missing' },
  'auth/invalid-token': { status: 401, title: 'The access token was not accepted' },
  'auth/issuer-unavailable': { status: 503, title: 'The Auth Service cannot be reached' },
  'auth/tenant-mismatch': { status: 403, title: 'The token belongs to another tenant' },
  'auth/forbidden': { status: 403, title: 'The role does not permit this operation' },
  'auth/grant-refused': { status: 403, title: 'The access grant does not let in here' },
  'audit/unavailable': { status: 503, title: 'The audit trail cannot be written' },

  'grant/not-found': { status: 404, title: 'No such access grant' },
  'grant/ended': { status: 409, title: 'The access grant is revoked or has expired' },

  'key/not-found': { status: 404, title: 'No such API key' },
  'key/ended': { status: 409, title: 'The API key is revoked or has expired' },
  'key/not-configured': { status: 501, title: 'This installation makes no API keys' },
  'key/no-provider': { status: 501, title: 'This installation encrypts nothing' },
  'key/no-subject': { status: 404, title: 'Nothing is encrypted under a key of this subject' },
  'key/unavailable': { status: 503, title: 'The encryption keys of the tenant cannot be had' },
  'key/destroyed': { status: 410, title: 'The encryption keys were destroyed' },
  'key/busy': { status: 409, title: 'Work on the encryption keys of the tenant is under way' },
  'key/none': { status: 409, title: 'The tenant has no encryption keys' },
  'key/job-not-found': { status: 404, title: 'No such work on encryption keys' },
  'key/refused': { status: 422, title: 'The key provider or its key cannot be used' },
  'key/integrity': { status: 500, title: 'INTEGRITY: an encrypted value is not what was stored' },

  'role/not-found': { status: 404, title: 'The tenant has made no such role' },
  'role/too-many': { status: 409, title: 'The tenant has as many roles as it may' },

  'webhook/not-found': { status: 404, title: 'No such webhook' },
  'webhook/delivery-not-found': { status: 404, title: 'No such delivery' },
  'webhook/too-many': { status: 409, title: 'The tenant has as many webhooks as it may' },
  'webhook/disabled': { status: 409, title: 'The webhook is disabled' },
  'webhook/busy': { status: 409, title: 'The webhook is doing this already' },
  'webhook/not-configured': { status: 501, title: 'This installation sends no webhooks' },

  'tenant/not-found': { status: 404, title: 'No such tenant' },
  'tenant/exists': { status: 409, title: 'A tenant with this slug exists' },
  'tenant/full': { status: 403, title: 'The tenant stores as many rows as it may' },
  'tenant/suspended': { status: 403, title: 'The tenant is suspended' },

  'entity/not-found': { status: 404, title: 'No such entity' },
  'entity/invalid-document': { status: 422, title: 'The entity document was refused' },
  'entity/needs-plan': { status: 409, title: 'The change is not purely additive and needs a plan' },
  'entity/needs-answer': { status: 409, title: 'The plan asks a question that only its author can answer' },
  'entity/not-allowed': { status: 409, title: 'The change has to be allowed in so many words' },
  'entity/plan-impossible': { status: 409, title: 'Records stand in the way of the change' },
  'entity/plan-stale': { status: 409, title: 'What the plan was made for has changed since' },
  'entity/change-in-progress': { status: 409, title: 'A change of the entity is under way' },
  'entity/change-aborted': { status: 409, title: 'The change was aborted' },
  'entity/change-not-found': { status: 404, title: 'No such change' },
  'entity/version-not-found': { status: 404, title: 'No such version' },
  'entity/nothing-retained': { status: 404, title: 'Nothing is kept under this name' },
  'entity/exists': { status: 409, title: 'The tenant has an entity of this name' },
  'entity/still-referenced': { status: 409, title: 'Other entities refer to this one' },
  'entity/drifted': { status: 409, title: 'The catalog differs from what the registry says' },
  'entity/busy': { status: 503, title: 'The definition could not take its locks in time' },

  'pack/not-found': { status: 404, title: 'No such pack, or no such version of it' },
  'pack/conflict': { status: 409, title: 'The pack and what the tenant has do not fit together' },
  'pack/owned': { status: 409, title: 'The change touches what belongs to a pack' },
  'rollout/not-found': { status: 404, title: 'No such rollout' },
  'rollout/conflict': { status: 409, title: 'The rollout is not in a state for this' },
  'publishing/not-found': { status: 404, title: 'Nothing is published there' },
  'publishing/not-in-trouble': { status: 409, title: 'No event of the tenant is held up there' },
  'publishing/other-event': { status: 409, title: 'Another event is the one that is held up' },

  'record/not-found': { status: 404, title: 'No such record' },
  'record/not-deleted': { status: 404, title: 'No such deleted record' },
  'record/not-single': { status: 406, title: 'The result is not exactly one record' },
  'record/field-forbidden': { status: 403, title: 'The roles do not permit this of a property' },
  'record/row-forbidden': { status: 403, title: 'The row rules of the entity do not permit this' },
  'record/invalid': { status: 422, title: 'The record does not match the entity document' },
  'record/duplicate': { status: 409, title: 'A unique value is already taken' },
  'record/reference-missing': { status: 409, title: 'A relation points at a record that does not exist' },
  'record/still-referenced': { status: 409, title: 'Other records still refer to this record' },
  'record/precondition-failed': { status: 412, title: 'The record has changed since it was read' },
  'record/precondition-required': { status: 428, title: 'Writes to this entity must send If-Match' },
  'record/key-repeated': { status: 400, title: 'Two records of the body have the same key' },
  'record/patch-failed': { status: 409, title: 'A test of the patch failed' },
  'record/too-many-affected': { status: 400, title: 'The request would change more records than it allows' },
  'record/too-many': { status: 413, title: 'Too many records in one request' },

  'past/not-kept': { status: 409, title: 'The entity does not keep this of its past' },
  'past/out-of-reach': { status: 400, title: 'What is kept does not reach back so far' },
  'past/type-changed': { status: 409, title: 'Values of then cannot be read with the type of now' },

  'import/not-found': { status: 404, title: 'No such import' },
  'import/aborted': { status: 422, title: 'The import ended at a record that was refused' },
  'import/conflict': { status: 409, title: 'The import is not in a state for this, or what is sent is not what it began with' },
  'import/interrupted': { status: 503, title: 'The import is not finished' },

  'database/invalid-value': { status: 400, title: 'A value could not be read as the type of its column' },
  'database/context-missing': {
    status: 500,
    title: 'TENANT_CONTEXT_MISSING: the database refused a statement without tenant context',
  },
  'database/unavailable': { status: 503, title: 'The database cannot be reached' },
  'database/timeout': { status: 503, title: 'The statement took too long and was cancelled' },
  'database/conflict': { status: 409, title: 'The transaction collided with another one; try again' },

  'service/internal': { status: 500, title: 'Something went wrong on our side' },
} as const satisfies Record<string, CatalogEntry>;

export type ProblemName = keyof typeof CATALOG;

/** One fault inside a document or record: where (RFC 6901 JSON Pointer), which rule, and what to do about it. */
export interface Fault {
  readonly pointer: string;
  readonly rule: string;
  readonly message: string;
}

/** Extension members of the problem document (RFC 9457 §3.2). */
export interface ProblemExtensions {
  readonly errors?: readonly Fault[];
  readonly [member: string]: unknown;
}

/** The media type of every error body. */
export const PROBLEM_JSON = 'application/problem+json';

/** An error a client may see. `detail` never carries text from Postgres nor a value of a record. */
export class Problem extends Error {
  readonly status: number;
  readonly title: string;

  constructor(
    readonly code: ProblemName,
    readonly detail: string,
    readonly extensions: ProblemExtensions = {},
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(`${code}: ${detail}`);
    this.name = 'Problem';
    this.status = CATALOG[code].status;
    this.title = CATALOG[code].title;
  }

  /** The RFC 9457 document; `instance` is `urn:bss:request:<request id>`. */
  toJSON(): Record<string, unknown> {
    return {
      type: `urn:bss:problem:${this.code}`,
      title: this.title,
      status: this.status,
      detail: this.detail,
      ...this.extensions,
    };
  }
}
