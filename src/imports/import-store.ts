import type { Row } from '../database/statement-batch.js';
import { arrayLiteral } from '../model/query/array-literal.js';
import type { Statement } from '../model/sql.js';
import type { TransferFormat } from '../model/transfer/split-records.js';
import type { Fault } from '../platform/problem.js';

/** The table of imports (migrations/0006_imports.sql): begin one, move it on, take it over, end it, and tell how far it is. */

export type ImportState = 'running' | 'done' | 'aborted' | 'interrupted';

/** A fault of the record on this line, by its pointer in the record. */
export interface LineFault extends Fault {
  readonly line: number;
}

/** How far an import is, as clients are told. */
export interface ImportView {
  readonly id: string | null;
  readonly entity: string;
  readonly format: TransferFormat;
  readonly onError: 'abort' | 'skip';
  readonly state: ImportState;
  /** Of the body, up to what is stored or passed over. */
  readonly lines: number;
  readonly bytes: number;
  readonly stored: number;
  readonly failed: number;
  /** The first of the faults passed over. */
  readonly errors: readonly LineFault[];
  /** Why it was given up. */
  readonly reason: { readonly detail: string; readonly errors?: readonly LineFault[] } | null;
  readonly startedAt: string;
  readonly startedBy: string;
  readonly updatedAt: string;
  readonly finishedAt: string | null;
}

/** What going on takes, beside what is told. */
export interface StoredImport {
  readonly view: ImportView;
  readonly ignored: readonly string[];
  readonly conflict: readonly string[] | null;
  /** Fingerprint of the first `view.bytes` bytes, hex. */
  readonly prefixHash: string;
}

export interface NewImport {
  readonly tenantId: string;
  readonly id: string;
  readonly entity: string;
  readonly format: TransferFormat;
  readonly onError: 'abort' | 'skip';
  readonly ignored: readonly string[];
  readonly conflict: readonly string[] | null;
  readonly holder: string;
  readonly prefixHash: string;
  readonly subject: string;
  readonly requestId: string;
}

/** Absolute figures: what they were before does not matter. */
export interface Advance {
  readonly lines: number;
  readonly bytes: number;
  readonly prefixHash: string;
  readonly stored: number;
  readonly failed: number;
  /** null: as they were. */
  readonly errors: readonly LineFault[] | null;
}

/** An import that nobody has moved on for so long is not worked on any more: its process is gone. */
const SILENCE_SECONDS = 90;

const time = (column: string): string => `to_json(${column} at time zone 'UTC')#>>'{}'`;

const COLUMNS = `import_id, entity, format, on_error,
  case when state = 'running' and updated_at < now() - interval '${SILENCE_SECONDS} seconds' then 'interrupted' else state end,
  lines, bytes, stored, failed, errors, reason, ${time('created_at')}, created_by, ${time('updated_at')}, ${time('finished_at')},
  array_to_json(ignored), array_to_json(conflict), encode(prefix_hash, 'hex')`;

export function readImport(row: Row): StoredImport {
  const [id, entity, format, onError, state, lines, bytes, stored, failed, errors, reason, ...rest] = row as string[];
  const [startedAt, startedBy, updatedAt, finishedAt, ignored, conflict, prefixHash] = rest;
  return {
    view: {
      ...{ id: id as string, entity: entity as string, format: format as TransferFormat, onError: onError as 'abort' | 'skip' },
      ...{ state: state as ImportState, lines: Number(lines), bytes: Number(bytes) },
      ...{ stored: Number(stored), failed: Number(failed), errors: JSON.parse(errors as string) as LineFault[] },
      reason: reason ? JSON.parse(reason) : null,
      ...{ startedAt: `${startedAt}Z`, startedBy: startedBy as string, updatedAt: `${updatedAt}Z` },
      finishedAt: finishedAt ? `${finishedAt}Z` : null,
    },
    ignored: JSON.parse(ignored as string) as string[],
    conflict: conflict ? (JSON.parse(conflict) as string[]) : null,
    prefixHash: prefixHash as string,
  };
}

/** Answers no row when there is an import of this id. */
export function beginStatement(order: NewImport): Statement {
  const { tenantId, id, entity, format, onError, ignored, conflict, holder, prefixHash, subject, requestId } = order;
  return {
    name: 'bss_import_begin',
    text: `insert into business_store_service.imports
  (tenant_id, import_id, entity, format, on_error, ignored, conflict, holder, prefix_hash, created_by, request_id)
values ($1::uuid, $2::uuid, $3, $4, $5, $6::text[], $7::text[], $8::uuid, decode($9, 'hex'), $10, $11)
on conflict (tenant_id, import_id) do nothing
returning true`,
    values: [
      ...[tenantId, id, entity, format, onError, arrayLiteral(ignored), conflict && arrayLiteral(conflict)],
      ...[holder, prefixHash, subject, requestId],
    ],
  };
}

export function findStatement(tenantId: string, id: string): Statement {
  return {
    name: 'bss_import_find',
    text: `select ${COLUMNS}
from business_store_service.imports
where tenant_id = $1::uuid
  and import_id = $2::uuid`,
    values: [tenantId, id],
  };
}

/** Newest first. */
export function listStatement(tenantId: string, entity: string | null, limit: number): Statement {
  return {
    text: `select ${COLUMNS}
from business_store_service.imports
where tenant_id = $1::uuid
  and ($2::text is null or entity = $2)
order by created_at desc, import_id desc
limit $3::bigint`,
    values: [tenantId, entity, String(limit)],
  };
}

/**
 * From here on the import is this holder's, and whoever had it finds so at the next batch. Answers no row when it has moved on
 * meanwhile, or is done.
 */
export function takeOverStatement(tenantId: string, id: string, holder: string, bytes: number): Statement {
  return {
    text: `update business_store_service.imports
set holder = $3::uuid,
    state = 'running',
    reason = null,
    finished_at = null,
    updated_at = now()
where tenant_id = $1::uuid
  and import_id = $2::uuid
  and bytes = $4::bigint
  and state <> 'done'
returning true`,
    values: [tenantId, id, holder, String(bytes)],
  };
}

/** To be run in the transaction that stores the records. Answers no row when another holder has the import. */
export function advanceStatement(tenantId: string, id: string, holder: string, to: Advance): Statement {
  return {
    name: 'bss_import_advance',
    text: `update business_store_service.imports
set lines = $4::bigint,
    bytes = $5::bigint,
    prefix_hash = decode($6, 'hex'),
    stored = $7::bigint,
    failed = $8::bigint,
    errors = coalesce($9::json, errors),
    updated_at = now()
where tenant_id = $1::uuid
  and import_id = $2::uuid
  and holder = $3::uuid
  and state = 'running'
returning true`,
    values: [
      ...[tenantId, id, holder, String(to.lines), String(to.bytes), to.prefixHash, String(to.stored), String(to.failed)],
      to.errors === null ? null : JSON.stringify(to.errors),
    ],
  };
}

export function endStatement(
  tenantId: string,
  id: string,
  holder: string,
  state: Exclude<ImportState, 'running'>,
  reason: ImportView['reason'],
): Statement {
  return {
    text: `update business_store_service.imports
set state = $4,
    reason = $5::json,
    updated_at = now(),
    finished_at = now()
where tenant_id = $1::uuid
  and import_id = $2::uuid
  and holder = $3::uuid
  and state = 'running'
returning true`,
    values: [tenantId, id, holder, state, reason === null ? null : JSON.stringify(reason)],
  };
}
