import { setImmediate as turn } from 'node:timers/promises';
import { merged } from './merged.js';

const never = new AbortController().signal;

/** Sources that note when they begin, what they have made and that they have ended. */
function sourcesOf(lengths: readonly number[], gate: () => Promise<unknown> = () => turn()) {
  const log: string[] = [];
  async function* source(name: number, length: number): AsyncGenerator<string> {
    log.push(`begin ${name}`);
    try {
      for (let n = 0; n < length; n++) {
        await gate();
        log.push(`make ${name}.${n}`);
        yield `${name}.${n}`;
      }
    } finally {
      log.push(`end ${name}`);
    }
  }
  function* all(): Generator<AsyncGenerator<string>> {
    for (const [name, length] of lengths.entries()) yield source(name, length);
  }
  return { log, all };
}

async function collect(stream: AsyncIterable<string>): Promise<string[]> {
  const items: string[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

describe('merged sources', () => {
  it('never work on more than so many at a time, and make none before its turn', async () => {
    const { log, all } = sourcesOf([3, 1, 2, 0, 4]);
    const items = await collect(merged(all(), 2, never));
    expect(items.sort()).toEqual(['0.0', '0.1', '0.2', '1.0', '2.0', '2.1', '4.0', '4.1', '4.2', '4.3']);
    let running = 0;
    let most = 0;
    for (const line of log) {
      if (line.startsWith('begin')) running += 1;
      if (line.startsWith('end')) running -= 1;
      most = Math.max(most, running);
    }
    expect([most, running]).toEqual([2, 0]);
  });

  it('keep the order of each source', async () => {
    const items = await collect(merged(sourcesOf([5, 5]).all(), 2, never));
    for (const name of ['0', '1']) {
      const own = items.filter((item) => item.startsWith(name));
      expect(own).toEqual([...own].sort());
    }
  });

  it('are not read ahead of whoever takes nothing', async () => {
    const { log, all } = sourcesOf([100, 100]);
    const stream = merged(all(), 2, never);
    await stream.next();
    for (let n = 0; n < 20; n++) await turn();
    expect(log.filter((line) => line.startsWith('make'))).toHaveLength(2);
    await stream.return();
    for (let n = 0; n < 3; n++) await turn();
    expect(log.filter((line) => line.startsWith('end')).sort()).toEqual(['end 0', 'end 1']);
  });

  it('end with an abort, though a source never answers', async () => {
    const stopped = new AbortController();
    const stream = merged(sourcesOf([1, 1], () => new Promise(() => {})).all(), 2, stopped.signal);
    const next = stream.next();
    stopped.abort();
    expect(await next).toEqual({ done: true, value: undefined });
    const later = merged(sourcesOf([1]).all(), 1, stopped.signal);
    expect(await collect(later)).toEqual([]);
  });

  it('end with the first error', async () => {
    const { all } = sourcesOf([2], async () => {
      throw new Error('no more');
    });
    await expect(collect(merged(all(), 1, never))).rejects.toThrow('no more');
  });
});
