import { isUuid, uuidV7, uuidV7Range } from './uuid.js';

describe('uuidV7', () => {
  it('is a version 7 uuid of the RFC variant that begins with its time', () => {
    for (let i = 0; i < 2_000; i++) {
      expect(uuidV7(0x0190a1b2c3d4)).toMatch(/^0190a1b2-c3d4-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
  });

  it('does not repeat, within a millisecond either', () => {
    expect(new Set(Array.from({ length: 20_000 }, () => uuidV7(1))).size).toBe(20_000);
  });

  it('made now sorts in the order of its making, and stays close to the clock', () => {
    const ids = Array.from({ length: 20_000 }, () => uuidV7());
    expect(ids).toEqual([...ids].sort());
    expect(new Set(ids).size).toBe(20_000);
    const last = Number.parseInt((ids.at(-1) as string).replace('-', '').slice(0, 12), 16);
    expect(last - Date.now()).toBeLessThan(20);
  });
});

describe('uuidV7Range', () => {
  it('is consecutive, so that its first and last name all of it and nothing of another range', () => {
    const { first, last, ids } = uuidV7Range(300, 1);
    const other = uuidV7Range(300, 1);
    expect(ids).toEqual([...ids].sort());
    expect([ids[0], ids[299], new Set(ids).size]).toEqual([first, last, 300]);
    expect(ids.every(isUuid)).toBe(true);
    expect(other.ids.filter((id) => id >= first && id <= last)).toEqual([]);
  });
});

it('isUuid refuses what only looks like one', () => {
  for (const text of [
    '',
    'nonsense',
    '0190a1b2c3d47e5f8a9b0c1d2e3f4a5b',
    '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b\n',
    '{0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b}',
  ]) {
    expect([text, isUuid(text)]).toEqual([text, false]);
  }
});
