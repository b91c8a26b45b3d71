import type { Socket } from 'node:net';
import { closeUnread } from './unread-answers.js';

/** Whether a socket in this state is closed when nothing has moved on it. */
function isClosed(state: { _httpMessage: object | null; writableLength: number; bytesWritten: number }): boolean {
  let closed = false;
  const destroy = (): void => {
    closed = true;
  };
  closeUnread({ ...state, destroy } as unknown as Socket);
  return closed;
}

describe('a connection on which nothing moves', () => {
  it.each([
    ['whose answer is not taken', { _httpMessage: {}, writableLength: 1, bytesWritten: 1 }],
    ['whose last answer is not taken', { _httpMessage: null, writableLength: 1, bytesWritten: 1 }],
    ['that was answered and asks no more', { _httpMessage: null, writableLength: 0, bytesWritten: 1 }],
  ])('%s is closed', (_, state) => {
    expect(isClosed(state)).toBe(true);
  });

  it.each([
    ['whose answer is being worked on', { _httpMessage: {}, writableLength: 0, bytesWritten: 0 }],
    ['whose second answer is being worked on', { _httpMessage: {}, writableLength: 0, bytesWritten: 1 }],
    ['that has not asked yet, which has a limit of its own', { _httpMessage: null, writableLength: 0, bytesWritten: 0 }],
  ])('%s stays', (_, state) => {
    expect(isClosed(state)).toBe(false);
  });
});
