/** Who writes, for the system columns and the audit trail. */
export interface WriteContext {
  readonly subject: string;
  readonly requestId: string;
}
