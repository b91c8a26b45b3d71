import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import type { Statement } from '../model/sql.js';
import { Problem } from '../platform/problem.js';
import { CONTEXT_LIFETIME_SECONDS, type ContextClaims, type ContextKey, mintContextToken } from './context-token.js';
import { FairAdmission, type RefusalReason, shareOf } from './fair-admission.js';
import { PreparedNames, StatementBatch, type StatementResult } from './statement-batch.js';

/**
 * The only way onto the pool role's connections. It owns checkout and release, because the pool is the likeliest leak:
 * what is checked out is idle and clean, what comes back otherwise is destroyed. Nobody outside this file holds a pg client.
 */

export interface RuntimePoolOptions {
  /** Login of a pool role, such as `bss_app_00`. */
  readonly url: string;
  readonly size: number;
  /** Server-side limit per statement, milliseconds. */
  readonly statementTimeoutMs: number;
  /** Percent of the connections one tenant may hold. Default 80. */
  readonly tenantShare?: number;
  /** Requests of one tenant that may wait for a connection. Default 1000. */
  readonly tenantQueue?: number;
  readonly contextKey: ContextKey;
  readonly onError: (error: Error) => void;
}

/** Commands that leave nothing behind in the session, unlike SET, LISTEN, PREPARE or DO. */
const LEAVES_NOTHING: ReadonlySet<string | undefined> = new Set([
  'BEGIN',
  'COMMIT',
  'ROLLBACK',
  'SELECT',
  'INSERT',
  'UPDATE',
  'DELETE',
  'EXPLAIN',
]);

/** How much longer than the server the client waits for a statement before it gives the connection up. */
const CLIENT_PATIENCE_MS = 2_000;

/** Longest wait for a turn, and longest wait for a connection to be made. */
const CHECKOUT_PATIENCE_MS = 5_000;

/** Those who ask for readiness wait a few seconds at most. */
const PROBE_PATIENCE_MS = 2_000;

const NOBODY = '00000000-0000-0000-0000-000000000000';
const WARMING = { subject: 'business-store', roles: [], requestId: 'warming' };

interface Held {
  readonly client: pg.PoolClient;
  readonly prepared: PreparedNames;
  /** Server clock minus ours, seconds: tokens expire by the server's clock. */
  clockSkew: number;
}

/** How a connection ends: fit for the next one, not fit for anybody, or with a statement that still runs on the server. */
type Ending = 'clean' | 'broken' | 'timed-out';

export class RuntimePool {
  private readonly pool: pg.Pool;
  private readonly admission: FairAdmission;
  private readonly held = new WeakMap<pg.Client, Held>();
  private checkedOut = 0;
  private probing: Promise<string | null> | null = null;

  constructor(private readonly options: RuntimePoolOptions) {
    this.pool = new pg.Pool({
      connectionString: options.url,
      max: options.size,
      pipeline: true,
      application_name: 'business-store',
      statement_timeout: options.statementTimeoutMs,
      connectionTimeoutMillis: CHECKOUT_PATIENCE_MS,
      idleTimeoutMillis: 60_000,
      // A backend keeps ~20 KB per tenant table it touched: connections are recycled.
      maxUses: 50_000,
      maxLifetimeSeconds: 1_800,
      keepAlive: true,
    });
    this.pool.on('error', options.onError);
    this.pool.on('connect', (client) => client.on('error', options.onError));
    this.admission = new FairAdmission({
      places: options.size,
      share: shareOf(options.size, options.tenantShare ?? 80),
      queue: options.tenantQueue ?? 1_000,
      patienceMs: CHECKOUT_PATIENCE_MS,
      refusal: (reason) => this.refusal(reason),
    });
  }

  /** Connections in use and in all, and requests waiting for one. */
  get load(): { total: number; idle: number; waiting: number } {
    return { total: this.pool.totalCount, idle: this.pool.idleCount, waiting: this.admission.waiting + this.pool.waitingCount };
  }

  /**
   * @param tenantId whose turn and share it is; probes are nobody's
   * @throws Problem `request/too-many-waiting` (429) or `database/unavailable` (503) when there is no connection in time
   */
  async checkout(tenantId = NOBODY): Promise<RuntimeConnection> {
    const turn = this.admission.enter(tenantId);
    if (turn !== null) await turn;
    try {
      for (;;) {
        const client = await this.pool.connect();
        if (client.getTransactionStatus() !== 'I') {
          client.release(true);
          continue;
        }
        const held = this.held.get(client) ?? (await this.warm(client));
        this.checkedOut += 1;
        return new RuntimeConnection(held, this.options, (ending) => this.takeBack(client, tenantId, ending));
      }
    } catch (error) {
      this.admission.leave(tenantId);
      throw error;
    }
  }

  private takeBack(client: pg.PoolClient, tenantId: string, ending: Ending): void {
    if (ending === 'clean') client.release();
    else this.abandon(client, ending === 'timed-out');
    this.checkedOut -= 1;
    this.admission.leave(tenantId);
  }

  private refusal(reason: RefusalReason): Problem {
    const headers = { 'Retry-After': '2' };
    // Where nobody has a connection, the database is to blame and not how many ask for one.
    if (reason === 'places-taken' || (reason === 'share-taken' && this.checkedOut === 0)) {
      return new Problem('database/unavailable', 'No connection came free in time. Try again shortly.', {}, headers);
    }
    const detail =
      reason === 'queue-full'
        ? 'Too many requests of the tenant wait for the database already.'
        : 'The request waited too long for earlier ones of the tenant.';
    return new Problem('request/too-many-waiting', `${detail} Send fewer at once.`, {}, headers);
  }

  /** For readiness: null when the database answers, else why not. Always answers soon, and never takes two connections. */
  async whyNotReady(): Promise<string | null> {
    const silence = 'the database does not answer';
    this.probing ??= this.probe()
      .then(() => null)
      .catch(() => silence)
      .finally(() => {
        this.probing = null;
      });
    return Promise.race([this.probing, wait(PROBE_PATIENCE_MS, silence, { ref: false })]);
  }

  private async probe(): Promise<void> {
    const connection = await this.checkout();
    await connection.send([{ text: 'select 1', values: [] }]).finally(() => connection.release());
  }

  async end(): Promise<void> {
    await this.pool.end();
  }

  /** The first entry on a connection costs 3-4 ms of catalog loading and function compiling: pay it at connect. */
  private async warm(client: pg.PoolClient): Promise<Held> {
    const held: Held = { client, prepared: new PreparedNames(), clockSkew: 0 };
    const cold = new RuntimeConnection(held, this.options, () => client.release(true));
    try {
      const [clock] = await cold.send([
        { text: 'select extract(epoch from clock_timestamp())::bigint, current_user', values: [] },
      ]);
      const [serverNow, login] = clock?.rows[0] ?? [];
      held.clockSkew = Number(serverNow) - Math.floor(Date.now() / 1000);
      // Entering as the login itself runs every step and opens nothing: the login may read nothing.
      const nowhere = { tenantId: NOBODY, schema: 'pg_catalog', role: login as string, actor: WARMING };
      await cold.send([cold.enter(nowhere, true)]);
      this.held.set(client, held);
      return held;
    } catch (error) {
      // Nobody else would give its place in the pool back.
      cold.destroy();
      throw error;
    }
  }

  /** Ends a connection whose statement nobody waits for any more, and stops the statement on the server. */
  private abandon(client: pg.PoolClient, timedOut: boolean): void {
    if (timedOut) {
      this.cancel(client);
      // An orderly goodbye would wait for the answer, and whoever queues for a connection with it.
      (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    }
    client.release(true);
  }

  private cancel(client: pg.PoolClient): void {
    const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
    const side = new pg.Connection({});
    side.on('error', this.options.onError);
    side.on('connect', () => (side as unknown as { cancel(pid: number, key: number): void }).cancel(processID, secretKey));
    const { port, host } = client;
    const address = host.startsWith('/') ? [`${host}/.s.PGSQL.${port}`] : [port, host];
    (side as unknown as { connect(...address: unknown[]): void }).connect(...address);
  }
}

/** One checked-out connection. Ends by `release`, exactly once; anything but an idle and clean connection is destroyed. */
export class RuntimeConnection {
  private released = false;
  private clean = true;
  private unanswered = 0;

  constructor(
    private readonly held: Held,
    private readonly options: RuntimePoolOptions,
    private readonly end: (ending: Ending) => void,
  ) {}

  /** The statement that enters the tenant on this very connection. */
  enter(claims: ContextClaims, readOnly: boolean): Statement {
    const expiresAt = Math.floor(Date.now() / 1000) + this.held.clockSkew + CONTEXT_LIFETIME_SECONDS;
    const pid = (this.held.client as unknown as { processID: number }).processID;
    return enterStatement(mintContextToken(this.options.contextKey, claims, pid, expiresAt), readOnly);
  }

  /** Sends the statements in one flush; rejects with the first error (a `pg.DatabaseError` when the server's). */
  async send(statements: readonly Statement[]): Promise<readonly StatementResult[]> {
    if (this.released) throw new Error('the connection was released');
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        // Of several statements that wait together, the first to give up gives up for all.
        if (!this.released) {
          this.released = true;
          this.end('timed-out');
        }
        reject(Object.assign(new Error('the database did not answer in time'), { code: '57014' }));
      }, this.options.statementTimeoutMs + CLIENT_PATIENCE_MS);
      const batch = new StatementBatch(statements, this.held.prepared, (error, results) => {
        clearTimeout(timer);
        this.unanswered -= 1;
        if (!results.every(({ command }) => LEAVES_NOTHING.has(command.split(' ')[0]))) this.clean = false;
        if (error) reject(error);
        else resolve(results);
      });
      this.unanswered += 1;
      this.held.client.query(batch);
    });
  }

  release(): void {
    if (this.released) return;
    this.released = true;
    // Until a batch is answered the status is that of before it.
    const idle = this.unanswered === 0 && this.held.client.getTransactionStatus() === 'I';
    this.end(this.clean && idle ? 'clean' : 'broken');
  }

  /** For a transaction in an unknown state: nobody shall meet it again. */
  destroy(): void {
    if (this.released) return;
    this.released = true;
    this.end('broken');
  }
}

function enterStatement(token: string, readOnly: boolean): Statement {
  return { text: 'select bss.enter($1, $2)', values: [token, readOnly ? 'true' : 'false'], name: 'bss_enter' };
}
