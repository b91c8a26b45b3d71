/** Why the service is not ready, check by check; a reason of null is a passed check. Reasons name no secret. */
export type Readiness = () => Promise<readonly { readonly name: string; readonly reason: string | null }[]>;

/** Injection token of the readiness checks. */
export const READINESS = Symbol('readiness');
