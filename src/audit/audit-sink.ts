/**
 * A place outside that takes audit events: what the publisher asks of it, and how it says what became of them. A sink keeps no
 * events and tries nothing twice: that is the publisher's business.
 */

export interface AuditSink {
  /** The same for the same place, whatever its credentials are: where publishing stands is kept under it. */
  readonly name: string;
  /** Where it is, for people, without secrets. */
  readonly label: string;
  /** Events in order, those of a tenant in that of its trail. Never rejects; ends soon after the signal. */
  send(events: readonly OutgoingEvent[], signal: AbortSignal): Promise<Sent>;
  close(): Promise<void>;
}

export interface OutgoingEvent {
  readonly id: string;
  readonly tenantId: string;
  /** bigint, in decimal */
  readonly seq: string;
  readonly type: string;
  /** The CloudEvent, JSON in one line. */
  readonly text: string;
}

export interface Sent {
  /** So many, from the first on, are there for good. */
  readonly taken: number;
  /** Why not all of them; what is behind those taken may have arrived or not. */
  readonly fault?: SinkFault;
}

export interface SinkFault {
  /**
   * `event`: one of those sent is not to its liking. `sink`: it takes nothing now, whatever it is. `unclear`: a refusal, of one or
   * the other. `mishap`: something broke there, over one of those sent or not.
   */
  readonly blames: 'event' | 'sink' | 'unclear' | 'mishap';
  /** For the log and for administrators: no secret, and nothing of what the place said itself. */
  readonly reason: string;
  /** When it asked to be left alone. */
  readonly retryAfterMs?: number;
}

/** The reason of an error that no answer came with: its code, or that of what caused it. */
export function reasonOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at.name === 'TimeoutError') return 'no answer in time';
    if ('code' in at && typeof at.code === 'string') return at.code;
  }
  return error instanceof Error ? error.name : 'unknown';
}
