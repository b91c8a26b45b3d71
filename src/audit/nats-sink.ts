import { JetStreamApiError, type JetStreamClient, jetstream } from '@nats-io/jetstream';
import { connect, errors, headers, type NatsConnection } from '@nats-io/transport-node';
import { type AuditSink, type OutgoingEvent, reasonOf, type Sent, type SinkFault } from './audit-sink.js';

/**
 * NATS JetStream: a message per event in structured mode, on `<prefix>.<tenant>.<type>`. A stream that takes `<prefix>.>` has to be
 * there. Acknowledgements are awaited; `Nats-Msg-Id` is the event's id, by which the server drops what it has had already.
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/nats-protocol-binding.md
 */

const CONNECT_MS = 3_000;

/** Longest an acknowledgement takes. */
const PATIENCE_MS = 10_000;

/** https://github.com/nats-io/nats-server/blob/main/server/errors.json */
const WRONG_LAST_MESSAGE = 10_070;
const MESSAGE_TOO_LARGE = 10_054;

export class NatsSink implements AuditSink {
  private connection: NatsConnection | null = null;
  private readonly prefix: string;

  /** @param url host and port, credentials if any (`user:password@` or `token@`), and the subjects' prefix as its path */
  constructor(
    readonly name: string,
    readonly label: string,
    private readonly url: URL,
  ) {
    this.prefix = decodeURIComponent(url.pathname.slice(1));
  }

  async send(events: readonly OutgoingEvent[], signal: AbortSignal): Promise<Sent> {
    const abandon = (): void => void this.close();
    signal.addEventListener('abort', abandon);
    let taken = 0;
    try {
      const stream = jetstream(await this.connected(), { timeout: PATIENCE_MS });
      while (taken < events.length) {
        const part = await this.publish(stream, events.slice(taken));
        taken += part.taken;
        // Others write to the stream too: what they came between is sent again, behind theirs.
        if (part.error && !(isOvertaken(part.error) && part.taken > 0)) return { taken, fault: await this.faultOf(part.error) };
      }
      return { taken };
    } catch (error) {
      return { taken, fault: await this.faultOf(error) };
    } finally {
      signal.removeEventListener('abort', abandon);
    }
  }

  async close(): Promise<void> {
    const open = this.connection;
    this.connection = null;
    await open?.close();
  }

  /**
   * All at once, each but the first on condition that the one before it is the last of the stream: behind one that is refused
   * none is taken, and order is kept without waiting for each.
   */
  private async publish(stream: JetStreamClient, events: readonly OutgoingEvent[]): Promise<{ taken: number; error?: unknown }> {
    const acknowledged = await Promise.allSettled(
      events.map(async (event, n) => {
        const of = headers();
        of.set('content-type', 'application/cloudevents+json');
        const expect = { lastMsgID: events[n - 1]?.id };
        return stream.publish(this.subjectOf(event), event.text, { msgID: event.id, headers: of, expect });
      }),
    );
    const failed = acknowledged.findIndex(({ status }) => status === 'rejected');
    if (failed < 0) return { taken: events.length };
    return { taken: failed, error: (acknowledged[failed] as PromiseRejectedResult).reason };
  }

  private subjectOf({ tenantId, type }: OutgoingEvent): string {
    const tokens = [tenantId, ...type.split('.')].map((token) => token.replace(/[^A-Za-z0-9_-]/g, '_') || '_');
    return [this.prefix, ...tokens].join('.');
  }

  private async connected(): Promise<NatsConnection> {
    if (this.connection && !this.connection.isClosed()) return this.connection;
    const { host, username, password } = this.url;
    const [user, pass] = [decodeURIComponent(username), decodeURIComponent(password)];
    const credentials = user === '' ? {} : pass === '' ? { token: user } : { user, pass };
    this.connection = await connect({
      ...{ servers: host, name: 'business-store', timeout: CONNECT_MS, ...credentials },
      // When to try again is the publisher's decision.
      ...{ reconnect: false, noAsyncTraces: true },
    });
    return this.connection;
  }

  private async faultOf(error: unknown): Promise<SinkFault> {
    if (error instanceof JetStreamApiError) {
      return {
        blames: error.code === MESSAGE_TOO_LARGE ? 'event' : 'sink',
        reason: `answered ${error.status}, error ${error.code}`,
      };
    }
    // Larger than any message the server takes, which the client knows.
    if (error instanceof errors.InvalidArgumentError) return { blames: 'event', reason: 'larger than the server takes' };
    // Whatever state the connection is in, the next attempt begins with another.
    await this.close();
    if (error instanceof Error && error.name === 'JetStreamNotEnabled') {
      return { blames: 'sink', reason: `no stream takes ${this.prefix}.>` };
    }
    return { blames: 'sink', reason: reasonOf(error) };
  }
}

function isOvertaken(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === WRONG_LAST_MESSAGE;
}
