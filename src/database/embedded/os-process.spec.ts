import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { findProcess, isSameProcess } from './os-process.js';

describe('OS processes', () => {
  it.each([0, -1, Number.NaN, 1.5, 2_147_483_647])('finds nothing under the pid %s', (pid) => {
    expect(findProcess(pid)).toBeUndefined();
  });

  it('tells a process from a later one with the same pid', () => {
    const own = findProcess(process.pid)!;
    expect(isSameProcess(own)).toBe(true);
    expect(isSameProcess({ pid: process.pid, started: `${own.started}0` })).toBe(false);
  });

  it('takes an unknown start time for the same process, to be on the safe side', () => {
    expect(isSameProcess({ pid: process.pid, started: '' })).toBe(true);
  });

  it('knows command line and end of a process', async () => {
    const child = spawn('sleep', ['30']);
    await once(child, 'spawn');
    const found = findProcess(child.pid!)!;
    expect(found.command).toContain('sleep 30');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(isSameProcess(found)).toBe(false);
  });
});
