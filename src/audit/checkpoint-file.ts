import { type FileHandle, open } from 'node:fs/promises';
import { type CheckpointPlace, checkpointJson, type SentCheckpoint } from './checkpoint-place.js';

/**
 * Checkpoints as JSON lines at the end of a file, on disk before they count as sent. Best where only the service may write, and
 * only append.
 */

/** Longer than any line. */
const TAIL_BYTES = 16_384;

export function fileOfCheckpoints(path: string): CheckpointPlace {
  return {
    label: `file:${path}`,
    async send(checkpoints) {
      await using(path, 'a+', async (file) => {
        const lines = checkpoints.map((checkpoint) => `${checkpointJson(checkpoint)}\n`).join('');
        await file.appendFile((await isAtLineStart(file)) ? lines : `\n${lines}`);
        await file.datasync();
      });
    },
    last: () =>
      using(path, 'r', lastLine).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return null;
        throw error;
      }),
    close: async () => {},
  };
}

async function isAtLineStart(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat();
  if (size === 0) return true;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] === 0x0a;
}

/** A line that was cut off by a crash does not count, and its checkpoint is sent again. */
async function lastLine(file: FileHandle): Promise<SentCheckpoint | null> {
  const { size } = await file.stat();
  const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES));
  await file.read(bytes, 0, bytes.length, size - bytes.length);
  for (const line of bytes.toString('utf8').split('\n').reverse()) {
    try {
      const { number, checkpoint } = JSON.parse(line) as { number: number; checkpoint: string };
      return { number, jws: checkpoint };
    } catch {
      // The empty text behind the last line, or half a line.
    }
  }
  return null;
}

async function using<T>(path: string, flags: 'a+' | 'r', work: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, flags, 0o600);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}
