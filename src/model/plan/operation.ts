/**
 * A schema change as data. An operation is one thing that changes between two versions of an entity; it says what stands in
 * its way, which statements carry it out and what undoes it. What a plan shows is what apply runs, byte for byte.
 */

import type { Change } from '../change/change.js';
import type { Fill, PastBatch, ServiceBatch } from './batches.js';
import type { TableObject } from './table-object.js';

export interface Operation {
  readonly kind: OperationKind;
  /** RFC 6901, into the document that holds it: the new one, or the old one for what goes. */
  readonly pointer: string;
  /** Logical name, when it is about one property: of the new version, or of the old one for what goes. */
  readonly property?: string;
  readonly risk: Risk;
  /** What happens, in a sentence without a full stop. */
  describe(): string;
  /** What the rows must be asked before: empty when no row can stand in the way. */
  validate(): readonly Probe[];
  /** The statements, in no particular order: each names its stage. Empty when only texts and validation change. */
  sql(size: TableSize): readonly Step[];
  /** What undoes it, on the way back. */
  readonly inverse: OperationSpec;
}

/** An operation by its kind and what it is about; `operationOf` makes it. */
export interface OperationSpec {
  readonly kind: OperationKind;
  readonly property?: string;
  readonly object?: TableObject;
  readonly change?: Change;
}

export type OperationKind =
  | 'rename-entity'
  | 'add-property'
  | 'adopt-property'
  | 'drop-property'
  | 'restore-property'
  | 'rename-property'
  | 'change-type'
  | 'change-encryption'
  | 'require-value'
  | 'relax-value'
  | 'change-default'
  | 'add-check'
  | 'drop-check'
  | 'add-unique'
  | 'drop-unique'
  | 'add-index'
  | 'drop-index'
  | 'add-relation'
  | 'drop-relation'
  | 'change-extras'
  | 'change-row-rules'
  | 'change-subject'
  | 'change-rules'
  | 'change-words';

export interface Risk {
  /** `destructive`: values stop being visible, and are gone once their retention is over. */
  readonly level: 'none' | 'restrictive' | 'destructive';
  /** Whether applying the inverse brings back what was. */
  readonly reversible: 'yes' | 'partly' | 'no';
  /** Why not `yes`. */
  readonly reason?: string;
}

/** How large the table is, as counted when the plan was made. */
export interface TableSize {
  readonly rows: number;
  /** Too large to be read or rewritten while everybody waits: work is prepared beforehand, without blocking. */
  readonly large: boolean;
}

export interface Probe {
  /** Condition in SQL, true for a row that stands in the way; over the table as it is before the change. */
  readonly failing?: string;
  /** Where a condition on one row cannot say it: a query of the ids that stand in the way, as `select id from …`. */
  readonly query?: string;
  /** Every record is read and validated under the new document. */
  readonly rules?: true;
  /** What is wrong with such a row, in a sentence without a full stop. */
  readonly message: string;
  /** What to do about it. */
  readonly wayOut: string;
}

/** In what order the statements of one transaction run, whatever operation they belong to; the last are for when it is over. */
export const STAGES = [
  'prepare-columns',
  'prepare-constraints',
  'backfill',
  'prepare-indexes',
  'prepare-relations',
  'validate',
  'lock',
  'check-rows',
  'drop-relations',
  'drop-constraints',
  'drop-indexes',
  'types',
  'rename',
  'hide',
  'columns',
  'values',
  'nulls',
  'constraints',
  'indexes',
  'relations',
  'past',
] as const;

export type Stage = (typeof STAGES)[number];

export type LockMode = 'none' | 'SHARE UPDATE EXCLUSIVE' | 'SHARE' | 'SHARE ROW EXCLUSIVE' | 'ACCESS EXCLUSIVE';

export interface Step {
  readonly stage: Stage;
  /** Of what the statement does while it holds its lock. */
  readonly work: 'catalog' | 'scan' | 'index' | 'rewrite' | 'update';
  /**
   * `owner` runs DDL as the role that owns the tenant's schema; `tenant` runs inside the tenant, where rows can be seen, and
   * `assert` does too and demands that no row comes back; `rules` reads records and validates them; `service` reads values, encrypts
   * or decrypts them, and stores what came of it.
   */
  readonly as: 'owner' | 'tenant' | 'assert' | 'rules' | 'service';
  readonly sql: string;
  readonly lock: LockMode;
  /** A statement that cannot be in a transaction: CREATE INDEX CONCURRENTLY. */
  readonly alone?: true;
  /** Condition on the rows, over the table as it is before: how many there are is what the step changes or hides. */
  readonly affects?: string;
  /** Of a batch: what it fills, so that several are made one. */
  readonly fill?: Fill;
  /** Of `service`: its two statements. */
  readonly service?: ServiceBatch;
  /** Of `service`, in the stage `past`: its two statements. */
  readonly past?: PastBatch;
  /** What a prepared step leaves behind, by which a step that was cut off is found again. */
  readonly makes?: { readonly kind: 'column' | 'constraint' | 'index'; readonly name: string };
}

/** Ends the name of whatever a change has prepared and not yet switched to. No logical name and no derived name ends so. */
export const UNFINISHED = '~new';

/** Before the switch, in it, and when the new version is in force. */
export type Phase = 'prepare' | 'switch' | 'afterwards';

export function phaseOf({ stage }: Pick<Step, 'stage'>): Phase {
  if (stage === 'past') return 'afterwards';
  return STAGES.indexOf(stage) < STAGES.indexOf('lock') ? 'prepare' : 'switch';
}

export function isPrepared(step: Step): boolean {
  return phaseOf(step) === 'prepare';
}
