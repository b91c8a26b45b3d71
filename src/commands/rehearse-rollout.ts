import type { Rehearsal } from '../packs/rollout-rehearsal.js';
import { counted } from '../platform/counted.js';
import { sayHowFar } from './how-far.js';
import type { ServiceClient } from './service-client.js';
import { textTable } from './text-table.js';

/** Tenants whose problems are told where people read; JSON has all of them. */
const MOST_TOLD = 20;

/** A dry run of a rollout, page by page: what all pages say together. */
export async function rehearse(client: ServiceClient, order: object): Promise<Rehearsal> {
  let all: Rehearsal | null = null;
  for (let after: string | null = null; ; ) {
    const page: Rehearsal = await client.post('/api/v1/rollouts', { ...order, ...(after === null ? {} : { after }) });
    all = all === null ? page : joined(all, page);
    sayHowFar(`planned ${all.checked} of ${counted(all.total, 'tenant')}`);
    after = page.next;
    if (after === null) break;
  }
  sayHowFar('');
  return all;
}

function joined(before: Rehearsal, page: Rehearsal): Rehearsal {
  return {
    ...page,
    checked: before.checked + page.checked,
    possible: before.possible + page.possible,
    impossible: before.impossible + page.impossible,
    problems: [...before.problems, ...page.problems].sort((a, b) => a.ring - b.ring),
  };
}

/** Ends with exit code 1 when it is impossible for somebody. */
export function tellRehearsal(rehearsal: Rehearsal, asJson = false): void {
  const { pack, version, total, possible, impossible, untouched, problems } = rehearsal;
  if (impossible > 0) process.exitCode = 1;
  if (asJson) {
    process.stdout.write(`${JSON.stringify(rehearsal, null, 2)}\n`);
    return;
  }
  const others = untouched === 1 ? '1 other has the pack' : `${untouched} others have the pack`;
  process.stdout.write(`${pack} ${version}: possible for ${possible} of ${counted(total, 'tenant')}; ${others}\n`);
  if (impossible === 0) return;
  const rows = problems.slice(0, MOST_TOLD).map(({ slug, ring, error }) => {
    const { type = '', detail = '' } = error as { type?: string; detail?: string };
    return [slug, String(ring), `${type.split(':').at(-1)}: ${detail}`];
  });
  process.stdout.write(`\n${textTable(['tenant', 'ring', 'what stands in the way'], rows)}`);
  if (impossible > rows.length) process.stdout.write(`and ${impossible - rows.length} more; --json has them all\n`);
}
