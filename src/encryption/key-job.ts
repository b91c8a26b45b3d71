import type { KeyProviderName, KeyPurpose } from '../keys/key-provider.js';
import type { JsonValue } from '../platform/json-value.js';

/** Work on a tenant's keys that is more than one transaction, as those see it who asked for it. */

/** What is to be done. */
export type KeyJobOrder =
  /** A new data key takes the place of the one in use, in everything that is stored. */
  | { readonly kind: 'rotate'; readonly purpose: KeyPurpose }
  /** The provider's key gets a new version, which wraps the data keys. */
  | { readonly kind: 'rewrap' }
  /** A key of another provider, or another one of the same, wraps the data keys. Without `keyRef` the provider makes one. */
  | { readonly kind: 'move'; readonly provider: KeyProviderName; readonly keyRef?: string };

export type KeyJobKind = KeyJobOrder['kind'];

export type KeyJobStatus = 'running' | 'done' | 'failed';

/**
 * `prepare`: a new key is made, and nothing depends on it yet; `switch`: it is about to be written with; `fill`: what is stored gets
 * search tags under it beside those it has; `adopt`: searches are about to use them; `sweep`: what is stored is encrypted again, or loses
 * its old tags; `retire`: the old key is about to be put away; `wrap`: data keys are wrapped again.
 */
export type KeyJobStage = 'prepare' | 'switch' | 'fill' | 'adopt' | 'sweep' | 'retire' | 'wrap';

export interface KeyJob {
  readonly id: string;
  readonly kind: KeyJobKind;
  /** Of a rotation. */
  readonly purpose?: KeyPurpose;
  /** Of a move: where to. */
  readonly provider?: KeyProviderName;
  readonly status: KeyJobStatus;
  /** Where it stands, or ended. */
  readonly stage: KeyJobStage;
  /** Stored values of the stage at hand; where keys are wrapped, the keys. What others write meanwhile counts at the end of the stage. */
  readonly cells: { readonly done: number; readonly total: number };
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly by: string;
  /** A problem (RFC 9457): why it failed, or, while it runs, what it waits for. */
  readonly error?: JsonValue;
}
