import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * What becomes of a connection on which nothing moved for the time of `ANSWER_TIMEOUT_MS`. A client that does not read its answer
 * keeps it in our memory, though no database connection: the answer leaves after COMMIT. Listens to the server's `timeout`.
 */
export function closeUnread(socket: Socket): void {
  const { _httpMessage: answer } = socket as Socket & { _httpMessage?: ServerResponse | null };
  // An answer that is still being worked on takes as long as its statements may. What does not arrive whole has a limit of its own,
  // and is told when it is over.
  if (socket.writableLength === 0 && (answer || socket.bytesWritten === 0)) return;
  socket.destroy();
}
