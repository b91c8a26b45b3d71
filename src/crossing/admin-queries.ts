import { Readable } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import { Access } from '../access/access.js';
import { forbidden } from '../access/forbidden.js';
import type { AccessGrant } from '../access/grant.js';
import { GrantsInForce, type Intent } from '../access/grants-in-force.js';
import type { Principal } from '../access/principal.js';
import type { Actor } from '../database/context-token.js';
import { toProblem } from '../http/problem.filter.js';
import { LOGGER, type Logger } from '../platform/log.js';
import { merged } from '../platform/merged.js';
import { Problem } from '../platform/problem.js';
import { TenantDirectory } from '../tenants/tenant-directory.js';
import type { AdminQueryBody } from './admin-query.body.js';
import { GrantWatch } from './grant-watch.js';
import { type Asked, TenantReader } from './tenant-reader.js';

/**
 * One list, asked of many tenants under a grant: each is told first and entered by itself, a few at a time, and what one of them
 * answers does not depend on any other. A stream of lines; it ends when the grant does.
 */

/** How long a client may take nothing. */
const SILENCE_MS = 60_000;

/** Who asks, by the grant that was sent. */
export interface Asker {
  readonly principal: Principal;
  readonly actor: Actor;
  readonly grantId: string | null;
  readonly intent: Omit<Intent, 'entity'>;
}

interface Fanout {
  readonly grant: AccessGrant;
  readonly tenantIds: readonly string[];
  readonly asked: Asked;
  readonly intent: Intent;
  readonly concurrency: number;
  readonly counts: { done: number; records: number; errors: number };
}

@Injectable()
export class AdminQueries {
  constructor(
    private readonly grants: GrantsInForce,
    private readonly reader: TenantReader,
    private readonly directory: TenantDirectory,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** @throws Problem auth/forbidden, auth/grant-refused (403); what is wrong in a tenant is a line of the stream */
  async begin({ principal, actor, grantId, intent }: Asker, body: AdminQueryBody): Promise<Readable> {
    const { entity, concurrency } = body;
    if (grantId === null) {
      throw new Problem('auth/forbidden', 'Tenants are asked under an access grant: name it as grant, or in X-Access-Grant.', {
        operation: intent.operation,
      });
    }
    const wanted = body.tenants?.map((id) => id.toLowerCase());
    const grant = await this.grants.find(actor, grantId, wanted);
    const tenantIds = wanted ?? (await this.grants.tenantsOf(actor, grant));
    const access = Access.under(principal, grant);
    if (!access.may('records.read', entity)) throw forbidden(access, 'records.read', entity);
    const pairs = [...new URLSearchParams(body.query ?? '')];
    const asked = {
      actor: { ...actor, grantId: grant.id, roles: access.roles },
      access,
      entity,
      pairs,
      limit: body.limit ?? null,
    };
    const counts = { done: 0, records: 0, errors: 0 };
    return this.stream({
      grant,
      tenantIds,
      asked,
      intent: { ...intent, entity, select: asked.pairs.find(([name]) => name === 'select')?.[1] },
      concurrency,
      counts,
    });
  }

  private stream(fanout: Fanout): Readable {
    const { asked, grant } = fanout;
    const watch = new GrantWatch(() => this.grants.find(asked.actor, grant.id));
    const lines = async function* (queries: AdminQueries): AsyncGenerator<Buffer> {
      for await (const text of queries.texts(fanout, watch)) {
        const impatience = setTimeout(() => stream.destroy(new Error('the client takes nothing')), SILENCE_MS);
        try {
          yield Buffer.from(text);
        } finally {
          clearTimeout(impatience);
        }
      }
    };
    const stream = Readable.from(lines(this), { objectMode: false });
    // Also when the client has gone while a tenant is asked.
    stream.once('close', () => watch.end(null));
    return stream;
  }

  private async *texts(fanout: Fanout, watch: GrantWatch): AsyncGenerator<string> {
    const { tenantIds, concurrency, counts } = fanout;
    watch.start();
    try {
      yield* merged(this.tenants(fanout, watch), concurrency, watch.signal);
    } finally {
      watch.stop();
    }
    const { reason } = watch;
    const isComplete = !watch.signal.aborted;
    const of = tenantIds.length;
    yield line({ type: 'end', complete: isComplete, of, ...counts, ...(reason && { problem: reason.toJSON() }) });
  }

  private *tenants(fanout: Fanout, watch: GrantWatch): Generator<AsyncGenerator<string>> {
    for (const tenantId of fanout.tenantIds) yield this.tenant(tenantId, fanout, watch);
  }

  /** Never throws: what goes wrong here is a line of this tenant's. */
  private async *tenant(tenantId: string, fanout: Fanout, watch: GrantWatch): AsyncGenerator<string> {
    const { asked, grant, intent, counts } = fanout;
    let records = 0;
    let isCut = false;
    try {
      const tenant = await this.directory.find(tenantId);
      if (!tenant) throw new Problem('tenant/not-found', 'There is no tenant with this id.');
      if (tenant.status === 'suspended') throw new Problem('tenant/suspended', 'The tenant is suspended.');
      await this.grants.announce({ actor: asked.actor, tenantId, grant }, intent);
      yield line({ type: 'tenant', tenantId, slug: tenant.slug });
      for await (const page of this.reader.pages(tenantId, asked)) {
        records += page.records.length;
        counts.records += page.records.length;
        isCut = page.isCut;
        if (page.records.length > 0) yield recordLines(tenantId, page.records);
      }
    } catch (error) {
      const problem = toProblem(error);
      // The database was the first to notice.
      if (problem.code === 'auth/grant-refused') watch.end(problem);
      if (problem.status >= 500) this.logger.error({ err: error, tenantId, code: problem.code }, 'a tenant could not be asked');
      counts.errors += 1;
      yield line({ type: 'error', tenantId, problem: problem.toJSON() });
    }
    counts.done += 1;
    yield line({ type: 'progress', done: counts.done, of: fanout.tenantIds.length, tenantId, records, cut: isCut });
  }
}

function line(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

function recordLines(tenantId: string, records: readonly string[]): string {
  return records.map((text) => `{"type":"record","tenantId":"${tenantId}","record":${text}}\n`).join('');
}
