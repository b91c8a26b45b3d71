import { type Logger, writeBesideLog } from '../platform/log.js';
import { type AuditSink, type OutgoingEvent, reasonOf, type Sent } from './audit-sink.js';

/** The stream of the log: a JSON line per event, told from the log's own by its `specversion`. A slow reader is waited for. */
export class StdoutSink implements AuditSink {
  readonly name = 'stdout';
  readonly label = 'stdout';

  constructor(private readonly logger: Logger) {}

  async send(events: readonly OutgoingEvent[], signal: AbortSignal): Promise<Sent> {
    try {
      await writeBesideLog(this.logger, events.map(({ text }) => `${text}\n`).join(''), signal);
      return { taken: events.length };
    } catch (error) {
      return { taken: 0, fault: { blames: 'sink', reason: reasonOf(error) } };
    }
  }

  async close(): Promise<void> {}
}
