import type { OutgoingEvent, Sent, SinkFault } from './audit-sink.js';

/**
 * Brings a batch to a place, and finds out which events it will not take: what is refused is halved until an event is refused by
 * itself. The events of that tenant behind it stay; those of others go on.
 */

export interface Delivered {
  /** Why the place takes nothing now; absent when it is well. */
  readonly fault?: SinkFault;
  /** Refused by themselves, the first of each tenant. */
  readonly refused: readonly RefusedEvent[];
}

export interface RefusedEvent {
  readonly event: OutgoingEvent;
  readonly fault: SinkFault;
}

/** So many tenants' events in a row, and nothing accepted: it is not the events. */
const ENOUGH = 3;

/** @param taken hears of events that are there for good, before any others are sent */
export async function publishBatch(
  events: readonly OutgoingEvent[],
  send: (part: readonly OutgoingEvent[]) => Promise<Sent>,
  taken: (part: readonly OutgoingEvent[]) => Promise<void>,
): Promise<Delivered> {
  const parts = [events];
  const refused = new Map<string, RefusedEvent>();
  let isAccepting = false;
  for (let part = parts.shift(); part; part = parts.shift()) {
    const open = part.filter(({ tenantId }) => !refused.has(tenantId));
    if (open.length === 0) continue;
    const sent = await send(open);
    if (sent.taken > 0) {
      isAccepting = true;
      await taken(open.slice(0, sent.taken));
    }
    if (!sent.fault) continue;
    if (sent.fault.blames === 'sink') return { fault: sent.fault, refused: isAccepting ? [...refused.values()] : [] };
    const rest = open.slice(sent.taken);
    const [event, second] = rest;
    if (event && !second) refused.set(event.tenantId, { event, fault: sent.fault });
    else parts.unshift(...halves(rest));
    if (!isAccepting && refused.size >= ENOUGH) break;
  }
  return isAccepting ? { refused: [...refused.values()] } : judged([...refused.values()]);
}

/** Nothing was accepted: whether that is because of the events or because of the place. */
function judged(refused: readonly RefusedEvent[]): Delivered {
  const [first, second] = refused;
  if (!first || (!second && first.fault.blames === 'event')) return { refused };
  return { fault: { blames: 'sink', reason: `${first.fault.reason} to everything` }, refused };
}

function halves(events: readonly OutgoingEvent[]): (readonly OutgoingEvent[])[] {
  const middle = Math.ceil(events.length / 2);
  return [events.slice(0, middle), events.slice(middle)];
}
