/** What several sources give, as it comes: some of them at a time, each one step ahead of whoever takes it, and no more. */

type Step<T> =
  | { readonly source: AsyncGenerator<T>; readonly result: IteratorResult<T> }
  | { readonly source: AsyncGenerator<T>; readonly error: unknown };

/**
 * @param sources made as their turn comes @param atOnce how many of them work at a time
 * @param signal ends it at once: what the sources are at then is not waited for. @throws what a source throws
 */
export async function* merged<T>(
  sources: Iterable<AsyncGenerator<T>>,
  atOnce: number,
  signal: AbortSignal,
): AsyncGenerator<T, void, void> {
  const waiting = sources[Symbol.iterator]();
  const running = new Set<AsyncGenerator<T>>();
  const ready: Step<T>[] = [];
  let wake = (): void => {};
  const advance = (source: AsyncGenerator<T>): void => {
    running.add(source);
    const take = (step: Step<T>): void => {
      ready.push(step);
      wake();
    };
    source.next().then(
      (result) => take({ source, result }),
      (error) => take({ source, error }),
    );
  };
  const fill = (): void => {
    while (running.size < atOnce) {
      const next = waiting.next();
      if (next.done) return;
      advance(next.value);
    }
  };
  const onAbort = (): void => wake();
  signal.addEventListener('abort', onAbort);
  try {
    fill();
    while (running.size > 0 && !signal.aborted) {
      const step = ready.shift();
      if (step === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      } else if ('error' in step) {
        throw step.error;
      } else if (step.result.done) {
        running.delete(step.source);
        fill();
      } else {
        yield step.result.value;
        advance(step.source);
      }
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    for (const source of running) source.return(undefined).catch(() => {});
  }
}
