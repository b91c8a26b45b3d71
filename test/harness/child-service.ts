import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';

/** The service and the command line as processes of their own: what they print, how they end. */

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ChildService {
  /** Such as `http://127.0.0.1:41234`, from its own log. */
  readonly url: string;
  /** So far. */
  readonly stdout: string;
  readonly ended: Promise<Ended>;
  signal(name: NodeJS.Signals): void;
  /** SIGTERM, and SIGKILL should it not end. */
  stop(): Promise<Ended>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Only these settings, nothing of the tests' own environment nor of the folder they run in. */
function spawnNode(
  args: readonly string[],
  environment: Environment,
): { child: ChildProcess; output: Ended; ended: Promise<Ended> } {
  const { PATH, HOME, TMPDIR } = process.env;
  const child = spawn(process.execPath, args, { env: { PATH, HOME, TMPDIR, ...environment }, cwd: tmpdir(), stdio: 'pipe' });
  const output = { code: null as number | null, signal: null as NodeJS.Signals | null, stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
  });
  const ended = once(child, 'close').then(([code, signal]) => Object.assign(output, { code, signal }));
  return { child, output, ended };
}

/** `node dist/main.js`, until it listens. @throws with what it printed when it ends before that */
export async function startChildService(environment: Environment): Promise<ChildService> {
  const { child, output, ended } = spawnNode([resolve('test/harness/child-main.cjs')], environment);
  const listening = new Promise<string>((found) => {
    child.stdout?.on('data', () => {
      const [, url] = /"url":"([^"]+)","msg":"listening"/.exec(output.stdout) ?? [];
      if (url) found(url);
    });
  });
  const url = await Promise.race([
    listening,
    ended.then(({ code, stdout, stderr }) => {
      throw new Error(`the service ended with ${code} before it listened:\n${stdout}${stderr}`);
    }),
  ]);
  return {
    url,
    get stdout() {
      return output.stdout;
    },
    ended,
    signal: (name) => child.kill(name),
    stop: () => end(child, ended, 0),
  };
}

/** A service that is expected not to start; one that does is stopped after 30 s. */
export async function failToStart(environment: Environment): Promise<Ended> {
  const { child, ended } = spawnNode([resolve('test/harness/child-main.cjs')], environment);
  return end(child, ended, 30_000);
}

/** SIGTERM after so many milliseconds, SIGKILL 15 s later. */
async function end(child: ChildProcess, ended: Promise<Ended>, patience: number): Promise<Ended> {
  const timers = [setTimeout(() => child.kill('SIGTERM'), patience), setTimeout(() => child.kill('SIGKILL'), patience + 15_000)];
  return ended.finally(() => timers.forEach(clearTimeout));
}

/** `npm run -s bss -- <args>`. */
export async function bss(args: readonly string[], environment: Environment = {}): Promise<Ended> {
  const { ended } = spawnNode(['-r', resolve('test/harness/typescript-hook.cjs'), resolve('src/cli.ts'), ...args], environment);
  return ended;
}
