import { setTimeout as wait } from 'node:timers/promises';
import type { ImportView } from './import-store.js';

/** How far an import is, told as it goes on: server-sent events (WHATWG HTML §9.2). Another instance may be at work on it. */

const EVERY_MS = 500;

/** A comment now and then keeps those who stand between from closing a connection that has nothing to say. */
const SIGN_OF_LIFE_MS = 15_000;

/** `progress` whenever something has changed, and last of all `end`; the data is what GET …/imports/{id} answers. */
export async function* importEvents(
  look: () => Promise<ImportView>,
  first: ImportView,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let told = '';
  let since = performance.now();
  for (let view = first; !signal.aborted; view = await look()) {
    const text = JSON.stringify(view);
    const isOver = view.state !== 'running';
    if (text !== told || isOver) {
      yield `event: ${isOver ? 'end' : 'progress'}\nid: ${view.lines}\ndata: ${text}\n\n`;
      told = text;
      since = performance.now();
    } else if (performance.now() - since > SIGN_OF_LIFE_MS) {
      yield ': still running\n\n';
      since = performance.now();
    }
    if (isOver) return;
    await wait(EVERY_MS, undefined, { signal }).catch(() => {});
  }
}
