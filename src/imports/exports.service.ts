import { Readable } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import type { Access } from '../access/access.js';
import type { Actor } from '../database/context-token.js';
import { RuntimePool } from '../database/runtime-pool.js';
import type { Row } from '../database/statement-batch.js';
import { TenantTx } from '../database/tenant-tx.js';
import type { DefinedEntity } from '../entities/defined-entity.js';
import { EntityViews } from '../entities/entity-views.js';
import { TenantKeys } from '../keys/tenant-keys.js';
import type { ReadQuery } from '../model/query/ast.js';
import { exportStatement } from '../model/query/export-statement.js';
import { invalidQuery } from '../model/query/invalid-query.js';
import { parseReadQuery } from '../model/query/parse-read-query.js';
import type { TransferFormat } from '../model/transfer/split-records.js';
import { compileReadWriter, type ReadWriter } from '../model/values/read-writer.js';
import { LOGGER, type Logger } from '../platform/log.js';
import { Problem } from '../platform/problem.js';
import { Turns } from '../platform/turns.js';
import { graphOf } from '../records/entity-graphs.js';
import { keptBackHeader } from '../records/kept-back-header.js';
import { explainedRead } from '../records/read-problem.js';
import { preparedName } from '../records/record-sql.js';
import { type Tenant, TenantDirectory } from '../tenants/tenant-directory.js';
import { exportFormat } from './export-format.js';
import { type ExportWriter, exportWriter } from './export-writer.js';

/**
 * Streams the records of an entity, each as it was when it was read. Batches by id, each in a short transaction: while the client
 * takes its time, the export holds one batch in memory and no connection. A snapshot of the whole would hold one for as long as the
 * client likes, and keep vacuum from cleaning up behind every other tenant.
 */

/** A batch is so many rows, and no more than have so many bytes: larger ones are no faster, and outlive the collection of young garbage. */
const FIRST_ROWS = 50;
const MOST_ROWS = 250;
const BATCH_BYTES = 200_000;

/** Of all exports: requests want most of the connections. */
const BATCHES_AT_ONCE = 3;

/** How long a client may take nothing. */
const SILENCE_MS = 60_000;

export interface Export {
  readonly format: TransferFormat;
  /** That of what is kept back from the caller. */
  readonly headers: Readonly<Record<string, string>>;
  readonly stream: () => Readable;
}

interface Batch {
  readonly text: string;
  readonly last: string | null;
  readonly rows: number;
}

/** Who exports what of which tenant. */
export interface Exporter {
  readonly tenant: Tenant;
  readonly actor: Actor;
  readonly access: Access;
}

/** What is asked for, as it was sent. */
interface Wanted extends Exporter {
  readonly name: string;
  readonly format: TransferFormat;
  readonly pairs: readonly (readonly [string, string])[];
}

interface Plan extends Wanted {
  readonly defined: DefinedEntity;
  readonly query: ReadQuery;
  readonly reader: ReadWriter;
  readonly writer: ExportWriter;
}

@Injectable()
export class ExportsService {
  private readonly turns = new Turns(BATCHES_AT_ONCE);

  constructor(
    private readonly pool: RuntimePool,
    private readonly views: EntityViews,
    private readonly directory: TenantDirectory,
    private readonly keys: TenantKeys,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Reads the first batch, so that whatever is wrong with the request is answered as a problem. */
  async begin(by: Exporter, name: string, params: URLSearchParams, accept?: string): Promise<Export> {
    const pairs = [...params].filter(([parameter]) => parameter !== 'format');
    const wanted = { ...by, name, format: exportFormat(params.get('format') ?? undefined, accept), pairs };
    return this.keys.having(
      by.tenant,
      async () => {
        const plan = await this.plan(wanted);
        const first = await this.turns.run(() => this.read(plan, null, FIRST_ROWS));
        return { format: plan.format, headers: keptBackHeader(plan.reader.keptBack), stream: () => this.stream(plan, first) };
      },
      by.actor,
    );
  }

  /** With the keys that are open at the moment. */
  private async plan(wanted: Wanted): Promise<Plan> {
    const { tenant, access, name, pairs, format } = wanted;
    const { defined, entities } = await this.views.find(tenant, access, name);
    const query = parseReadQuery(graphOf(entities), defined.entity, checked(pairs), { maxRows: 1, count: null });
    assertWhole(query);
    const reader = compileReadWriter(query, 'stored');
    return { ...wanted, defined, query, reader, writer: exportWriter(format, query, reader) };
  }

  private stream(plan: Plan, first: Batch): Readable {
    const { logger } = this;
    const batches = async function* (service: ExportsService): AsyncGenerator<Buffer> {
      try {
        for await (const text of service.texts(plan, first)) {
          const impatience = setTimeout(() => stream.destroy(new Error('the client of an export takes nothing')), SILENCE_MS);
          try {
            yield Buffer.from(text);
          } finally {
            clearTimeout(impatience);
          }
        }
      } catch (err) {
        // The answer has begun: the connection breaks off, so that nobody takes a part for the whole.
        logger.warn({ err, requestId: plan.actor.requestId }, 'an export was broken off');
        throw err;
      }
    };
    const stream = Readable.from(batches(this), { objectMode: false });
    return stream;
  }

  private async *texts(plan: Plan, first: Batch): AsyncGenerator<string> {
    yield plan.writer.head;
    let limit = FIRST_ROWS;
    for (let batch = first; batch.rows > 0; ) {
      yield batch.text;
      // Fewer rows than asked for were too large for more; small ones come in greater numbers.
      limit = batch.rows < limit ? batch.rows : Math.min(limit * 2, MOST_ROWS);
      const after = batch.last;
      batch = await this.keys.having(plan.tenant, () => this.turns.run(() => this.next(plan, after, limit)), plan.actor);
    }
  }

  /** @throws Problem when what was true at the beginning no longer is: one header and one shape hold for the whole */
  private async next(plan: Plan, after: string | null, rows: number): Promise<Batch> {
    const tenant = await this.directory.find(plan.tenant.id);
    if (tenant?.status !== 'active') throw new Problem('tenant/suspended', 'The tenant was suspended.');
    const { defined } = await this.views.find(tenant, plan.access, plan.name);
    if (defined.id !== plan.defined.id || defined.version !== plan.defined.version) {
      throw new Problem('entity/change-in-progress', 'The entity has a new version since the export began.');
    }
    // Keys may have changed since.
    return this.read(await this.plan({ ...plan, tenant }), after, rows);
  }

  private async read(
    { tenant, actor, defined, query, reader, writer }: Plan,
    after: string | null,
    rows: number,
  ): Promise<Batch> {
    const statement = exportStatement(tenant.home, query, reader, { after, rows, bytes: BATCH_BYTES });
    const prepared = { ...statement, name: preparedName(defined.version, statement.text) };
    const inspect = (read: readonly Row[]): void => this.keys.assertOpen(tenant.id, read);
    const found = await explainedRead(
      TenantTx.run(this.pool, tenant.home, actor, { readOnly: true, inspect }, (tx) => tx.last(prepared)),
    );
    let text = '';
    for (const [, ...cells] of found) text += writer.record(cells);
    return { text, last: found.at(-1)?.[0] ?? null, rows: found.length };
  }
}

/** An export is the whole, in the order of ids. */
function checked(pairs: readonly (readonly [string, string])[]): readonly (readonly [string, string])[] {
  const paging = pairs.find(([name]) => name === 'order' || name === 'limit' || name === 'offset');
  if (paging) throw invalidQuery(paging[0], 'an export has all records, in the order of their ids; filter for fewer.');
  return pairs;
}

function assertWhole(query: ReadQuery): void {
  if (query.after !== null) throw invalidQuery('after', 'an export has all records, and no pages to go on behind.');
  if (query.asOf !== null) throw invalidQuery('asOf', 'an export has the records as they are; read lists to read the past.');
  if (query.isGrouped) throw invalidQuery('select', 'an export has records, and no groups of them.');
  if (query.select.some(({ kind }) => kind === 'embed')) {
    throw invalidQuery('select', 'an export has one entity: export the others on their own, or read them embedded in a list.');
  }
}
