import { problemOf } from '../database/sqlstate.js';
import type { Row } from '../database/statement-batch.js';
import type { TenantTx } from '../database/tenant-tx.js';
import { arrayLiteral } from '../model/query/array-literal.js';
import type { Statement } from '../model/sql.js';
import { Problem } from '../platform/problem.js';

/** The table of answers kept for repeats (migrations/0005_idempotency.sql): claim a key, keep its answer, find it again. */

/** What a stored answer is bound to. */
export interface KeyedRequest {
  readonly tenantId: string;
  readonly subject: string;
  /** SHA-256, hex. */
  readonly keyHash: string;
  /** Fingerprints, hex: the first is kept, and each is that of this request. */
  readonly requestHashes: readonly string[];
}

/** An answer as it stands in the table: `sealed`, or `headers` and `body` as JSON text; none of them once it is forgotten. */
export interface KeptAnswer {
  readonly status: number;
  readonly headers: string | null;
  readonly body: string | null;
  /** As Postgres writes bytes; with it, neither headers nor body. */
  readonly sealed: string | null;
  /** Of one that is about to be kept sealed: the epoch of its keys. */
  readonly keys?: number;
}

/** As many bytes a kept body may have: the table has the same limit. */
const LARGEST_BODY_BYTES = 1_000_000;

/** Ends the work of a request that was answered before: carries that answer past the handler. */
export class AnsweredBefore extends Error {
  constructor(readonly answer: KeptAnswer) {
    super('the request was answered before');
    this.name = 'AnsweredBefore';
  }
}

/**
 * The transaction's first statement: whoever claims a key that another transaction has claimed waits for its end, and its own row is
 * claimed when that was rolled back.
 * @throws AnsweredBefore when there is an answer: the transaction is over then
 * @throws Problem request/idempotency-key-reused, or request/idempotency-in-progress when the other takes too long
 */
export async function claimKey(tx: TenantTx, request: KeyedRequest, hours: number): Promise<void> {
  const claimed = await tx.query(claimStatement(request, hours)).catch((error: unknown) => {
    throw problemOf(error)?.code === 'database/timeout' ? inProgress() : error;
  });
  if (claimed.length > 0) return;
  const answer = await findAnswer(tx, request);
  if (!answer) throw new Error('a key that could not be claimed has no answer');
  throw new AnsweredBefore(answer);
}

/**
 * The answer given before; null when there is none or it has expired. Ends the transaction.
 * @throws Problem request/idempotency-key-reused
 */
export async function findAnswer(tx: TenantTx, request: KeyedRequest): Promise<KeptAnswer | null> {
  const [row] = await tx.last(findStatement(request));
  if (!row) return null;
  const [same, status, headers = null, body = null, sealed = null] = row as Row;
  if (same === 't') return { status: Number(status), headers, body, sealed };
  throw new Problem(
    'request/idempotency-key-reused',
    'Another method, path, query or body was sent with this Idempotency-Key, or by you in other roles. Repeat that request as it was, or ' +
      'choose a new key.',
  );
}

/** @throws Problem request/answer-too-large: an answer that could not be repeated is not given, and nothing is written */
export function assertKeepable(body: string | null): void {
  if (body === null || Buffer.byteLength(body) <= LARGEST_BODY_BYTES) return;
  throw new Problem(
    'request/answer-too-large',
    'With an Idempotency-Key the answer may have 1 MB. Nothing was written: send Prefer: return=minimal, or fewer records.',
    { limit: LARGEST_BODY_BYTES },
  );
}

/** Keeps the answer and commits with the same round trip. */
export async function keepAnswer(tx: TenantTx, request: KeyedRequest, answer: KeptAnswer): Promise<void> {
  await tx.last(keepStatement(request, answer));
}

export function inProgress(): Problem {
  return new Problem(
    'request/idempotency-in-progress',
    'A request with this Idempotency-Key is still being worked on. Send it again to get its answer.',
    {},
    { 'Retry-After': '2' },
  );
}

function claimStatement({ tenantId, subject, keyHash, requestHashes }: KeyedRequest, hours: number): Statement {
  return {
    name: 'bss_claim_key',
    text: `insert into business_store_service.idempotency_keys as k (tenant_id, subject, key_hash, request_hash, expires_at)
values ($1::uuid, $2, $3::bytea, $4::bytea, now() + make_interval(hours => $5::integer))
on conflict (tenant_id, subject, key_hash) do update
set request_hash = excluded.request_hash,
    expires_at = excluded.expires_at,
    status = null,
    headers = null,
    body = null,
    sealed = null
where k.expires_at <= now()
returning true`,
    values: [tenantId, subject, `\\x${keyHash}`, `\\x${requestHashes[0]}`, String(hours)],
  };
}

function findStatement({ tenantId, subject, keyHash, requestHashes }: KeyedRequest): Statement {
  return {
    name: 'bss_find_answer',
    text: `select request_hash = any($4::bytea[]), status, headers, body, sealed
from business_store_service.idempotency_keys
where tenant_id = $1::uuid
  and subject = $2
  and key_hash = $3::bytea
  and expires_at > now()`,
    values: [tenantId, subject, `\\x${keyHash}`, arrayLiteral(requestHashes.map((hash) => `\\x${hash}`))],
  };
}

function keepStatement(
  { tenantId, subject, keyHash }: KeyedRequest,
  { status, headers, body, sealed, keys }: KeptAnswer,
): Statement {
  return {
    name: 'bss_keep_answer',
    text: `update business_store_service.idempotency_keys
set status = $4::smallint,
    headers = $5::json,
    body = $6,
    sealed = $7::bytea
where tenant_id = $1::uuid
  and subject = $2
  and key_hash = $3::bytea`,
    values: [tenantId, subject, `\\x${keyHash}`, String(status), headers, body, sealed],
    ...(keys === undefined ? {} : { keys }),
  };
}
