import type { ControlPlane } from '../database/control-plane.js';
import { ApiKeyLookups } from './api-key-lookups.js';

/** How often the database is asked about keys, and how long its answer counts. */

const ids = (count: number) => Array.from({ length: count }, (_, n) => `0190f3c0-7a1e-7c3b-8f00-${String(n).padStart(12, '0')}`);
const [KNOWN = '', OTHER = ''] = ids(2);

interface Asked {
  readonly ids: readonly string[];
  answer(rows?: readonly object[]): void;
  fail(error: Error): void;
}

function scene() {
  const asked: Asked[] = [];
  const query = (_text: string, [wanted]: [readonly string[]]) =>
    new Promise((resolve, reject) => {
      asked.push({ ids: wanted, answer: (rows = []) => resolve(rows), fail: reject });
    });
  const controlPlane = { platform: async (_actor: unknown, work: (tx: unknown) => unknown) => work({ manager: { query } }) };
  return { asked, lookups: new ApiKeyLookups(controlPlane as unknown as ControlPlane) };
}

const row = (key_id: string) => ({
  ...{ tenant_id: ids(9)[8], key_id, name: 'a key', secret_hash: Buffer.alloc(32), roles: ['viewer', 'system_admin', 'emperor'] },
  ...{ former_secret_hash: null, former_until: null, scopes: null, expires_at: null, last_used_at: null },
});

const settled = () => new Promise(setImmediate);

beforeEach(() => jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] }));
afterEach(() => jest.useRealTimers());

describe('looking up API keys', () => {
  it('asks again after a failure, which everybody who waited hears of', async () => {
    const { asked, lookups } = scene();
    const waiting = [lookups.find(KNOWN), lookups.find(KNOWN)];
    await settled();
    asked[0]?.fail(new Error('away'));
    for (const each of waiting) await expect(each).rejects.toThrow('away');
    const again = lookups.find(KNOWN);
    await settled();
    asked[1]?.answer([row(KNOWN)]);
    expect((await again)?.principal.subject).toBe(`api-key:${KNOWN}`);
  });

  it('knows no system administrators: whatever else a role is called, the tenant may have one', async () => {
    const { asked, lookups } = scene();
    const found = lookups.find(KNOWN);
    await settled();
    asked[0]?.answer([row(KNOWN)]);
    expect((await found)?.principal.roles).toEqual(['viewer', 'emperor']);
  });

  it('asks once in 4 s about a key, known or not, counted from the question and not from its answer', async () => {
    const { asked, lookups } = scene();
    const first = [lookups.find(KNOWN), lookups.find(OTHER)];
    await settled();
    asked[0]?.answer([row(KNOWN)]);
    jest.advanceTimersByTime(2_000);
    await settled();
    asked[1]?.answer();
    expect((await Promise.all(first)).map((key) => key?.id)).toEqual([KNOWN, undefined]);
    jest.advanceTimersByTime(1_999);
    await Promise.all([lookups.find(KNOWN), lookups.find(OTHER)]);
    expect(asked).toHaveLength(2);
    jest.advanceTimersByTime(1);
    const again = lookups.find(KNOWN);
    await settled();
    expect(asked.map((each) => each.ids)).toEqual([[KNOWN], [OTHER], [KNOWN]]);
    asked[2]?.answer();
    expect(await again).toBeNull();
  });

  it('asks once about all who come while it waits, and never two questions at a time', async () => {
    const { asked, lookups } = scene();
    const many = ids(1_500);
    const found = many.map((id) => lookups.find(id));
    const twice = many.map((id) => lookups.find(id));
    await settled();
    expect(asked.map((each) => each.ids.length)).toEqual([1]);
    asked[0]?.answer([row(KNOWN)]);
    await settled();
    expect(asked.map((each) => each.ids.length)).toEqual([1, 1_000]);
    asked[1]?.answer();
    await settled();
    expect(asked.map((each) => each.ids.length)).toEqual([1, 1_000, 499]);
    asked[2]?.answer();
    expect((await Promise.all([...found, ...twice])).filter((key) => key !== null)).toHaveLength(2);
  });

  it('forgets what was changed here, even while it is being asked', async () => {
    const { asked, lookups } = scene();
    const before = lookups.find(KNOWN);
    await settled();
    lookups.forget(KNOWN);
    const after = lookups.find(KNOWN);
    asked[0]?.answer([row(KNOWN)]);
    await settled();
    asked[1]?.answer();
    expect([(await before)?.id, await after]).toEqual([KNOWN, null]);
  });

  it('remembers no more than fits, however many are guessed', async () => {
    const { asked, lookups } = scene();
    for (const id of ids(20_001)) void lookups.find(id);
    for (let at = 0; at < 22; at++) {
      await settled();
      asked[at]?.answer();
    }
    await settled();
    const queries = asked.length;
    // The first had to go; the last is still known.
    void lookups.find(ids(20_001)[20_000] as string);
    await settled();
    expect(asked).toHaveLength(queries);
    void lookups.find(KNOWN);
    await settled();
    expect(asked).toHaveLength(queries + 1);
  });
});
