import type { DefinedEntity } from '../entities/defined-entity.js';
import { auditedBody } from '../model/access/audited-body.js';
import type { UpsertRecord } from '../model/statements/upsert-statements.js';
import { splitRecord } from '../model/values/record-columns.js';
import type { JsonObject, JsonValue } from '../platform/json-value.js';
import type { Fault } from '../platform/problem.js';
import {
  auditedContent,
  incomingReplace,
  removedFaults,
  replacedRecord,
  underNewNames,
  unseenFaults,
} from './incoming-record.js';
import { prefixed } from './record-faults.js';
import { assertMatches, assertPreconditioned } from './record-precondition.js';
import type { Candidate, Upsert } from './upsert-candidates.js';

/** What a record becomes that is stored by its key: as it was sent, or that into what there is. */

export function freshRecord({ entity }: DefinedEntity, { fresh }: Candidate, eventId: string): UpsertRecord {
  const audited = auditedBody(entity, { after: auditedContent(entity, fresh.content) });
  return { id: fresh.id, ...splitRecord(entity, fresh.id, fresh.content), eventId, ...audited, revision: 1 };
}

/** What is there with what is sent; nothing where that is not valid. */
export function mergedRecord(
  { defined, onto, precondition }: Upsert,
  { at, given }: Candidate,
  stored: JsonObject,
  eventId: string,
  faults: Fault[],
): UpsertRecord | [] {
  const { entity, validator } = defined;
  assertPreconditioned(
    entity,
    precondition,
    'There is a record with this key: read it and PUT it by its key with its ETag as If-Match.',
  );
  assertMatches(precondition, String(stored.revision));
  const ofNames: Fault[] = [];
  const sent = withIdAsStored(underNewNames(entity, given.body as JsonObject, '', ofNames), stored);
  const wanted = onto === 'replace' ? replacedRecord(entity, stored, sent) : merged(stored, sent, given.emptied);
  ofNames.push(...unseenFaults(entity, sent, '', given.emptied));
  if (onto === 'merge') ofNames.push(...removedFaults(entity, stored, wanted, ''));
  const { content, faults: ofMembers } = incomingReplace(entity, wanted, stored);
  const wrong = [...ofNames, ...ofMembers];
  if (wrong.length === 0) wrong.push(...validator.validate(content));
  faults.push(...prefixed(at, wrong));
  if (wrong.length > 0) return [];
  const audited = auditedBody(entity, { before: auditedContent(entity, stored), after: auditedContent(entity, content) });
  return {
    id: stored.id as string,
    ...splitRecord(entity, stored.id as string, content),
    eventId,
    ...audited,
    revision: Number(stored.revision) + 1,
  };
}

function merged(stored: JsonObject, sent: JsonObject, emptied: ReadonlySet<string>): JsonObject {
  const members = Object.entries({ ...stored, ...sent });
  return emptied.size === 0 ? { ...stored, ...sent } : Object.fromEntries(members.filter(([member]) => !emptied.has(member)));
}

/** A uuid may be sent in any case (RFC 9562 §4). */
function withIdAsStored(sent: JsonObject, { id }: JsonObject): JsonObject {
  const isSame = typeof sent.id === 'string' && sent.id.toLowerCase() === id;
  return isSame && sent.id !== id ? { ...sent, id: id as JsonValue } : sent;
}
