import { isJsonObject, type JsonObject, type JsonValue, pointer } from '../../platform/json-value.js';
import { type Entity, isKeptBack, type Property } from '../entity.js';
import { isCommitment, type Opening } from './commitment.js';
import { formerlyPlain, mayBeSealed, type SealedEntity } from './formerly-plain.js';
import { redactedJson } from './redaction.js';

/**
 * What a caller sees of a record's event in the trail: the members that it may read of records, with what is committed to opened. Of what
 * is encrypted by now nobody sees what the trail tells in plain text of the time before.
 */

export interface TrailContent {
  readonly before?: JsonValue;
  readonly after?: JsonValue;
  readonly [member: string]: JsonValue | undefined;
}

export interface TrailView {
  readonly content: TrailContent;
  /** Members that were left out; `*`: all of them. */
  readonly redacted: readonly string[];
}

/** As the caller sees it. */
export type SeenEntity = Pick<Entity, 'rows'> & SealedEntity;

/**
 * @param openings by their places in the content; null: there are none, or they were erased
 * @param isOwner whose it is to say what is kept from whom: sees also what today's document does not name
 * @param entity null where the caller is not to see the content at all, as where only some rows are its to read
 */
export function trailView(
  content: TrailContent,
  openings: JsonObject | null,
  entity: SeenEntity | null,
  isOwner: boolean,
): TrailView {
  const { before, after, ...rest } = content;
  if (before === undefined && after === undefined) return { content, redacted: [] };
  if (entity === null || (entity.rows && entity.rows.read !== true)) return { content: rest, redacted: ['*'] };
  const left = new Set<string>();
  const isSealed = mayBeSealed(entity);
  const former = formerlyPlain(isSealed, [before, after]);
  const seen = (side: 'before' | 'after', record: JsonValue | undefined): JsonObject => {
    if (!isJsonObject(record)) return record === undefined ? {} : { [side]: record };
    const openingOf = (name: string) => (isSealed(name) ? undefined : openings?.[pointer(`/${side}`, name)]);
    return { [side]: seenMembers(entity, record, { openingOf, former, left, isOwner }) };
  };
  return { content: { ...rest, ...seen('before', before), ...seen('after', after) }, redacted: [...left] };
}

interface Seeing {
  readonly openingOf: (name: string) => JsonValue | undefined;
  readonly former: ReadonlySet<string>;
  /** Gets the names of what is left out. */
  readonly left: Set<string>;
  readonly isOwner: boolean;
}

function seenMembers(entity: SeenEntity, record: JsonObject, { openingOf, former, left, isOwner }: Seeing): JsonObject {
  const properties = new Map(entity.properties.map((property) => [property.name, property]));
  const hidesUnknown = !isOwner || entity.properties.some(isKeptBack);
  const members = Object.entries(record).flatMap(([name, value]): [string, JsonValue][] => {
    const property = properties.get(name);
    // What has no such name today may be something that is kept from the caller, as it was called then.
    const isKept = property ? property.hidden : hidesUnknown;
    if (isKept || former.has(name)) {
      left.add(name);
      return [];
    }
    // What was personal then, and is no longer, stays committed to for those who would have got it redacted.
    const opening = isOwner || property?.redacted || property?.personal ? openingOf(name) : undefined;
    return [[name, shown(opened(value, opening), property)]];
  });
  return Object.fromEntries(members);
}

function opened(value: JsonValue, opening: JsonValue | undefined): JsonValue {
  return isCommitment(value) && Array.isArray(opening) ? (opening as unknown as Opening)[1] : value;
}

/** What nobody can open any more tells nothing. */
function shown(value: JsonValue, property: Property | undefined): JsonValue {
  return property?.redacted && !isCommitment(value) ? redactedJson(property.redacted, value) : value;
}
