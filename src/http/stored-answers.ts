import { problemOf } from '../database/sqlstate.js';
import type { Row } from '../database/statement-batch.js';
import type { TenantTx } from '../database/tenant-tx.js';
import type { Statement } from '../model/sql.js';
import { Problem } from '../platform/problem.js';
import { Answer } from './answer.js';

/** The table of answers kept for repeats (migrations/0005_idempotency.sql): claim a key, keep its answer, find it again. */

/** What a stored answer is bound to. The hashes are SHA-256, hex. */
export interface KeyedRequest {
  readonly tenantId: string;
  readonly subject: string;
  readonly keyHash: string;
  readonly requestHash: string;
}

/** As many bytes a kept body may have: the table has the same limit. */
const LARGEST_BODY_BYTES = 1_000_000;

/** Ends the work of a request that was answered before: carries that answer past the handler. */
export class AnsweredBefore extends Error {
  constructor(readonly answer: Answer) {
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
 * The answer given before, marked as a replay; null when there is none or it has expired. Ends the transaction.
 * @throws Problem request/idempotency-key-reused
 */
export async function findAnswer(tx: TenantTx, request: KeyedRequest): Promise<Answer | null> {
  const [row] = await tx.last(findStatement(request));
  if (!row) return null;
  const [same, status, headers, body] = row as Row & readonly [string, string, string, string | null];
  if (same === 't') return new Answer(Number(status), body, { ...JSON.parse(headers), 'idempotency-replayed': 'true' });
  throw new Problem(
    'request/idempotency-key-reused',
    'Another method, path, query or body was sent with this Idempotency-Key, or by you in other roles. Repeat that request as it was, or ' +
      'choose a new key.',
  );
}

/**
 * Keeps the answer and commits with the same round trip.
 * @throws Problem request/answer-too-large: an answer that could not be repeated is not given, and nothing is written
 */
export async function keepAnswer(tx: TenantTx, request: KeyedRequest, answer: Answer): Promise<void> {
  if (answer.body !== null && Buffer.byteLength(answer.body) > LARGEST_BODY_BYTES) {
    throw new Problem(
      'request/answer-too-large',
      'With an Idempotency-Key the answer may have 1 MB. Nothing was written: send Prefer: return=minimal, or fewer records.',
      { limit: LARGEST_BODY_BYTES },
    );
  }
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

function claimStatement({ tenantId, subject, keyHash, requestHash }: KeyedRequest, hours: number): Statement {
  return {
    name: 'bss_claim_key',
    text: `insert into business_store_service.idempotency_keys as k (tenant_id, subject, key_hash, request_hash, expires_at)
values ($1::uuid, $2, $3::bytea, $4::bytea, now() + make_interval(hours => $5::integer))
on conflict (tenant_id, subject, key_hash) do update
set request_hash = excluded.request_hash,
    expires_at = excluded.expires_at,
    status = null,
    headers = null,
    body = null
where k.expires_at <= now()
returning true`,
    values: [tenantId, subject, `\\x${keyHash}`, `\\x${requestHash}`, String(hours)],
  };
}

function findStatement({ tenantId, subject, keyHash, requestHash }: KeyedRequest): Statement {
  return {
    name: 'bss_find_answer',
    text: `select request_hash = $4::bytea, status, headers, body
from business_store_service.idempotency_keys
where tenant_id = $1::uuid
  and subject = $2
  and key_hash = $3::bytea
  and expires_at > now()`,
    values: [tenantId, subject, `\\x${keyHash}`, `\\x${requestHash}`],
  };
}

function keepStatement({ tenantId, subject, keyHash }: KeyedRequest, { status, headers, body }: Answer): Statement {
  return {
    name: 'bss_keep_answer',
    text: `update business_store_service.idempotency_keys
set status = $4::smallint,
    headers = $5::json,
    body = $6
where tenant_id = $1::uuid
  and subject = $2
  and key_hash = $3::bytea`,
    values: [tenantId, subject, `\\x${keyHash}`, String(status), JSON.stringify(headers), body],
  };
}
