import { setTimeout as wait } from 'node:timers/promises';
import { SingleBar } from 'cli-progress';
import type { KeyJob } from '../encryption/key-job.js';
import type { ServiceClient } from './service-client.js';

const EVERY_MS = 500;

/** Shows how far work on keys is until it is over. @throws Error with the reason when it did not come to its end */
export async function watchKeyJob(client: ServiceClient, href: string): Promise<KeyJob> {
  const bar = new SingleBar({ format: '{bar} {percentage}%  {stage} {value} of {total}', hideCursor: true });
  bar.start(1, 0, { stage: '' });
  try {
    for (;;) {
      const job = await client.get<KeyJob>(href);
      const { stage, status, cells } = job;
      bar.setTotal(Math.max(cells.total, 1));
      bar.update(status === 'done' ? Math.max(cells.total, 1) : cells.done, { stage: `${stage}${waitingFor(job)}` });
      if (status === 'done') return job;
      if (status !== 'running') throw new Error(`the keys stay as they were before the last stage: ${reasonOf(job)}`);
      await wait(EVERY_MS);
    }
  } finally {
    bar.stop();
  }
}

function waitingFor(job: KeyJob): string {
  return job.status === 'running' && job.error ? ` (waits: ${reasonOf(job)})` : '';
}

function reasonOf({ error, status }: KeyJob): string {
  const { detail = status } = (error ?? {}) as { detail?: string };
  return detail;
}
