import { cloudEventAttributes } from '../audit/cloud-event.js';
import { isJsonObject, type JsonObject } from '../platform/json-value.js';
import type { Tenant } from '../tenants/tenant-directory.js';

/**
 * What a receiver is sent of an event: one CloudEvent in structured mode
 * (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md), with the values or without.
 */

export const CLOUD_EVENT_JSON = 'application/cloudevents+json; charset=utf-8';

/** `ids`: which record, whose change and the names of the members that changed. `full`: what was before and after, too. */
export const INCLUDES = ['ids', 'full'] as const;
export type Include = (typeof INCLUDES)[number];

/** An event of the sealed trail. */
export interface SealedEvent {
  readonly seq: number;
  readonly id: string;
  /** RFC 3339, to the microsecond. */
  readonly time: string;
  readonly actor: string;
  readonly requestId: string;
  readonly action: string;
  readonly entity: string | null;
  readonly recordId: string | null;
  /** JSON text as it is in the trail; null when it is longer than a webhook carries. */
  readonly body: string | null;
}

/** The one place where something can be kept from receivers that is in the trail; every event goes through it. */
export type Redaction = (tenant: Tenant, event: SealedEvent) => SealedEvent | Promise<SealedEvent>;

/** Injection token of the redaction. */
export const REDACTION = Symbol('redaction');

/** Longest body of an event that is sent with its values, bytes. */
export const LONGEST_BODY = 262_144;

export function messageOf(tenantId: string, event: SealedEvent, include: Include): string {
  const { seq, id, time, action, entity, recordId } = event;
  const about = { tenant_id: tenantId, event_id: id, occurred_at: time, action, entity, record_id: recordId };
  const envelope = { ...cloudEventAttributes(about), sequence: String(seq) };
  return `${JSON.stringify(envelope).slice(0, -1)},"data":${dataOf(event, include)}}`;
}

/** Values go out as the text that is in the trail, so that no number changes on its way. */
function dataOf({ actor, requestId, entity, recordId, body }: SealedEvent, include: Include): string {
  const about = { actor, requestId, ...(entity === null ? {} : { entity }), ...(recordId === null ? {} : { recordId }) };
  if (body === null) return JSON.stringify({ ...about, tooLarge: true });
  const told = objectOf(body);
  if (include === 'ids' || told === null) return JSON.stringify({ ...about, ...changedMembers(told) });
  const members = body.trim().slice(1, -1).trim();
  return `${JSON.stringify(about).slice(0, -1)}${members === '' ? '' : `,${members}`}}`;
}

/** Names alone, of the members that are not the same before and after. Only of records: what else happens has no such members. */
function changedMembers(body: JsonObject | null): { changed?: string[] } {
  const [before, after] = [body?.before, body?.after];
  if (!isJsonObject(before) && !isJsonObject(after)) return {};
  const [was, is] = [isJsonObject(before) ? before : {}, isJsonObject(after) ? after : {}];
  const names = new Set([...Object.keys(was), ...Object.keys(is)]);
  return { changed: [...names].filter((name) => JSON.stringify(was[name]) !== JSON.stringify(is[name])) };
}

function objectOf(text: string): JsonObject | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return isJsonObject(parsed) ? parsed : null;
  } catch {
    return null;
  }
}
