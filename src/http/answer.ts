/** A response body that is JSON text already, with its status and headers. Sent after the transaction has committed. */
export class Answer {
  constructor(
    readonly status: number,
    /** JSON text; null: no body. */
    readonly body: string | null,
    readonly headers: Readonly<Record<string, string>> = {},
    /** Encrypted values are among what it shows: where it is kept for repeats, it is kept encrypted. */
    readonly isSealed = false,
  ) {}
}
