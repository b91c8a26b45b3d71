/** Starts the service as a newcomer would (`npm start`), pastes the printed curl, loads the demo data, stops it by SIGTERM. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const folder = mkdtempSync(join(tmpdir(), 'business-store-first-start-'));
const environment = { ...process.env, DATA_DIR: folder, PORT: '3987' };
const child = spawn('npm', ['start'], { env: environment, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
const kill = (signal) => process.kill(-child.pid, signal);

/** npm ends at once; what it has started ends in order, and writes until then. */
async function groupEnded() {
  for (let waited = 0; waited < 30_000; waited += 100) {
    try {
      kill(0);
    } catch {
      return;
    }
    await wait(100);
  }
  throw new Error('the service did not end within 30 s of SIGTERM');
}

try {
  const curl = await new Promise((resolve, reject) => {
    let output = '';
    setTimeout(() => reject(new Error(`nothing to paste after 120 s:\n${output}`)), 120_000).unref();
    child.on('exit', (code) => reject(new Error(`npm start ended with ${code}:\n${output}`)));
    child.stdout.on('data', (chunk) => {
      output += chunk;
      const found = /^\s*(curl .+)$/m.exec(output);
      if (found) resolve(found[1]);
    });
  });
  const answer = execFileSync('sh', ['-c', curl], { encoding: 'utf8' });
  if (!Array.isArray(JSON.parse(answer).items)) throw new Error(`the printed curl answered: ${answer}`);
  console.log(execFileSync('npm', ['run', '-s', 'demo'], { env: environment, encoding: 'utf8' }).trim());
  const ended = new Promise((resolve) => child.on('exit', resolve));
  kill('SIGTERM');
  await ended;
  await groupEnded();
  console.log('first start: the printed curl works, the demo data loads, SIGTERM ends it');
} catch (error) {
  // Clearing away must not hide it.
  console.error(error);
  try {
    kill('SIGKILL');
  } catch {
    // It had ended by itself.
  }
  throw error;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
