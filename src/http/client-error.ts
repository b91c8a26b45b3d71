import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { PROBLEM_JSON, Problem } from '../platform/problem.js';
import { mayTakeLong } from './long-bodies.js';

/**
 * Answers what never becomes a request because it is not HTTP, too large or too slow: a problem like every other. There is
 * no reply object for it, so the answer is written to the socket, which is then closed.
 */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && mayTakeLong(socket)) return;
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = problemOf(error.code);
  const body = JSON.stringify({ ...problem.toJSON(), instance: `urn:bss:request:${randomUUID()}` });
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    `Content-Type: ${PROBLEM_JSON}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

function problemOf(code: string | undefined): Problem {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new Problem('request/headers-too-large', 'The request line and the headers may have 16 KB together.');
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new Problem('request/timeout', 'The request did not arrive whole in time.');
  return new Problem('request/malformed', 'What was sent is not HTTP/1.1 (RFC 9112).');
}
