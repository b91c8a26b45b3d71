import type { Actor } from '../database/context-token.js';
import type { RuntimePool } from '../database/runtime-pool.js';
import { databaseErrorOf, meetsChangedTable, problemOf } from '../database/sqlstate.js';
import { TenantTx } from '../database/tenant-tx.js';
import type { DefinedEntity } from '../entities/defined-entity.js';
import { conflictKeyOf } from '../model/statements/conflict-key.js';
import { type InsertStatement, insertStatement } from '../model/statements/insert-statement.js';
import type { RawRecord } from '../model/transfer/split-records.js';
import { type Fault, Problem } from '../platform/problem.js';
import { uuidV7Range } from '../platform/uuid.js';
import { constraintProblem } from '../records/constraint-problem.js';
import { mergeAll } from '../records/merge-records.js';
import { assertOwnWritten, writesAll } from '../records/own-writes.js';
import { preparedName } from '../records/record-sql.js';
import { assertReferencesSeen } from '../records/seen-references.js';
import { ImportPosition } from './import-position.js';
import type { Row } from './import-rows.js';
import { advanceStatement, type LineFault } from './import-store.js';

/**
 * Stores the rows of an import, each batch in one transaction with how far the import is. A batch that the table refuses is halved
 * until the record to blame is alone.
 */

/** Faults listed of one import; all are counted. */
export const LISTED_FAULTS = 100;

/** Two writers that met: one of them is to try again. */
const COLLISIONS: ReadonlySet<string> = new Set(['40001', '40P01']);
const MOST_ATTEMPTS = 4;

/** What the table can hold against a record that is valid by its document. */
const OF_RECORDS: ReadonlySet<string> = new Set([
  'record/invalid',
  'record/key-repeated',
  'record/precondition-required',
  'record/duplicate',
  'record/reference-missing',
  'record/row-forbidden',
  'record/still-referenced',
  'entity/change-in-progress',
  'database/invalid-value',
]);

/** The first record that was refused ends the import; everything before it is stored. */
export class RefusedRecord extends Error {
  constructor(readonly faults: readonly LineFault[]) {
    super('a record of an import was refused');
    this.name = 'RefusedRecord';
  }
}

export interface ImportTarget {
  readonly pool: RuntimePool;
  readonly actor: Actor;
  readonly onError: 'abort' | 'skip';
  readonly stored: { readonly id: string; readonly holder: string };
  /** What is kept of the digest of a body: nobody can try out from it what the body holds. */
  readonly fingerprint: (digest: string) => string;
  /** The members by which records are known that are there already. */
  readonly conflict: readonly string[] | null;
}

/** What an import begins from: nothing, or what was stored before it was interrupted. */
export interface Standing {
  readonly stored: number;
  readonly failed: number;
  readonly errors: readonly LineFault[];
}

export class ImportBatches {
  position = ImportPosition.start();
  stored: number;
  failed: number;
  readonly errors: LineFault[];
  private toldErrors: number;

  constructor(
    private readonly target: ImportTarget,
    standing: Standing = { stored: 0, failed: 0, errors: [] },
  ) {
    this.stored = standing.stored;
    this.failed = standing.failed;
    this.errors = [...standing.errors];
    this.toldErrors = this.errors.length;
  }

  /** What was done before, on the way to where the import goes on. */
  pass(record: RawRecord): void {
    this.position = this.position.behind([record]);
  }

  /**
   * @param isLast the definition is as new as can be: what the table says against a record is true.
   * @throws RefusedRecord when the import ends with the first fault; whatever else went wrong, as it came
   */
  async store(defined: DefinedEntity, rows: readonly Row[], isLast: boolean): Promise<void> {
    const at = this.target.onError === 'abort' ? rows.findIndex(({ faults }) => faults !== undefined) : -1;
    const before = at < 0 ? rows : rows.slice(0, at);
    if (before.length > 0) await this.halved(defined, before, isLast);
    if (at >= 0) throw new RefusedRecord(faultsOf(rows).slice(0, LISTED_FAULTS));
  }

  private async halved(defined: DefinedEntity, rows: readonly Row[], isLast: boolean): Promise<void> {
    try {
      return await this.commit(defined, rows);
    } catch (error) {
      const faults = isLast || !meetsChangedTable(error) ? faultsFor(error, defined) : null;
      if (!faults) throw error;
      const blamed = rows.flatMap((row, index) => (isToStore(row) ? [index] : []));
      const middle = blamed[blamed.length >> 1] as number;
      if (blamed.length > 1) {
        await this.halved(defined, rows.slice(0, middle), isLast);
        return this.halved(defined, rows.slice(middle), isLast);
      }
      const row: Row = { raw: (rows[middle] as Row).raw, faults };
      if (this.target.onError === 'abort') throw new RefusedRecord(faultsOf([row]));
      await this.commit(defined, rows.with(middle, row));
    }
  }

  private async commit(defined: DefinedEntity, rows: readonly Row[]): Promise<void> {
    const faults = faultsOf(rows);
    const next = {
      position: this.position.behind(rows.map(({ raw }) => raw)),
      stored: this.stored + rows.filter(isToStore).length,
      failed: this.failed + rows.filter((row) => row.faults !== undefined).length,
    };
    this.errors.push(...faults.slice(0, LISTED_FAULTS - this.errors.length));
    try {
      await this.patiently(() => this.write(defined, rows, next));
    } catch (error) {
      this.errors.length = Math.min(this.errors.length, this.toldErrors);
      throw error;
    }
    this.toldErrors = this.errors.length;
    Object.assign(this, next);
  }

  private async write(
    defined: DefinedEntity,
    rows: readonly Row[],
    { position, stored, failed }: { position: ImportPosition; stored: number; failed: number },
  ): Promise<void> {
    const { pool, actor, stored: of } = this.target;
    const { home } = defined;
    const errors = this.errors.length > this.toldErrors ? this.errors : null;
    const { lines, bytes, digest } = position;
    const prefixHash = this.target.fingerprint(digest);
    const advance = advanceStatement(home.tenantId, of.id, of.holder, { lines, bytes, prefixHash, stored, failed, errors });
    await TenantTx.run(pool, home, actor, { readOnly: false }, async (tx) => {
      if (!rows.some(isToStore)) return assertHeld(await tx.last(advance));
      // Who has lost the import stores nothing any more.
      assertHeld(await tx.query(advance));
      if (this.target.conflict) await upsert(tx, defined, this.target.conflict, rows);
      else await insert(tx, defined, rows);
    });
  }

  private async patiently(work: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        if (attempt === MOST_ATTEMPTS || !COLLISIONS.has(databaseErrorOf(error)?.code ?? '')) throw error;
      }
    }
  }
}

function isToStore({ record, body }: Row): boolean {
  return record !== undefined || body !== undefined;
}

async function insert(tx: TenantTx, defined: DefinedEntity, rows: readonly Row[]): Promise<void> {
  const records = rows.flatMap(({ record }) => record ?? []);
  const events = uuidV7Range(records.length);
  const news = records.map((record, index) => ({ ...record, eventId: events.ids[index] as string }));
  await assertReferencesSeen(tx, defined.entity, news);
  const marker = { first: events.first, last: events.last, count: records.length };
  const statement = insertOf(defined)(news, marker, tx.actor);
  if (writesAll(defined.entity)) return void (await tx.last(statement));
  await tx.query(statement);
  await assertOwnWritten(
    tx,
    defined.entity,
    news.map(({ id }) => id),
  );
}

async function upsert(tx: TenantTx, defined: DefinedEntity, conflict: readonly string[], rows: readonly Row[]): Promise<void> {
  const key = conflictKeyOf(defined.entity, conflict, 'on_conflict');
  const bodies = rows.flatMap(({ body }) => (body === undefined ? [] : [{ body, emptied: NOTHING }]));
  await mergeAll({ tx, defined, key, bodies, isArray: true, onto: 'merge', precondition: 'none', isLast: false });
}

const NOTHING: ReadonlySet<string> = new Set();

function assertHeld(rows: readonly unknown[]): void {
  if (rows.length > 0) return;
  throw new Problem('import/conflict', 'Another request goes on with this import, and this one has stopped.');
}

function faultsOf(rows: readonly Row[]): LineFault[] {
  return rows.flatMap(({ raw, faults }) => (faults ?? []).map((fault) => ({ line: raw.line, ...fault })));
}

/** What an error says against a record; null when no record is to blame. */
export function faultsFor(error: unknown, { entity }: DefinedEntity): readonly Fault[] | null {
  const problem = problemOf(constraintProblem(error, entity, false));
  if (!problem || !OF_RECORDS.has(problem.code)) return null;
  const rule = problem.code.slice(problem.code.indexOf('/') + 1);
  const { errors } = problem.extensions;
  if (!errors) return [{ pointer: '', rule, message: problem.detail }];
  // Of many records faults name the first by its place: here it is alone.
  const isOfMany = problem.code === 'record/invalid' || problem.code === 'record/key-repeated';
  return isOfMany ? errors.map((fault) => ({ ...fault, pointer: fault.pointer.replace(/^\/0(?=\/|$)/, '') })) : errors;
}

const inserts = new WeakMap<DefinedEntity, InsertStatement>();

/** Only ids come back: what was stored is known. */
function insertOf(defined: DefinedEntity): InsertStatement {
  const known = inserts.get(defined);
  if (known) return known;
  const { home, entity, version } = defined;
  const insert = insertStatement(home, entity, ['id'], (text) => preparedName(version, text));
  inserts.set(defined, insert);
  return insert;
}
