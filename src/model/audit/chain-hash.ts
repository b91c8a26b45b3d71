import { hash } from 'node:crypto';

/**
 * The hash that chains the events of a tenant, byte for byte as `audit.seal` computes it. What it covers is written down in the
 * README, so that an auditor can recompute it in any language.
 */

export interface ChainedEvent {
  readonly eventId: string;
  /** UTC with microseconds: `2026-01-31T12:00:00.000000Z`. */
  readonly occurredAt: string;
  readonly actor: string;
  readonly requestId: string;
  readonly action: string;
  readonly entity: string | null;
  readonly recordId: string | null;
  /** JSON, as it was written. */
  readonly body: string;
}

/** What comes before the first event. */
export const GENESIS: Buffer = Buffer.alloc(32);

const FORMAT = 1;
/** Format, hash before, seq, tenant, event, time. */
const FIXED_BYTES = 1 + 32 + 8 + 16 + 16 + 8;
const MICROSECONDS_TO_2000 = 946_684_800_000_000;
const TEXTS = 6;

/** Grows with the largest event; one is hashed at a time. */
let scratch = Buffer.allocUnsafe(65_536);

/** The same for all events of a chain, which are hashed one after the other. */
let tenant = { id: '', bytes: Buffer.alloc(16) };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const HALF_PAIR = /\p{Surrogate}/u;
const HASH = /^[0-9a-f]{64}$/;

/** Whether it is written as ids are: what Postgres writes, and nothing that only reads the same. */
export function isSealedId(text: unknown): boolean {
  return typeof text === 'string' && UUID.test(text);
}

export function isSealedHash(text: unknown): boolean {
  return typeof text === 'string' && HASH.test(text);
}

/**
 * @throws when an id, a time or a text is not written as it is sealed: each hash has one writing
 * @param previous 32 bytes, of the event before @param seq from 1 @returns 32 bytes
 */
export function chainHash(previous: Buffer, seq: number, tenantId: string, event: ChainedEvent): Buffer {
  const { actor, requestId, action, entity, recordId, body } = event;
  const units = actor.length + requestId.length + action.length + (entity?.length ?? 0) + (recordId?.length ?? 0) + body.length;
  const most = FIXED_BYTES + TEXTS * 4 + units * 3;
  if (scratch.length < most) scratch = Buffer.allocUnsafe(most);
  scratch[0] = FORMAT;
  previous.copy(scratch, 1);
  scratch.writeBigInt64BE(BigInt(seq), 33);
  if (!isSealedId(event.eventId)) throw new Error('an id is not written as it is sealed');
  if (tenant.id !== tenantId && !isSealedId(tenantId)) throw new Error('the id of the tenant is not written as it is sealed');
  if (tenant.id !== tenantId) tenant = { id: tenantId, bytes: Buffer.from(tenantId.replaceAll('-', ''), 'hex') };
  tenant.bytes.copy(scratch, 41);
  scratch.write(event.eventId.replaceAll('-', ''), 57, 16, 'hex');
  scratch.writeBigInt64BE(BigInt(microsecondsSince2000(event.occurredAt)), 73);
  let at = FIXED_BYTES;
  at = writeText(actor, at);
  at = writeText(requestId, at);
  at = writeText(action, at);
  at = writeText(entity, at);
  at = writeText(recordId, at);
  at = writeText(body, at);
  return hash('sha256', scratch.subarray(0, at), 'buffer');
}

/** @throws when it is not written as above */
function microsecondsSince2000(time: string): number {
  const milliseconds = Date.parse(`${time.slice(0, 23)}Z`);
  const rest = Number(time.slice(23, 26));
  // Of days that a month does not have, Date makes some of the next.
  if (!TIME.test(time) || Number.isNaN(milliseconds) || new Date(milliseconds).toISOString().slice(0, 23) !== time.slice(0, 23))
    throw new Error('a time is not written as it is sealed');
  return milliseconds * 1_000 + rest - MICROSECONDS_TO_2000;
}

/** The length in UTF-8 as four bytes, big-endian, then the text; null has the length ffffffff, and nothing follows. */
function writeText(text: string | null, at: number): number {
  if (text === null) return scratch.writeUInt32BE(0xffff_ffff, at);
  // Half a surrogate pair would be hashed as U+FFFD is; Postgres stores none.
  if (HALF_PAIR.test(text)) throw new Error('a text is not one of Unicode');
  const length = scratch.write(text, at + 4, 'utf8');
  scratch.writeUInt32BE(length, at);
  return at + 4 + length;
}
