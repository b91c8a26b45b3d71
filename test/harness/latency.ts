import { Agent } from 'node:http';
import { send } from './keep-alive-client.js';

/** What one well-behaved client sees: how long its answers take, in milliseconds, and which were no 200. */
export interface Seen {
  readonly times: readonly number[];
  readonly failures: readonly string[];
}

/** Reads `url` so many times, one request after the other on one connection. */
export async function readOften(url: string, token: string, times: number): Promise<Seen> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const seen = { times: [] as number[], failures: [] as string[] };
  for (let n = 0; n < times; n++) {
    const start = performance.now();
    const { status, body } = await send(agent, url, { method: 'GET', token });
    seen.times.push(performance.now() - start);
    if (status !== 200) seen.failures.push(`${status} ${body}`);
  }
  agent.destroy();
  return seen;
}

/** The value below which that part of all lies, such as 0.5 for the median. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

/** Two runs side by side, for people: `p50 1.9 → 2.1 ms (1.1×), p99 …`. */
export function compared(before: Seen, after: Seen): string {
  return [0.5, 0.99]
    .map((part) => {
      const [quiet, loud] = [quantile(before.times, part), quantile(after.times, part)];
      return `p${part * 100} ${quiet.toFixed(2)} → ${loud.toFixed(2)} ms (${(loud / quiet).toFixed(2)}×)`;
    })
    .join(', ');
}
