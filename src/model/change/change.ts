/** What differs between two versions of an entity, as data: the answer of `compareEntities`, the input of a plan. */

export type ChangeKind =
  | 'entity-renamed'
  | 'property-added'
  | 'property-removed'
  | 'property-renamed'
  | 'type-changed'
  | 'nullable-on'
  | 'nullable-off'
  | 'required-on'
  | 'required-off'
  | 'default-changed'
  | 'checks-changed'
  | 'unique-added'
  | 'unique-removed'
  | 'index-added'
  | 'index-removed'
  | 'index-changed'
  | 'relation-added'
  | 'relation-removed'
  | 'relation-changed'
  | 'extras-changed'
  | 'concurrency-changed'
  /** Whether, and for how long, deleted records and former versions are kept. */
  | 'keeping-changed'
  /** Who may read and write which rows. */
  | 'row-rules-changed'
  /** Who sees and sets the values of a property, and what others get in their place. */
  | 'field-rules-changed'
  /** Whether the values of a property are encrypted, and found by equal ones. */
  | 'encryption-changed'
  /** Whom records are about, under whose keys their encrypted values are. */
  | 'subject-changed'
  /** Validation that has no column, key or constraint of its own: patterns, nested schemas, applicators. */
  | 'validation-changed'
  /** title, description, examples, $comment, deprecated. */
  | 'annotation-changed'
  /** Another spelling of what was already so: list order, or a default written out. */
  | 'restated'
  /** Any other difference, and any difference nobody recognised. */
  | 'schema-changed';

export interface Change {
  readonly kind: ChangeKind;
  /** RFC 6901, into the document that holds it: the new one, or the old one for what was removed. */
  readonly pointer: string;
  /** What changed, in a sentence without a full stop; for a client to read. */
  readonly message: string;
  /** Applies at once, cannot fail or lose anything on existing rows, and what was valid stays valid. */
  readonly additive: boolean;
  /** Logical name of the property it is about, when it is about one. */
  readonly property?: string;
  /**
   * Only ever on a change that is not additive. `extras`: it becomes additive when no row's `_extra` holds a member named
   * `property`, which only the database knows.
   */
  readonly needsCheck?: 'extras';
}
