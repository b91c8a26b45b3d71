import type { ChainedEvent } from './chain-hash.js';

/** What came of recomputing a chain: the same for a trail in the database and for one in a file. */

/**
 * edited: the event, its number, its hash or its tenant is not what was sealed. deleted: a number, or the event of one, is
 * missing. reordered: what belongs here stands further on. truncated: the end of the chain is missing. rewritten: the hashes
 * fit each other, and not what was checkpointed. forged-checkpoint: it is not signed, does not lead to its root, or is not the
 * one that was sent. missing-checkpoint: one that was sent is not there. unsealed: an event has not been sealed for too long,
 * or was written past the sealer.
 */
export type Fault =
  | 'edited'
  | 'deleted'
  | 'reordered'
  | 'truncated'
  | 'rewritten'
  | 'forged-checkpoint'
  | 'missing-checkpoint'
  | 'unsealed';

export interface FirstBad {
  readonly seq: number;
  readonly reason: Fault;
  readonly detail: string;
}

export interface ChainReport {
  readonly valid: boolean;
  readonly tenantId: string;
  /** The first number that was verified: earlier ones have ended by retention, or were not asked for. */
  readonly from: number;
  /** How many events were verified; those from the first bad one on are not. */
  readonly events: number;
  readonly head: { readonly seq: number; readonly hash: string };
  /** How many checkpoints were verified. */
  readonly checkpoints: number;
  /** The last of them; what lies behind its seq is vouched for by the next. */
  readonly checkpoint: { readonly number: number; readonly time: string; readonly seq: number } | null;
  readonly firstBad?: FirstBad;
}

/** A sealed event as it is found; null: the chain has its number and hash, and the event is gone. */
export interface FoundEvent {
  readonly seq: number;
  /** Hex. */
  readonly hash: string;
  readonly event: ChainedEvent | null;
}

/** A checkpoint, and the proof that the head which a tenant had then is in its tree. */
export interface FoundCheckpoint {
  readonly number: number;
  readonly jws: string;
  readonly seq: number;
  /** Hex. */
  readonly hash: string;
  readonly leafIndex: number;
  /** Hex, from the leaf up. */
  readonly path: readonly string[];
}

export interface Position {
  readonly seq: number;
  /** Hex. */
  readonly hash: string;
}
