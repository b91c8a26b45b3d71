import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { type Destruction, type KeyContext, KeyFault, type KeyProvider } from '../key-provider.js';
import type { TokenOptions } from './pkcs11-token.js';
import type { Answer, KeyMethod } from './pkcs11-worker.js';

/**
 * A hardware security module behind PKCS#11 v2.40, where each tenant has keys that never leave it. Most calls of PKCS#11 return only when
 * the token has answered, and a token that is gone may take its minutes: they are made on a thread of their own. One provider a process,
 * since a module is initialised for the whole of it.
 */

/** More than this are refused at once: what waits for a token that hangs would only be done when nobody waits any more. */
const WAITING = 64;
const CLOSING_MS = 1_000;

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (fault: KeyFault) => void;
}

/** @throws Error when pkcs11js or the module cannot be loaded; whether the token is there is found out when it is needed */
export async function openPkcs11(options: TokenOptions): Promise<Pkcs11> {
  const worker = new Worker(require.resolve('./pkcs11-worker.js'), { workerData: options });
  const [first] = (await once(worker, 'message')) as [Answer];
  if ('refused' in first) {
    await worker.terminate();
    throw new Error(first.refused);
  }
  return new Pkcs11(worker);
}

export class Pkcs11 implements KeyProvider {
  readonly name = 'pkcs11';
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  private asked = 0;
  private ended = false;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (answer: Answer) => this.take(answer));
    worker.on('error', () => this.end());
    worker.on('exit', () => this.end());
    worker.unref();
  }

  /** Several processes may make it at once: each may leave a key of its own, and all use the same one. */
  async createKey(tenantId: string): Promise<string> {
    return (await this.ask('createKey', tenantId)) as string;
  }

  async wrap(keyRef: string, context: KeyContext, key: Buffer): Promise<Buffer> {
    return bytes(await this.ask('wrap', keyRef, context, Uint8Array.from(key)));
  }

  async unwrap(keyRef: string, context: KeyContext, wrapped: Buffer): Promise<Buffer> {
    return bytes(await this.ask('unwrap', keyRef, context, Uint8Array.from(wrapped)));
  }

  async rotateKey(keyRef: string): Promise<void> {
    await this.ask('rotateKey', keyRef);
  }

  async destroyKey(keyRef: string): Promise<Destruction> {
    return (await this.ask('destroyKey', keyRef)) as Destruction;
  }

  /** A token that hangs is not waited for. */
  async close(): Promise<void> {
    if (this.ended) return;
    this.#worker.ref();
    const exited = once(this.#worker, 'exit');
    this.#worker.postMessage(null);
    await Promise.race([exited, delay(CLOSING_MS, undefined, { ref: false })]);
    this.end();
  }

  private ask(method: KeyMethod, ...args: readonly unknown[]): Promise<unknown> {
    if (this.ended) throw new KeyFault('unavailable', 'PKCS#11: the thread of the token has ended');
    if (this.#waiting.size >= WAITING) throw new KeyFault('unavailable', 'PKCS#11: too many calls wait for the token');
    const id = ++this.asked;
    const moved = args.filter((arg): arg is Uint8Array<ArrayBuffer> => arg instanceof Uint8Array).map(({ buffer }) => buffer);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      // It keeps the process only while it is waited for.
      this.#worker.ref();
      this.#worker.postMessage({ id, method, args }, moved);
    });
  }

  private take(answer: Answer): void {
    if (!('id' in answer)) return;
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if ('fault' in answer) waiting?.reject(new KeyFault(answer.fault.kind, answer.fault.message));
    else waiting?.resolve(answer.answer);
  }

  private end(): void {
    this.ended = true;
    this.#worker.unref();
    for (const { reject } of this.#waiting.values())
      reject(new KeyFault('unavailable', 'PKCS#11: the thread of the token has ended'));
    this.#waiting.clear();
  }
}

function bytes(answer: unknown): Buffer {
  const { buffer, byteOffset, byteLength } = answer as Uint8Array;
  return Buffer.from(buffer, byteOffset, byteLength);
}
