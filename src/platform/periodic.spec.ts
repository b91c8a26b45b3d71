import { setTimeout as wait } from 'node:timers/promises';
import { Periodic } from './periodic.js';

describe('periodic work', () => {
  it('is done at once and again, after a failure too, and no more once it was stopped', async () => {
    const errors: unknown[] = [];
    let runs = 0;
    const periodic = new Periodic(
      5,
      async () => {
        if (++runs === 1) throw new Error('first');
      },
      (error) => errors.push(error),
    );
    periodic.start();
    expect(runs).toBe(1);
    while (runs < 3) await wait(1);
    expect(errors).toEqual([new Error('first')]);
    await periodic.stop();
    const stopped = runs;
    await wait(20);
    expect(runs).toBe(stopped);
  });

  it('is told to end and waited for', async () => {
    let hasEnded = false;
    const periodic: Periodic = new Periodic(
      60_000,
      async () => {
        while (!periodic.isStopping) await wait(1);
        hasEnded = true;
      },
      () => {},
    );
    periodic.start();
    expect([periodic.isStopping, hasEnded]).toEqual([false, false]);
    await periodic.stop();
    expect([periodic.isStopping, hasEnded]).toEqual([true, true]);
  });
});
