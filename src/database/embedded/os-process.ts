import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import process from 'node:process';

/**
 * Which process has a pid, and is it still the one we knew? A pid alone proves nothing (pids are reused, all the more in
 * containers), so the service lock and the embedded server compare start times and command lines too.
 */

export interface OsProcess {
  readonly pid: number;
  /** Differs between two processes that had the same pid; comparable with `===` on one machine only. Empty when the system does not tell. */
  readonly started: string;
  /** The command line, arguments separated by spaces; empty when the system does not tell. */
  readonly command: string;
  /** Its working directory, where the system tells (Linux, same user or root). */
  readonly directory: string | undefined;
}

/** The live process with this pid. A zombie counts as gone: it holds no file, port or memory any more. */
export function findProcess(pid: number): OsProcess | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 0 || !answersSignals(pid)) return undefined;
  return process.platform === 'linux' ? readProc(pid) : readPs(pid);
}

/** True when `known` is still running, and not merely another process under its pid. */
export function isSameProcess(known: Pick<OsProcess, 'pid' | 'started'>): boolean {
  const found = findProcess(known.pid);
  return found !== undefined && (found.started === '' || known.started === '' || found.started === known.started);
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** proc(5): the state is field 3 and the start time, in clock ticks since boot, field 22 of `stat`; the name before them may hold anything. */
function readProc(pid: number): OsProcess | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === undefined) return answersSignals(pid) ? { pid, started: '', command: '', directory: undefined } : undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  const boot = readText('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
  const command = (readText(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ').trim();
  return { pid, started: `${boot}/${fields[19] ?? ''}`, command, directory: readDirectory(pid) };
}

function readPs(pid: number): OsProcess | undefined {
  try {
    const columns = ['-o', 'stat=', '-o', 'lstart=', '-o', 'command=', '-p', String(pid)];
    const line = execFileSync('ps', columns, {
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const parts = /^\s*(\S+)\s+(\w+\s+\w+\s+\d+\s+[\d:]+\s+\d+)\s*(.*)/.exec(line);
    if (!parts || parts[1]!.startsWith('Z')) return undefined;
    return { pid, started: parts[2]!.replace(/\s+/g, ' '), command: parts[3]!.trim(), directory: undefined };
  } catch {
    return answersSignals(pid) ? { pid, started: '', command: '', directory: undefined } : undefined;
  }
}

function readDirectory(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
