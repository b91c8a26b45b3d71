import type { OutgoingEvent, Sent, SinkFault } from './audit-sink.js';
import { publishBatch } from './publish-batch.js';

const event = (tenantId: string, seq: number): OutgoingEvent => ({
  ...{ id: `${tenantId}${seq}`, tenantId, seq: String(seq), type: 'business-store.test', text: '{}' },
});
const of = (...ids: string[]): OutgoingEvent[] => ids.map((id) => event(id.slice(0, 1), Number(id.slice(1))));
const idsOf = (events: readonly OutgoingEvent[]): string => events.map(({ id }) => id).join(' ');

/** Publishes to a place that answers by what it is sent, and tells what it was sent, what it took and what came of it. */
async function published(events: readonly OutgoingEvent[], answer: (ids: string) => SinkFault | null) {
  const [sent, taken]: string[][] = [[], []];
  const delivered = await publishBatch(
    events,
    async (part): Promise<Sent> => {
      sent?.push(idsOf(part));
      const fault = answer(idsOf(part));
      return fault ? { taken: 0, fault } : { taken: part.length };
    },
    async (part) => void taken?.push(idsOf(part)),
  );
  return { sent, taken, fault: delivered.fault?.reason, refused: delivered.refused.map((one) => one.event.id) };
}

const refuses =
  (poison: RegExp, blames: SinkFault['blames'] = 'event') =>
  (ids: string): SinkFault | null =>
    poison.test(ids) ? { blames, reason: 'answered 4xx' } : null;

describe('a batch', () => {
  it('that is taken is sent once', async () => {
    expect(await published(of('a1', 'a2', 'b1'), () => null)).toEqual({
      ...{ sent: ['a1 a2 b1'], taken: ['a1 a2 b1'], fault: undefined, refused: [] },
    });
  });

  it('with an event that is refused goes on without the tenant of that event, and nothing of it is sent out of turn', async () => {
    const { taken, refused, fault, sent } = await published(of('a1', 'b1', 'b2', 'a2', 'b3', 'c1'), refuses(/b2/));
    expect(taken?.join(' ').split(' ')).toEqual(['a1', 'b1', 'a2', 'c1']);
    expect([refused, fault]).toEqual([['b2'], undefined]);
    expect(sent?.filter((ids) => /b3/.test(ids) && !/b2/.test(ids))).toEqual([]);
  });

  it('finds each of several among many in a few requests', async () => {
    const events = Array.from({ length: 512 }, (_, n) => event(String.fromCharCode(97 + (n % 4)), n));
    const { refused, taken, sent } = await published(events, refuses(/\b(a100|c302)\b/));
    expect(refused).toEqual(['a100', 'c302']);
    const arrived = taken?.join(' ').split(' ') ?? [];
    expect(arrived).toEqual(
      events
        .filter(({ id, tenantId }) => !(/[ac]/.test(tenantId) && Number(id.slice(1)) >= (tenantId === 'a' ? 100 : 302)))
        .map(({ id }) => id),
    );
    expect(sent?.length).toBeLessThan(40);
  });

  it('is left where it is when the place takes nothing now, with what was taken before', async () => {
    let requests = 0;
    const down = (ids: string): SinkFault | null =>
      ++requests > 3 ? { blames: 'sink', reason: 'answered 503' } : refuses(/b1/)(ids);
    expect(await published(of('a1', 'b1'), down)).toMatchObject({ taken: ['a1'], fault: undefined, refused: ['b1'] });
    requests = 2;
    expect(await published(of('a1', 'a2', 'b1', 'c1'), down)).toMatchObject({ taken: [], fault: 'answered 503', refused: [] });
  });

  it('that is refused whole, event by event of several tenants, is the fault of the place', async () => {
    const { fault, refused, sent } = await published(of('a1', 'b1', 'c1', 'd1', 'e1'), refuses(/./));
    expect(fault).toBe('answered 4xx to everything');
    expect(refused).toEqual(['a1', 'b1', 'c1']);
    expect(sent).not.toContain('e1');
  });

  it('of one tenant that is refused is the fault of the event only when the answer says so', async () => {
    expect(await published(of('a1', 'a2'), refuses(/./))).toMatchObject({ fault: undefined, refused: ['a1'] });
    const unclear = await published(of('a1', 'a2'), refuses(/./, 'unclear'));
    expect(unclear).toMatchObject({ fault: 'answered 4xx to everything', refused: ['a1'] });
  });

  it('goes on behind what was taken of a part', async () => {
    const sent: string[] = [];
    const { refused, fault } = await publishBatch(
      of('a1', 'a2', 'b1', 'c1'),
      async (part) => {
        sent.push(idsOf(part));
        const at = part.findIndex(({ id }) => id === 'b1');
        return at < 0 ? { taken: part.length } : { taken: at, fault: { blames: 'event', reason: 'too large' } };
      },
      async () => {},
    );
    expect([sent, refused.map((one) => one.event.id), fault]).toEqual([['a1 a2 b1 c1', 'b1', 'c1'], ['b1'], undefined]);
  });
});
