import { setTimeout as wait } from 'node:timers/promises';
import type { TestService } from './service.js';

/** Starts another instance, whose first act is to end what is due, and waits until that can be seen. */
export async function sweep(test: TestService, isSeen: () => Promise<boolean>): Promise<void> {
  const another = await test.another();
  try {
    for (let i = 0; i < 200 && !(await isSeen()); i++) await wait(25);
  } finally {
    await another.stop();
  }
  expect(await isSeen()).toBe(true);
}
