import type { TenantHome } from '../model/entity.js';
import type { Statement } from '../model/sql.js';
import type { Actor } from './context-token.js';
import type { RuntimeConnection, RuntimePool } from './runtime-pool.js';
import type { Row } from './statement-batch.js';

/**
 * A transaction inside one tenant. Only `TenantTx.run` mints one, so code that holds a `TenantTx` has entered, and code
 * that forgot the tenant does not compile. Lazy: nothing is sent before the first statement, so a request that needs
 * no database takes no connection, and keys can be opened before anything begins.
 */

const BEGIN: Statement = { text: 'begin', values: [], name: 'bss_begin' };
const COMMIT: Statement = { text: 'commit', values: [], name: 'bss_commit' };
const ROLLBACK: Statement = { text: 'rollback', values: [], name: 'bss_rollback' };

/** What a lent transaction belongs to, and what its statements wait for. */
interface Lender {
  readonly tx: TenantTx;
  readonly before: () => Promise<void>;
}

export interface TenantTxOptions {
  readonly readOnly: boolean;
  /** Looks at rows before anybody uses them: what it throws ends the transaction, unless that has committed. */
  readonly inspect?: (rows: readonly Row[]) => void;
}

/** Errors of work whose writing transaction had committed by then: it is done, and must not be done again. */
const committed = new WeakSet<Error>();

export function cameAfterCommit(error: unknown): boolean {
  return error instanceof Error && committed.has(error);
}

/** Its private members make the type a brand: no other object is assignable to it. */
export class TenantTx {
  private connection: RuntimeConnection | null = null;
  private state: 'unused' | 'connecting' | 'open' | 'over' = 'unused';
  private isRehearsal = false;
  private hasWritten = false;
  /** Of the keys, as the database has confirmed it for this transaction. */
  private epoch: number | null = null;

  private constructor(
    private readonly pool: RuntimePool,
    readonly home: TenantHome,
    readonly actor: Actor,
    private readonly options: TenantTxOptions,
    private readonly lender: Lender | null = null,
  ) {}

  get readOnly(): boolean {
    return this.options.readOnly;
  }

  /**
   * The same transaction for work inside something greater: each of its statements waits for `before`, and is refused with it,
   * and `last` does not commit, so that who lends has the last word.
   */
  lend(before: () => Promise<void>): TenantTx {
    return new TenantTx(this.pool, this.home, this.actor, this.options, { tx: this, before });
  }

  /** From before the first statement on: everything is done and answered, and at the end nothing of it is kept. */
  rehearse(): void {
    if (this.lender || this.state !== 'unused') throw new Error('only a transaction of its own that has not begun is rehearsed');
    this.isRehearsal = true;
  }

  /** Runs a statement; the transaction stays open. */
  async query(statement: Statement): Promise<readonly Row[]> {
    if (this.lender) {
      await this.lender.before();
      return this.lender.tx.query(statement);
    }
    if (this.state === 'open') return this.inspected(await this.send(this.underKeys(statement), -1));
    const connection = await this.connect();
    this.state = 'open';
    const begin = [BEGIN, connection.enter(this.claims, this.readOnly)];
    return this.inspected(await this.send([...begin, ...this.underKeys(statement)], -1));
  }

  /**
   * Runs the transaction's last statement and commits in the same round trip; when it is also the first, as for every
   * single-statement request, the whole transaction is one round trip. Nothing can be run afterwards.
   */
  async last(statement: Statement): Promise<readonly Row[]> {
    if (this.lender || this.isRehearsal) return this.query(statement);
    if (this.state === 'open') {
      const rows = await this.send([...this.underKeys(statement), COMMIT], -2);
      this.state = 'over';
      this.hasWritten = !this.readOnly;
      return rows;
    }
    const connection = await this.connect();
    this.state = 'over';
    const rows = await this.send([connection.enter(this.claims, this.readOnly), ...this.underKeys(statement)], -1);
    this.hasWritten = !this.readOnly;
    return this.readOnly ? this.inspected(rows) : rows;
  }

  private inspected(rows: readonly Row[]): readonly Row[] {
    this.options.inspect?.(rows);
    return rows;
  }

  private get claims() {
    const { tenantId, schema, role } = this.home;
    return { tenantId, schema, role, actor: this.actor };
  }

  private async connect(): Promise<RuntimeConnection> {
    if (this.state === 'connecting') throw new Error('await the first statement of a tenant transaction before the next');
    if (this.state === 'over') throw new Error('the tenant transaction is over');
    this.state = 'connecting';
    const connection = await this.pool.checkout(this.home.tenantId);
    // Whoever did not await this statement has ended the transaction meanwhile: nothing may begin any more.
    if (this.isOver()) {
      connection.release();
      throw new Error('the tenant transaction is over');
    }
    this.connection = connection;
    return connection;
  }

  /** Once in a transaction, and in the same flush: the epoch stays what it is until the transaction ends. */
  private underKeys(statement: Statement): readonly Statement[] {
    const { keys } = statement;
    if (keys === undefined || keys === this.epoch) return [statement];
    this.epoch = keys;
    return [{ text: 'select bss.assert_keys($1::integer)', values: [String(keys)], name: 'bss_assert_keys' }, statement];
  }

  /** @param answer which statement's rows are asked for, from the end */
  private async send(statements: readonly Statement[], answer: number): Promise<readonly Row[]> {
    if (!this.connection) throw new Error('the tenant transaction is over');
    const results = await this.connection.send(statements);
    return results.at(answer)?.rows ?? [];
  }

  private isOver(): boolean {
    return this.state === 'over';
  }

  private async commit(): Promise<void> {
    if (this.state === 'connecting') throw new Error('the first statement of the tenant transaction was not awaited');
    if (this.state === 'open') {
      const [result] = (await this.connection?.send([COMMIT])) ?? [];
      // COMMIT of an aborted transaction answers ROLLBACK without an error.
      if (result?.command !== 'COMMIT') throw new Error('the transaction was aborted before its commit');
    }
    this.end();
  }

  private async rollback(): Promise<void> {
    try {
      if (this.state === 'open') await this.connection?.send([ROLLBACK]);
      this.end();
    } catch {
      this.state = 'over';
      this.connection?.destroy();
    }
  }

  private end(): void {
    this.state = 'over';
    this.connection?.release();
  }

  /** Runs `work` in a transaction inside the tenant: commits when it resolves, rolls back when it rejects. */
  static async run<T>(
    pool: RuntimePool,
    home: TenantHome,
    actor: Actor,
    options: TenantTxOptions,
    work: (tx: TenantTx) => Promise<T>,
  ): Promise<T> {
    const tx = new TenantTx(pool, home, actor, options);
    let result: T;
    try {
      result = await work(tx);
      await (tx.isRehearsal ? tx.rollback() : tx.commit());
    } catch (error) {
      if (tx.hasWritten && error instanceof Error) committed.add(error);
      await tx.rollback();
      throw error;
    }
    return result;
  }
}
