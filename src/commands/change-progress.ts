import { setTimeout as wait } from 'node:timers/promises';
import { SingleBar } from 'cli-progress';
import type { ChangeView } from '../entities/change-store.js';
import { counted } from '../platform/counted.js';
import type { ServiceClient } from './service-client.js';

const EVERY_MS = 500;

/** Shows how far a change is until it is over. @throws Error with the reason when it did not come to its end */
export async function watchChange(client: ServiceClient, href: string): Promise<void> {
  const bar = new SingleBar({ format: '{bar} {percentage}%  {step}', hideCursor: true });
  bar.start(100, 0, { step: '' });
  try {
    for (;;) {
      const change = await client.get<ChangeView>(href);
      const running = change.steps.find(({ state }) => state === 'running');
      const rows = change.rows ? ` (${change.rows.done} of ${counted(change.rows.total, 'row')})` : '';
      bar.update(change.percent, { step: `${running?.description ?? ''}${rows}` });
      if (change.status === 'done') return;
      if (change.status === 'failed' || change.status === 'aborted') {
        const { detail = change.status } = (change.error ?? {}) as { detail?: string };
        throw new Error(`the change was not applied, and what it prepared is taken away: ${detail}`);
      }
      await wait(EVERY_MS);
    }
  } finally {
    bar.stop();
  }
}
