import { Problem } from '../../platform/problem.js';

/** Whose keys are asked for. */
export interface Subjects {
  /** As records say it. */
  readonly abouts: readonly string[];
  /** Ids of keys, in hexadecimal. */
  readonly ids: readonly string[];
}

/** Keys of those whom records are about are not open: whoever runs the work opens all of these and begins anew. */
export class SubjectsNeeded extends Problem {
  constructor(readonly subjects: Subjects) {
    super(
      'key/unavailable',
      'The keys of those whom the records are about cannot be had. Send the request again.',
      {},
      { 'Retry-After': '2' },
    );
  }
}

/** What a loop over many records was short of, so that it is asked for once and not record by record. */
export class SubjectGathering {
  private readonly abouts = new Set<string>();

  /** undefined: a key is missing for it, which `assertNone` says in the end. */
  of<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof SubjectsNeeded)) throw error;
      for (const about of error.subjects.abouts) this.abouts.add(about);
      return undefined;
    }
  }

  /** @throws SubjectsNeeded */
  assertNone(): void {
    if (this.abouts.size > 0) throw new SubjectsNeeded({ abouts: [...this.abouts], ids: [] });
  }
}
