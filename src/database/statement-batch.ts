import { type Connection, DatabaseError, Query } from 'pg';
import { serialize } from 'pg-protocol';
import type { Statement } from '../model/sql.js';

/**
 * Several statements in one network flush with one Sync (extended protocol, pipelined). Outside of `begin` the batch is
 * one implicit transaction: all of it commits or none. After an error the server skips the rest of the batch. Only the
 * runtime connection sends these; since this is the only thing it sends, the simple protocol is never spoken there.
 */

/** A row as Postgres printed it: text format, no parsing. */
export type Row = readonly (string | null)[];

export interface StatementResult {
  readonly rows: readonly Row[];
  /** The command tag, such as `SELECT 3`, `UPDATE 1` or `COMMIT`. */
  readonly command: string;
}

/**
 * The names prepared on one connection. A name that a failed batch may or may not have prepared, or closed, is closed
 * before it is parsed again (closing an unknown name is no error), and the least recently used name gives way at the
 * limit, because every prepared plan costs memory in the backend.
 */
export class PreparedNames {
  private readonly names = new Map<string, 'prepared' | 'uncertain'>();

  constructor(private readonly limit = 200) {}

  /** What must be sent before `name` can be bound. */
  prepare(name: string): { parse: boolean; close: readonly string[] } {
    const known = this.names.get(name);
    this.names.delete(name);
    this.names.set(name, 'prepared');
    if (known === 'prepared') return { parse: false, close: [] };
    const close = known === 'uncertain' ? [name] : [];
    for (const oldest of this.names.keys()) {
      if (this.names.size <= this.limit) break;
      this.names.delete(oldest);
      close.push(oldest);
    }
    return { parse: true, close };
  }

  doubt(names: readonly string[]): void {
    for (const name of names) this.names.set(name, 'uncertain');
  }
}

const UNNAMED = { parse: true, close: [] } as const;

export class StatementBatch extends Query {
  private readonly results: StatementResult[] = [];
  private received: Row[] = [];
  private readonly uncertain: string[] = [];
  private settled = false;

  constructor(
    private readonly statements: readonly Statement[],
    private readonly prepared: PreparedNames,
    /** Called once, when the server is ready again; with an error, the results are those of the statements before it. */
    private readonly settle: (error: Error | null, results: readonly StatementResult[]) => void,
  ) {
    // A text, not a configuration: pg would clone that one property by property, for 7 µs.
    super('batch');
  }

  /** What pg calls to have the query sent. */
  override submit = (connection: Connection): null => this.send(connection);

  /** One buffer and one write: a vector of small ones costs a quarter of the Node time of an update. */
  private send(connection: Connection): null {
    const messages: Buffer[] = [];
    for (const { text, values, name = '' } of this.statements) {
      const { parse, close } = name === '' ? UNNAMED : this.prepared.prepare(name);
      for (const old of close) messages.push(serialize.close({ type: 'S', name: old }));
      if (parse) {
        messages.push(serialize.parse({ text, name }));
        if (name !== '') this.uncertain.push(...close, name);
      }
      messages.push(serialize.bind({ statement: name, values: values as (string | null)[] }), serialize.execute());
    }
    messages.push(serialize.sync());
    connection.stream.write(Buffer.concat(messages));
    return null;
  }

  handleDataRow(message: { fields: Row }): void {
    this.received.push(message.fields);
  }

  handleCommandComplete(message: { text: string }): void {
    this.results.push({ rows: this.received, command: message.text });
    this.received = [];
  }

  /**
   * pg forgets a batch at its error, before the server is ready and says whether a transaction has failed with it. A
   * connection given back before that would count as idle, so the batch waits for it.
   */
  handleError(error: Error, connection: Connection): void {
    if (this.settled) return;
    this.settled = true;
    this.prepared.doubt(this.uncertain);
    const settle = (): void => {
      connection.off('readyForQuery', settle);
      connection.off('end', settle);
      this.settle(error, this.results);
    };
    if (error instanceof DatabaseError) {
      connection.on('readyForQuery', settle);
      connection.on('end', settle);
    } else {
      settle();
    }
  }

  handleReadyForQuery(): void {
    if (this.settled) return;
    this.settled = true;
    this.settle(null, this.results);
  }
}
