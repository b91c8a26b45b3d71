import { setTimeout as wait } from 'node:timers/promises';
import { Turns } from './turns.js';

describe('Turns', () => {
  it('never lets more than the limit at once, and takes them in order', async () => {
    const turns = new Turns(2);
    const order: number[] = [];
    let inside = 0;
    let most = 0;
    const one = (n: number) =>
      turns.run(async () => {
        order.push(n);
        most = Math.max(most, ++inside);
        await wait(1);
        inside--;
        return n;
      });
    expect(await Promise.all([0, 1, 2, 3, 4, 5].map(one))).toEqual([0, 1, 2, 3, 4, 5]);
    expect([order, most]).toEqual([[0, 1, 2, 3, 4, 5], 2]);
  });

  it('gives the turn back when the work fails', async () => {
    const turns = new Turns(1);
    const failing = turns.run(() => Promise.reject(new Error('no')));
    const next = turns.run(async () => 'yes');
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('yes');
    expect(await turns.run(async () => 'again')).toBe('again');
  });
});
