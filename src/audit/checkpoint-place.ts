/** Where checkpoints go, out of reach of whoever has the database; at least once, and mostly in their order. */
export interface CheckpointPlace {
  /** Without secrets. */
  readonly label: string;
  /** Resolves when all of them are there for good. */
  send(checkpoints: readonly SentCheckpoint[], signal: AbortSignal): Promise<void>;
  /** The last it has, where that can be asked. */
  last(): Promise<SentCheckpoint | null>;
  close(): Promise<void>;
}

export interface SentCheckpoint {
  readonly number: number;
  readonly jws: string;
}

/** A line of the file, the body of a request, a message. */
export function checkpointJson({ number, jws }: SentCheckpoint): string {
  return JSON.stringify({ number, checkpoint: jws });
}
