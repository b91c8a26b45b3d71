import type { Readable } from 'node:stream';
import { Problem } from '../platform/problem.js';

/**
 * Takes a request's body chunk by chunk, and only when asked: while nobody asks, the client waits. Unlike an iterator it leaves
 * the connection alone when it is given up, so that the client can still be told why.
 */
export class BodyReader {
  private interrupted: Error | null = null;
  private wake: () => void = () => {};

  constructor(
    private readonly body: Readable,
    /** Longest silence of the client, milliseconds. */
    private readonly patienceMs: number,
  ) {
    // Who is not asking hears of it when asking next.
    body.on('error', (error) => this.interrupt(endedEarly(error)));
    body.on('close', () => {
      if (!body.readableEnded) this.interrupt(endedEarly());
    });
  }

  /** null at the end. @throws Problem when the client is gone or silent, or what `interrupt` was given */
  async next(): Promise<Buffer | null> {
    for (;;) {
      if (this.interrupted) throw this.interrupted;
      const chunk = this.body.read() as Buffer | null;
      if (chunk !== null) return chunk;
      if (this.body.readableEnded) return null;
      await this.change();
    }
  }

  /** Whoever asks next, or is asking, is thrown this. */
  interrupt(reason: Error): void {
    this.interrupted ??= reason;
    this.wake();
  }

  private change(): Promise<void> {
    const { body } = this;
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        body.off('readable', done);
        body.off('end', done);
        this.wake = () => {};
        resolve();
      };
      const timer = setTimeout(() => this.interrupt(tooSlow(this.patienceMs)), this.patienceMs);
      this.wake = done;
      body.on('readable', done);
      body.on('end', done);
    });
  }
}

function endedEarly(cause?: Error): Problem {
  const problem = new Problem('request/malformed', 'The connection ended before the body did.');
  problem.cause = cause;
  return problem;
}

function tooSlow(ms: number): Problem {
  return new Problem('request/timeout', `Nothing of the body arrived for ${ms / 1_000} s.`);
}
