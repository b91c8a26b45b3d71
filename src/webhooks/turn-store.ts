import { auditStatement } from '../audit/audit-event.js';
import type { Actor } from '../database/context-token.js';
import type { ControlPlane } from '../database/control-plane.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import { FAILURES_TO_PAUSE } from './retry-schedule.js';
import {
  type ClaimedRow,
  candidatesStatement,
  claimStatement,
  type DeliveryOutcome,
  type DueRow,
  deliveriesStatement,
  disableStatement,
  dueAtStatement,
  dueStatement,
  type EventRow,
  hurryStatement,
  recordStatement,
  type TurnRecord,
  type WantedRow,
  wantedStatement,
} from './turn-sql.js';

/**
 * What turns read and leave behind, each in a short transaction in the context of the tenant; nothing is open while a receiver is
 * waited for. On connections of its own, so that neither definitions nor webhooks wait for the other.
 */

const ACTOR: Actor = { subject: 'business-store', roles: [], requestId: 'webhooks' };

export interface Candidate {
  readonly tenantId: string;
  readonly webhookId: string;
}

export interface Wanted {
  readonly events: readonly EventRow[];
  /** Number of the event up to which nothing else is wanted; null: there is nothing new. */
  readonly upTo: number | null;
}

export interface Claim {
  readonly webhook: ClaimedRow;
  readonly due: readonly DueRow[];
  readonly fresh: Wanted;
  readonly replayed: Wanted;
}

/** In one turn. A receiver that failed again and again is asked with a single one. */
const [MOST_DUE, MOST_FRESH, MOST_REPLAYED] = [32, 100, 100];

export class TurnStore {
  constructor(private readonly plane: ControlPlane) {}

  async candidates(limit: number, withoutTenants: readonly string[]): Promise<Candidate[]> {
    const rows = await this.plane.platform(ACTOR, (tx) =>
      tx.run<{ tenant_id: string; webhook_id: string }>(candidatesStatement(limit, withoutTenants)),
    );
    return rows.map((row) => ({ tenantId: row.tenant_id, webhookId: row.webhook_id }));
  }

  /** null: somebody else has it, or nothing shall be sent to it now. @param turn names who works on it */
  claim(tenant: Tenant, webhookId: string, turn: string): Promise<Claim | null> {
    return this.plane.inTenant(ACTOR, tenant.home, async (tx) => {
      const webhook = await tx.first<ClaimedRow>(claimStatement(tenant.id, webhookId, turn));
      if (!webhook) return null;
      const isAsked = webhook.failures >= FAILURES_TO_PAUSE;
      let room = isAsked ? 1 : Number.POSITIVE_INFINITY;
      const events = async (after: string | null, to: string | null, most: number): Promise<Wanted> => {
        const limit = Math.min(room, most);
        if (after === null || limit === 0) return { events: [], upTo: null };
        const wanted = wantedOf(await tx.run<WantedRow>(wantedStatement(tenant.id, webhookId, { after, to, limit })));
        room -= wanted.events.length;
        // Of what shall be sent once more, nothing may be left in the trail.
        return { ...wanted, upTo: wanted.upTo ?? (to === null ? null : Number(to)) };
      };
      const due = await tx.run<DueRow>(dueStatement(tenant.id, webhookId, Math.min(room, MOST_DUE)));
      room -= due.length;
      const fresh = await events(webhook.sent_seq, null, MOST_FRESH);
      const replayed = await events(webhook.replay_seq, webhook.replay_to, MOST_REPLAYED);
      return { webhook, due, fresh, replayed };
    });
  }

  /**
   * Whether it counts: a turn that took too long has lost its webhook to another, which sends once more what this one did.
   */
  record(
    tenant: Tenant,
    webhookId: string,
    { turn, record, outcomes, recovered, disable }: TurnEnd,
  ): Promise<{ readonly counted: boolean; readonly disabled: string | null }> {
    return this.plane.inTenant(ACTOR, tenant.home, async (tx) => {
      const row = await tx.first<{ failed_long: boolean | null }>(recordStatement(tenant.id, webhookId, turn, record));
      if (!row) return { counted: false, disabled: null };
      if (outcomes.length > 0) await tx.run(deliveriesStatement(tenant.id, webhookId, outcomes));
      if (recovered) await tx.run(hurryStatement(tenant.id, webhookId));
      await tx.run(dueAtStatement(tenant.id, webhookId));
      const reason = disable ?? (row.failed_long ? 'it failed for five days' : null);
      if (reason === null) return { counted: true, disabled: null };
      const disabled = await tx.first<{ sent_seq: string }>(disableStatement(tenant.id, webhookId, reason));
      if (!disabled) return { counted: true, disabled: null };
      const body = JSON.stringify({ detail: { webhook: webhookId, reason, sentSeq: Number(disabled.sent_seq) } });
      await tx.run(auditStatement(tenant.id, ACTOR, { action: 'webhook.disabled', body }));
      return { counted: true, disabled: reason };
    });
  }
}

export interface TurnEnd {
  readonly turn: string;
  readonly record: TurnRecord;
  readonly outcomes: readonly DeliveryOutcome[];
  /** Answers again, after failures that had paused it. */
  readonly recovered: boolean;
  readonly disable: string | null;
}

/** What was cut off is looked at again, behind the last that was taken. */
function wantedOf(rows: readonly WantedRow[]): Wanted {
  const events = rows.filter((row): row is WantedRow & EventRow => row.seq !== null);
  const [{ scanned_to: scannedTo = null, cut = false } = {}] = rows;
  const upTo = cut ? (events.at(-1)?.seq ?? null) : scannedTo;
  return { events, upTo: upTo === null ? null : Number(upTo) };
}
