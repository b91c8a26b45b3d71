import { parentPort, workerData } from 'node:worker_threads';
import { type KeyFaultKind } from '../key-provider.js';
import { pkcs11Fault } from './pkcs11-faults.js';
import { Pkcs11Keys } from './pkcs11-keys.js';
import { Pkcs11Token } from './pkcs11-token.js';

/**
 * The thread that waits for the token, so that nobody else does: one thing at a time, in the order asked for. Keys come and go as memory
 * that changes hands and is not copied; what is left of them here is wiped.
 */

export type KeyMethod = 'createKey' | 'wrap' | 'unwrap' | 'rotateKey' | 'destroyKey';

/** What it is asked; null: to end. */
export type Question = { readonly id: number; readonly method: KeyMethod; readonly args: readonly unknown[] } | null;

/** The first says whether the module was loaded. */
export type Answer =
  | { readonly opened: true }
  | { readonly refused: string }
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly fault: { readonly kind: KeyFaultKind; readonly message: string } };

const port = parentPort as NonNullable<typeof parentPort>;

function say(answer: Answer, moved: ArrayBuffer[] = []): void {
  port.postMessage(answer, moved);
}

/** Arrays of bytes lose on the way that they are Buffers. */
function received(arg: unknown): unknown {
  return arg instanceof Uint8Array ? Buffer.from(arg.buffer, arg.byteOffset, arg.byteLength) : arg;
}

function answer(keys: Pkcs11Keys, { id, method, args }: NonNullable<Question>): void {
  const given = args.map(received);
  try {
    const result = (keys[method] as (...of: unknown[]) => unknown).apply(keys, given);
    const moved = Buffer.isBuffer(result) ? Uint8Array.from(result) : null;
    if (Buffer.isBuffer(result)) result.fill(0);
    say({ id, answer: moved ?? result }, moved ? [moved.buffer] : []);
  } catch (error) {
    const { kind, message } = pkcs11Fault(method, error);
    say({ id, fault: { kind, message } });
  } finally {
    for (const bytes of given.filter(Buffer.isBuffer)) bytes.fill(0);
  }
}

Pkcs11Token.open(workerData).then(
  (token) => {
    const keys = new Pkcs11Keys(token);
    port.on('message', (question: Question) => {
      if (question) {
        answer(keys, question);
      } else {
        token.close();
        port.close();
      }
    });
    say({ opened: true });
  },
  (error: Error) => say({ refused: error.message }),
);
