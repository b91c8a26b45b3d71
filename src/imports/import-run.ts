import { setImmediate } from 'node:timers/promises';
import { meetsChangedTable } from '../database/sqlstate.js';
import type { DefinedEntity } from '../entities/defined-entity.js';
import { SubjectGathering } from '../model/sealed/subjects-needed.js';
import { type RawRecord, RecordSplitter, type TransferFormat } from '../model/transfer/split-records.js';
import { Problem } from '../platform/problem.js';
import type { Turns } from '../platform/turns.js';
import type { BodyReader } from './body-reader.js';
import type { ImportPosition } from './import-position.js';
import type { Row, RowReader } from './import-rows.js';

/** One request's work on an import: reads the body, skips what was stored before, and stores the rest batch by batch. */

/**
 * A batch is one transaction: so many records, or as many as have so many bytes. Measured with a million rows of CSV: the same speed as
 * with twice as many, and 40 MB less at the peak, because a batch is gone before the garbage collector meets it twice.
 */
const BATCH_ROWS = 250;
const BATCH_BYTES = 250_000;

/** A slow client's records are stored after so long, few as they are: its progress can be seen, and is not lost. */
const BATCH_MS = 2_000;

/** Rows read in one turn of the event loop. */
const YIELD_EVERY = 250;

/** What becomes of the records: they are stored, or only checked. */
export interface Batches {
  readonly position: ImportPosition;
  /** What was done before, on the way to where the import goes on. */
  pass(record: RawRecord): void;
  /** @param isLast the definition is as new as can be: what the table says against a record is true. */
  store(defined: DefinedEntity, rows: readonly Row[], isLast: boolean): Promise<void>;
}

export interface ImportWork {
  readonly format: TransferFormat;
  /** Longest record, in bytes. */
  readonly limit: number;
  readonly body: BodyReader;
  readonly rows: RowReader;
  readonly batches: Batches;
  /** Of an import that is gone on with: what was stored before, and whether this is the digest of it. */
  readonly resumeAt: { readonly bytes: number; readonly isDigest: (digest: string) => boolean } | null;
  /** Called once, when the body has proved to be the same, before anything is stored. */
  readonly onResume: () => Promise<void>;
  readonly turns: Turns;
  /** The entity as it is now; it may change while an import runs. @throws Problem when the tenant may not be written to */
  readonly defined: () => Promise<DefinedEntity>;
  /** The definition may be older than the table. */
  readonly forget: () => void;
  /** Runs what may need the tenant's keys, again once they are open. */
  readonly havingKeys: (work: () => Promise<void>) => Promise<void>;
}

export class ImportRun {
  private pending: RawRecord[] = [];
  private pendingBytes = 0;
  /** Records at the beginning of `pending` that are no rows: the header. */
  private headers = 0;
  private since = performance.now();
  private isSkipping: boolean;

  constructor(private readonly work: ImportWork) {
    this.isSkipping = work.resumeAt !== null;
  }

  async run(): Promise<void> {
    const { body, format, limit } = this.work;
    const splitter = new RecordSplitter(format, limit);
    await this.arrive();
    for (let chunk = await body.next(); chunk !== null; chunk = await body.next()) {
      for (const record of splitter.push(chunk)) await this.take(record);
      if (performance.now() - this.since > BATCH_MS) await this.flush();
    }
    const last = splitter.end();
    if (last) await this.take(last);
    if (this.isSkipping) throw anotherBody();
    await this.flush();
  }

  private async take(record: RawRecord): Promise<void> {
    const { rows, batches } = this.work;
    const isHeader = rows.takesHeader(record);
    if (this.isSkipping) {
      batches.pass(record);
      return this.arrive();
    }
    this.pending.push(record);
    this.pendingBytes += record.bytes?.length ?? 0;
    if (isHeader) this.headers = this.pending.length;
    if (this.pending.length >= BATCH_ROWS || this.pendingBytes >= BATCH_BYTES) await this.flush();
  }

  /** Ends the skipping where the import was interrupted, if the body is the same up to there. */
  private async arrive(): Promise<void> {
    const { resumeAt, batches, onResume } = this.work;
    if (!this.isSkipping || !resumeAt || batches.position.bytes < resumeAt.bytes) return;
    if (batches.position.bytes > resumeAt.bytes || !resumeAt.isDigest(batches.position.digest)) throw anotherBody();
    this.isSkipping = false;
    await onResume();
  }

  private async flush(): Promise<void> {
    this.since = performance.now();
    if (this.isSkipping || this.pending.length === 0) return;
    await this.work.turns.run(() => this.store());
    this.pending = [];
    this.pendingBytes = 0;
    this.headers = 0;
  }

  /** A table that was changed meanwhile is met once. */
  private async store(): Promise<void> {
    const { forget, havingKeys } = this.work;
    for (let attempt = 1; ; attempt++) {
      try {
        return await havingKeys(() => this.storeNow(attempt > 1));
      } catch (error) {
        if (attempt > 1 || !meetsChangedTable(error)) throw error;
        forget();
      }
    }
  }

  /** What of the batch is stored when something is thrown is not stored again. */
  private async storeNow(isLast: boolean): Promise<void> {
    const { batches, defined } = this.work;
    const already = batches.position.bytes;
    try {
      const entity = await defined();
      await batches.store(entity, await this.read(entity), isLast);
    } catch (error) {
      this.drop(batches.position.bytes - already);
      throw error;
    }
  }

  private async read(entity: DefinedEntity): Promise<Row[]> {
    const found: Row[] = [];
    const needed = new SubjectGathering();
    for (const [index, raw] of this.pending.entries()) {
      if (index % YIELD_EVERY === YIELD_EVERY - 1) await setImmediate();
      found.push(index < this.headers ? { raw } : (needed.of(() => this.work.rows.read(entity, raw)) ?? { raw }));
    }
    needed.assertNone();
    return found;
  }

  private drop(bytes: number): void {
    for (let left = bytes; left > 0; ) {
      left -= this.pending.shift()?.size ?? left;
      this.headers = Math.max(0, this.headers - 1);
    }
  }
}

function anotherBody(): Problem {
  return new Problem(
    'import/conflict',
    'What is sent differs from what the import has stored so far. Send the same body again; only what comes behind the last stored line may be another.',
  );
}
