import { createHash } from 'node:crypto';
import { type ChainedEvent, chainHash, GENESIS } from './chain-hash.js';

const TENANT = '01890000-0000-7000-8000-000000000001';
const EVENT: ChainedEvent = {
  eventId: '01890000-0000-7000-8000-000000000002',
  occurredAt: '2026-01-31T12:00:00.123456Z',
  actor: 'Zoë',
  requestId: 'r-1',
  action: 'record.created',
  entity: null,
  recordId: '01890000-0000-7000-8000-000000000003',
  body: '{"after":{"title":"\\u0000 😀"}}',
};

/** As the README writes it down, by other means. */
function asWritten(previous: Buffer, seq: bigint, event: ChainedEvent): Buffer {
  const number = (value: bigint): Buffer => Buffer.from(BigInt.asUintN(64, value).toString(16).padStart(16, '0'), 'hex');
  const uuid = (text: string): Buffer => Buffer.from(text.replace(/-/g, ''), 'hex');
  const text = (value: string | null): Buffer => {
    if (value === null) return Buffer.from('ffffffff', 'hex');
    const bytes = Buffer.from(value, 'utf8');
    return Buffer.concat([Buffer.from(bytes.length.toString(16).padStart(8, '0'), 'hex'), bytes]);
  };
  const [, whole = '', micros = ''] = /^(.+)\.(\d{6})Z$/.exec(event.occurredAt) ?? [];
  const time = (BigInt(Date.parse(`${whole}Z`)) - BigInt(Date.UTC(2000, 0, 1))) * 1000n + BigInt(micros);
  const { actor, requestId, action, entity, recordId, body } = event;
  const texts = [actor, requestId, action, entity, recordId, body].map(text);
  const bytes = [Buffer.from([1]), previous, number(seq), uuid(TENANT), uuid(event.eventId), number(time), ...texts];
  return createHash('sha256').update(Buffer.concat(bytes)).digest();
}

describe('the hash of an event', () => {
  it('is over the bytes that are written down', () => {
    const events = [
      EVENT,
      { ...EVENT, occurredAt: '1999-12-31T23:59:59.999999Z' },
      { ...EVENT, entity: 'x'.repeat(70_000), body: '😀'.repeat(40_000) },
      { ...EVENT, actor: '', recordId: null },
    ];
    for (const event of events) {
      expect(chainHash(GENESIS, 1, TENANT, event)).toEqual(asWritten(GENESIS, 1n, event));
      expect(chainHash(Buffer.alloc(32, 7), 2 ** 40, TENANT, event)).toEqual(asWritten(Buffer.alloc(32, 7), 2n ** 40n, event));
    }
  });

  it('is another one for each part that is another, and where texts are divided otherwise', () => {
    const changes: Partial<ChainedEvent>[] = [
      { eventId: TENANT },
      { occurredAt: '2026-01-31T12:00:00.123457Z' },
      { actor: 'Zo', requestId: 'ër-1' },
      { action: 'record.updated' },
      { entity: '' },
      { recordId: null },
      { body: `${EVENT.body} ` },
    ];
    const hashes = [EVENT, ...changes.map((change) => ({ ...EVENT, ...change }))].map((event) =>
      chainHash(GENESIS, 1, TENANT, event),
    );
    const others = [
      chainHash(GENESIS, 2, TENANT, EVENT),
      chainHash(Buffer.alloc(32, 1), 1, TENANT, EVENT),
      chainHash(GENESIS, 1, EVENT.eventId, EVENT),
    ];
    expect(new Set([...hashes, ...others].map((hash) => hash.toString('hex'))).size).toBe(hashes.length + others.length);
  });

  it('refuses what only reads the same as what was sealed', () => {
    const [id, time] = [EVENT.eventId, EVENT.occurredAt];
    const changes: Partial<ChainedEvent>[] = [
      ...[id.replaceAll('-', ''), `${id}00`, id.slice(0, -1), `${id.slice(0, -2)}zz`, `{${id}}`].map((eventId) => ({ eventId })),
      ...['2026-02-30T12:00:00.000000Z', time.replace('T', ' '), time.replace('.', ','), time.replace('456Z', '4e1Z')].map(
        (occurredAt) => ({ occurredAt }),
      ),
      ...[{ body: '{"a":"\ud800"}' }, { actor: '\udc00' }],
    ];
    for (const change of changes) expect(() => chainHash(GENESIS, 1, TENANT, { ...EVENT, ...change })).toThrow(/is not/);
    expect(() => chainHash(GENESIS, 1, TENANT.replaceAll('-', ''), EVENT)).toThrow('the id of the tenant');
  });

  it('refuses a time of another form', () => {
    for (const occurredAt of ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.123Z', '2026-01-31T12:00:00.123456+01', 'infinity']) {
      expect(() => chainHash(GENESIS, 1, TENANT, { ...EVENT, occurredAt })).toThrow('a time is not written as it is sealed');
    }
  });
});
