import { Injectable } from '@nestjs/common';
import { type AuditAction, auditStatement } from '../audit/audit-event.js';
import { readSinkStatus, readTroubledTenants, type SinkStatus, type TroubledTenant } from '../audit/publishing-status.js';
import type { Actor } from '../database/context-token.js';
import { ControlPlane, type SystemTx } from '../database/control-plane.js';
import type { Statement } from '../model/sql.js';
import { Problem } from '../platform/problem.js';
import { isUuid } from '../platform/uuid.js';

/** What system administrators see of publishing, and what they may do about an event that a place does not take. */

/** Tenants in trouble that are listed of one place. */
const MOST_TENANTS = 200;

export interface SinkView extends SinkStatus {
  readonly troubled: readonly TroubledTenant[];
}

interface Standing {
  readonly seq: string;
  readonly failures: number;
  readonly parked_at: Date | null;
  readonly error: string | null;
  readonly event_id: string;
}

@Injectable()
export class PublishingService {
  constructor(private readonly controlPlane: ControlPlane) {}

  /** Every place that was ever published to, by name. */
  list(actor: Actor): Promise<SinkView[]> {
    return this.controlPlane.platform(actor, async (tx) => {
      const [sinks, troubled] = [await readSinkStatus(tx), await readTroubledTenants(tx, MOST_TENANTS)];
      return sinks.map((sink) => ({ ...sink, troubled: troubled.filter((one) => one.sink === sink.sink) }));
    });
  }

  /** The event that was refused is sent again at once. @throws Problem `publishing/not-found`, `publishing/not-in-trouble` */
  async retry(actor: Actor, sink: string, tenantId: string, reason: string): Promise<TroubledTenant> {
    return this.act(actor, sink, tenantId, 'publishing.retried', reason, () => ({ text: RETRY, values: [sink, tenantId] }));
  }

  /** The event that was refused is passed over, for good. @throws Problem as `retry`, and `publishing/other-event` */
  async skip(actor: Actor, sink: string, tenantId: string, sequence: string, reason: string): Promise<TroubledTenant> {
    return this.act(actor, sink, tenantId, 'publishing.skipped', reason, ({ seq }) => {
      if (BigInt(sequence) === BigInt(seq)) return { text: SKIP, values: [sink, tenantId, seq] };
      throw new Problem('publishing/other-event', `The event that is not taken is the one with sequence ${seq}.`, {
        sequence: seq,
      });
    });
  }

  /** Together with its line in the tenant's trail, which is published too: whoever misses the event reads why. */
  private act(
    ...[actor, sink, tenantId, action, reason, choose]: [Actor, string, string, AuditAction, string, (of: Standing) => Statement]
  ): Promise<TroubledTenant> {
    return this.controlPlane.platform(actor, async (tx) => {
      const standing = await find(tx, sink, tenantId);
      const [changed] = await tx.run<TroubledTenant>(choose(standing));
      const { seq: sequence, event_id: eventId, error } = standing;
      const body = JSON.stringify({ detail: { sink, sequence, eventId, error, reason } });
      await tx.run(auditStatement(tenantId.toLowerCase(), actor, { action, body }));
      return { ...(changed as TroubledTenant), seq: sequence, event_id: eventId };
    });
  }
}

async function find(tx: SystemTx, sink: string, tenantId: string): Promise<Standing> {
  const known = await tx.run({ text: 'select sink from audit.sinks where sink = $1', values: [sink] });
  if (known.length === 0 || !isUuid(tenantId)) {
    throw new Problem(
      'publishing/not-found',
      'There is no such place, or no tenant of this id there. GET /api/v1/publishing lists them.',
    );
  }
  const [standing] = await tx.run<Standing>(standingStatement(sink, tenantId));
  if (!standing) throw new Problem('publishing/not-in-trouble', 'The events of the tenant are on their way there.');
  return standing;
}

/** Locked: the publisher's own news of it wait. */
function standingStatement(sink: string, tenantId: string): Statement {
  return {
    text: `select c.seq, p.failures, p.parked_at, p.error, c.event_id
from audit.publishing as p
join audit.heads as h on h.tenant_id = p.tenant_id
join audit.chain as c on c.tenant_id = p.tenant_id and c.seq = greatest(p.seq, h.anchor_seq) + 1
where p.sink = $1
  and p.tenant_id = $2::uuid
  and p.failures > 0
for update of p`,
    values: [sink, tenantId],
  };
}

const RETRY = `with moved as (
  update audit.publishing
  set next_try_at = now()
  where sink = $1
    and tenant_id = $2::uuid
  returning *
)
select *
from moved`;

/** What is behind it is tried by itself first, as everything of a tenant in trouble. */
const SKIP = `with moved as (
  update audit.publishing
  set seq = $3::bigint,
      failures = 1,
      next_try_at = now(),
      parked_at = null,
      error = null
  where sink = $1
    and tenant_id = $2::uuid
  returning *
)
select *
from moved`;
