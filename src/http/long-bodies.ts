import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Requests whose body may take longer to arrive than the minute that others have: the server's limit counts whole requests, and
 * knows no exception. Who reads such a body has a limit of its own, on silence.
 */
const sockets = new WeakSet<Socket>();

/** How long the rest of a body is taken from a client that was answered before its end, milliseconds. */
const LINGER_MS = 10_000;

export function mayTakeLong(socket: Socket): boolean {
  return sockets.has(socket);
}

/**
 * Runs work that reads the body. What it leaves unread is read and thrown away for a while: a connection closed at once would lose
 * the answer to whoever is still sending.
 */
export async function withLongBody<T>(request: IncomingMessage, work: () => Promise<T>): Promise<T> {
  const { socket } = request;
  sockets.add(socket);
  try {
    return await work();
  } finally {
    sockets.delete(socket);
    if (!request.readableEnded && !request.destroyed) {
      const impatience = setTimeout(() => socket.destroy(), LINGER_MS);
      impatience.unref();
      request.once('close', () => clearTimeout(impatience));
      request.once('end', () => clearTimeout(impatience));
      request.resume();
    }
  }
}
