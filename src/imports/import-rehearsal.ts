import { randomBytes } from 'node:crypto';
import type { Actor } from '../database/context-token.js';
import type { RuntimePool } from '../database/runtime-pool.js';
import { meetsChangedTable } from '../database/sqlstate.js';
import { TenantTx } from '../database/tenant-tx.js';
import type { DefinedEntity } from '../entities/defined-entity.js';
import { pointer } from '../platform/json-value.js';
import { type KeyMemory, KeySet } from '../platform/key-set.js';
import type { Fault } from '../platform/problem.js';
import { faultsFor, LISTED_FAULTS } from './import-batches.js';
import { type CheckedRecord, ImportChecks, type Marks } from './import-checks.js';
import { ImportPosition } from './import-position.js';
import type { PreparedRecord, Row } from './import-rows.js';
import type { LineFault } from './import-store.js';

/**
 * A dry run: every record is checked as an import that passes over faults would, and none is stored. It writes nothing at all: what was
 * inserted and rolled back would stay in the table as dead rows, hold other writers up, and make each batch forget the one before.
 */

/** What the table says of a record; faults where it could not even be asked about it. */
type Verdict = { readonly marks: Marks } | { readonly faults: readonly Fault[] };
type Verdicts = Map<PreparedRecord, Verdict>;

export class ImportRehearsal {
  position = ImportPosition.start();
  stored = 0;
  failed = 0;
  readonly errors: LineFault[] = [];
  /** Records that later ones were compared with: all, unless there are so many that they cannot be remembered. */
  remembered = 0;
  private readonly seed = randomBytes(8).readBigInt64LE();
  private readonly seen = new Map<string, KeySet>();
  private checks: { readonly of: DefinedEntity; readonly checks: ImportChecks } | null = null;

  constructor(
    private readonly pool: RuntimePool,
    private readonly actor: Actor,
    private readonly entities: () => Promise<ReadonlyMap<string, DefinedEntity>>,
    private readonly memory: KeyMemory,
  ) {}

  /** A dry run is not gone on with. */
  pass(): void {
    throw new Error('there is nothing behind which a dry run could go on');
  }

  async store(defined: DefinedEntity, rows: readonly Row[], isLast: boolean): Promise<void> {
    const checks = await this.checksOf(defined);
    const records = rows.flatMap(({ record }) => record ?? []);
    const verdicts: Verdicts = new Map();
    if (records.length > 0) await this.ask(checks, defined, records, isLast, verdicts);
    const behind = [...verdicts.values()];
    for (const row of rows) {
      if (row.record) behind.shift();
      this.count(row, this.faultsOf(checks, row, verdicts, behind));
    }
    this.position = this.position.behind(rows.map(({ raw }) => raw));
  }

  /** What it remembers is given back. */
  end(): void {
    for (const keys of this.seen.values()) keys.clear();
  }

  private async checksOf(defined: DefinedEntity): Promise<ImportChecks> {
    if (this.checks?.of !== defined) {
      this.checks = { of: defined, checks: new ImportChecks(defined, await this.entities(), this.seed) };
    }
    return this.checks.checks;
  }

  /** A value that its column cannot take is found by halving, as imports do. */
  private async ask(
    checks: ImportChecks,
    defined: DefinedEntity,
    records: readonly PreparedRecord[],
    isLast: boolean,
    verdicts: Verdicts,
  ): Promise<void> {
    try {
      const statement = checks.statement(records.map(checkedRecord));
      const rows = await TenantTx.run(this.pool, defined.home, this.actor, { readOnly: true }, (tx) => tx.last(statement));
      for (const [index, marks] of checks.read(rows).entries()) verdicts.set(records[index] as PreparedRecord, { marks });
    } catch (error) {
      const faults = isLast || !meetsChangedTable(error) ? faultsFor(error, defined) : null;
      if (!faults) throw error;
      const middle = records.length >> 1;
      if (middle === 0) return void verdicts.set(records[0] as PreparedRecord, { faults });
      await this.ask(checks, defined, records.slice(0, middle), isLast, verdicts);
      await this.ask(checks, defined, records.slice(middle), isLast, verdicts);
    }
  }

  private faultsOf(
    checks: ImportChecks,
    { record, faults }: Row,
    verdicts: Verdicts,
    behind: readonly Verdict[],
  ): readonly Fault[] | undefined {
    const verdict = record && verdicts.get(record);
    if (!verdict) return faults;
    if ('faults' in verdict) return verdict.faults;
    const { marks } = verdict;
    const found = [...this.repeated(checks, marks), ...this.missing(checks, marks, behind)];
    if (found.length > 0) return found;
    this.remember(checks, marks);
    return undefined;
  }

  private repeated({ keys }: ImportChecks, marks: Marks): Fault[] {
    return keys.flatMap(({ members }, index) => {
      const { hash, isTaken } = marks.keys[index] as Marks['keys'][number];
      if (hash === null || !(isTaken || this.keysOf(members).has(hash))) return [];
      return members.map((member) => ({ pointer: pointer('', member), rule: 'unique', message: 'is already taken' }));
    });
  }

  /** Records of one batch are inserted at once: each may refer to itself and to any behind it, as to those before. */
  private missing({ keys, relations }: ImportChecks, marks: Marks, behind: readonly Verdict[]): Fault[] {
    return relations.flatMap(({ property, relation, ownKey }, index) => {
      const { hash, isMissing } = marks.relations[index] as Marks['relations'][number];
      const key = keys[ownKey];
      if (!isMissing || hash === null) return [];
      if (key && this.keysOf(key.members).has(hash)) return [];
      if (key && [{ marks }, ...behind].some((other) => 'marks' in other && other.marks.keys[ownKey]?.hash === hash)) return [];
      const message = `must be the ${relation.field} of an existing ${relation.entity}`;
      return [{ pointer: pointer('', property.name), rule: 'relation', message }];
    });
  }

  private remember({ keys }: ImportChecks, marks: Marks): void {
    const whole = keys.map(({ members }, index) => {
      const hash = marks.keys[index]?.hash ?? null;
      return hash === null || this.keysOf(members).add(hash);
    });
    if (whole.every(Boolean)) this.remembered += 1;
  }

  private keysOf(members: readonly string[]): KeySet {
    const name = JSON.stringify(members);
    const known = this.seen.get(name);
    if (known) return known;
    const keys = new KeySet(this.memory);
    this.seen.set(name, keys);
    return keys;
  }

  private count({ raw, record }: Row, faults: readonly Fault[] | undefined): void {
    if (faults) {
      this.failed += 1;
      const told = faults.map((fault) => ({ line: raw.line, ...fault }));
      this.errors.push(...told.slice(0, LISTED_FAULTS - this.errors.length));
    } else if (record) this.stored += 1;
  }
}

function checkedRecord({ id, hasOwnId, columns }: PreparedRecord): CheckedRecord {
  return { id, hasOwnId, columns };
}
