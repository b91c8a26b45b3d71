import type { Rehearsal } from '../packs/rollout-rehearsal.js';
import { rehearse } from './rehearse-rollout.js';
import type { ServiceClient } from './service-client.js';

const problem = (slug: string, ring: number) => ({ tenantId: slug, slug, ring, error: {} });

function page(numbers: Pick<Rehearsal, 'checked' | 'possible' | 'impossible' | 'problems' | 'next'>): Rehearsal {
  return { dryRun: true, pack: 'p', version: '1.1.0', total: 5, untouched: 2, ...numbers };
}

/** Answers with the pages in turn, and notes what it was asked. */
function answering(...pages: Rehearsal[]) {
  const asked: unknown[] = [];
  const post = async (_: string, body: unknown) => {
    asked.push(body);
    return pages[asked.length - 1];
  };
  return { asked, client: { post } as unknown as ServiceClient };
}

describe('a rehearsal', () => {
  it('asks until there is no next page, and adds the pages up, problems by ring', async () => {
    const { asked, client } = answering(
      page({ checked: 2, possible: 1, impossible: 1, problems: [problem('b', 2)], next: 'id-2' }),
      page({ checked: 2, possible: 0, impossible: 2, problems: [problem('c', 1), problem('d', 2)], next: 'id-4' }),
      page({ checked: 1, possible: 1, impossible: 0, problems: [], next: null }),
    );
    expect(await rehearse(client, { pack: 'p', dryRun: true })).toEqual(
      page({
        ...{ checked: 5, possible: 2, impossible: 3, next: null },
        problems: [problem('c', 1), problem('b', 2), problem('d', 2)],
      }),
    );
    expect(asked).toEqual([
      { pack: 'p', dryRun: true },
      { pack: 'p', dryRun: true, after: 'id-2' },
      { pack: 'p', dryRun: true, after: 'id-4' },
    ]);
  });

  it('ends with the error of a page that is refused, whatever came before', async () => {
    const { client } = answering(page({ checked: 1, possible: 1, impossible: 0, problems: [], next: 'id-1' }));
    await expect(rehearse(client, {})).rejects.toThrow();
  });
});
