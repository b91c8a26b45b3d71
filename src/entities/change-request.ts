import type { Plan } from '../model/plan/plan.js';
import type { JsonObject, JsonValue } from '../platform/json-value.js';

/** What somebody wants an entity to become. */
export interface ChangeRequest {
  readonly document: JsonValue;
  /** What the caller takes upon itself: `destructive`, `blocking`, or `drop:<property>` as the answer to a question. */
  readonly allow?: readonly string[];
  /** Refuse whatever does more than add: for those who have not looked at a plan. */
  readonly additiveOnly?: true;
  /** The version the document was made from: refuse when another is in force by now. */
  readonly fromVersion?: number;
  /** Of the plan that was looked at; with it, nothing but that plan is applied. */
  readonly hash?: string;
  /** New name → old name, where the documents do not say it: the way back of a rename. */
  readonly renames?: ReadonlyMap<string, string>;
  /** Hidden columns to show again: by the name the property gets. */
  readonly restore?: ReadonlyMap<string, string>;
  /** The entity as it is called now, where the document does not say so with `renamedFrom`. */
  readonly renamedFrom?: string;
  /** The entity belongs to a pack from now on, or still: what of the document is the tenant's own. */
  readonly pack?: PackOrigin;
}

export interface PackOrigin {
  readonly pack: string;
  readonly version: string;
  readonly additions: JsonObject;
}

/** A plan as it is answered: what would happen, and the hash to apply exactly that. */
export interface PlanAnswer extends Omit<Plan, 'statements'> {
  /** `sha256:` and 64 hex digits, over the state it was computed on and every statement. */
  readonly hash: string;
  readonly entity: string;
  /** 0 when there is no such entity yet. */
  readonly fromVersion: number;
  readonly toVersion: number;
  /** Other entities that refer to this one by a name it will no longer have: they get a new version too. */
  readonly alsoChanges: readonly { readonly entity: string; readonly toVersion: number }[];
  /** Nothing stands in its way but what `allow` can say. */
  readonly possible: boolean;
}

export interface Definition {
  readonly name: string;
  readonly version: number;
  readonly document: JsonObject;
  /** When it belongs to a pack. */
  readonly pack?: { readonly name: string; readonly version: string };
}

/** What became of a change: done, or begun and to be asked about under its id. */
export interface ChangeOutcome {
  readonly created: boolean;
  readonly definition: Definition;
  /** Still being prepared: `definition` is the version in force until it is done. */
  readonly changeId?: string;
}
