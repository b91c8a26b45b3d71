import { setImmediate } from 'node:timers/promises';
import { OneAtATime } from './one-at-a-time.js';

const IMPATIENT = () => new Error('too long');
const never = new Promise<never>(() => {});

describe('work under one name', () => {
  it('refuses to wait for longer than it may, and who comes later still waits for the first', async () => {
    const turns = new OneAtATime(20, IMPATIENT);
    const ran: string[] = [];
    const first = turns.run('a', () => never);
    await expect(turns.run('a', async () => ran.push('second'))).rejects.toThrow('too long');
    await expect(turns.run('a', async () => ran.push('third'))).rejects.toThrow('too long');
    expect(ran).toEqual([]);
    await expect(Promise.race([first, 'still running'])).resolves.toBe('still running');
  });

  it('runs one after the other, in order of arrival, also after one that failed', async () => {
    const turns = new OneAtATime(10_000, IMPATIENT);
    const told: string[] = [];
    const one = (name: string) =>
      turns.run('a', async () => {
        told.push(`${name} begins`);
        await setImmediate();
        told.push(`${name} ends`);
        if (name === 'first') throw new Error('oops');
        return name;
      });
    const results = await Promise.allSettled(['first', 'second', 'third'].map(one));
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect(told).toEqual(['first', 'second', 'third'].flatMap((name) => [`${name} begins`, `${name} ends`]));
  });

  it('does not wait for other names, and leaves nothing behind', async () => {
    const turns = new OneAtATime(20, IMPATIENT);
    const busy = turns.run('a', () => never);
    expect(await turns.run('b', async () => 'done')).toBe('done');
    await setImmediate();
    expect([...Reflect.get(turns, 'tails').keys()]).toEqual(['a']);
    expect(await Promise.race([busy, 'still running'])).toBe('still running');
  });
});
