import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { answerClientError } from './client-error.js';
import { withLongBody } from './long-bodies.js';

const TIMEOUT = Object.assign(new Error('timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });

function requestOn(socket: Partial<Socket>): IncomingMessage & PassThrough {
  return Object.assign(new PassThrough(), { socket }) as unknown as IncomingMessage & PassThrough;
}

describe('withLongBody', () => {
  it('lets no minute end the request, while it works and no longer', async () => {
    const socket = { writable: true, end: jest.fn() };
    const tellTimeout = () => answerClientError(TIMEOUT, socket as unknown as Socket);
    const request = requestOn(socket as unknown as Socket);
    request.resume().end();
    await withLongBody(request, async () => tellTimeout());
    expect(socket.end).not.toHaveBeenCalled();
    tellTimeout();
    expect(socket.end).toHaveBeenCalledTimes(1);
  });

  it('takes what was left unread, so that the answer is not lost to whoever still sends', async () => {
    const request = requestOn({ destroy: jest.fn() });
    request.write('unread');
    await expect(withLongBody(request, () => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
    const ended = new Promise((resolve) => request.once('end', resolve));
    request.end('and more');
    await ended;
    expect(request.readableLength).toBe(0);
  });
});
