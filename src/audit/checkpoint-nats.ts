import { jetstream } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { type CheckpointPlace, checkpointJson } from './checkpoint-place.js';

/** Checkpoints as messages of a JetStream subject, each acknowledged; the server drops what it has had already. */

const PATIENCE_MS = 10_000;

/** @param url host, port, credentials if any, and the subject as its path */
export function natsCheckpoints(url: URL): CheckpointPlace {
  const subject = decodeURIComponent(url.pathname.slice(1));
  let open: NatsConnection | null = null;
  const close = async (): Promise<void> => {
    const closing = open;
    open = null;
    await closing?.close();
  };
  return {
    label: `nats://${url.host}/${subject}`,
    async send(checkpoints, signal) {
      // What waits for the server then fails.
      const onAbort = (): void => void close().catch(() => {});
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        open ??= await connect({
          servers: url.host,
          user: decodeURIComponent(url.username) || undefined,
          pass: decodeURIComponent(url.password) || undefined,
          timeout: PATIENCE_MS,
          reconnect: false,
        });
        const stream = jetstream(open, { timeout: PATIENCE_MS });
        for (const checkpoint of checkpoints) {
          signal.throwIfAborted();
          await stream.publish(subject, checkpointJson(checkpoint), { msgID: `checkpoint-${checkpoint.number}` });
        }
      } catch (error) {
        // Without reconnecting by itself: the next attempt begins anew.
        await close();
        throw error;
      } finally {
        signal.removeEventListener('abort', onAbort);
      }
    },
    last: async () => null,
    close,
  };
}
