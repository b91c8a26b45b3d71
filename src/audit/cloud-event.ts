/**
 * A sealed event as the JSON text of a CloudEvent 1.0, in one line.
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
 * What a record held before and after is passed on as it was written: parsed and written again, numbers would lose digits.
 */

/** A row of `audit.sealed`, as `SEALED_COLUMNS` reads it. */
export interface SealedEvent {
  readonly tenant_id: string;
  /** bigint, in decimal */
  readonly seq: string;
  /** 64 hexadecimal digits */
  readonly hash: string;
  readonly event_id: string;
  /** RFC 3339, UTC, with the microseconds of the database's clock */
  readonly occurred_at: string;
  readonly actor: string;
  readonly request_id: string;
  readonly action: string;
  readonly entity: string | null;
  readonly record_id: string | null;
  /** JSON text */
  readonly body: string;
}

/** A column list in which `e` is what `audit.sealed` returned; the tenant is for the caller to add. */
export const SEALED_COLUMNS = `e.seq, encode(e.hash, 'hex') as hash, e.event_id,
  to_json(e.occurred_at at time zone 'UTC')#>>'{}' || 'Z' as occurred_at,
  e.actor, e.request_id, e.action, e.entity, e.record_id, e.body`;

/** Digits of the largest bigint. */
const SEQUENCE_DIGITS = 19;

export function cloudEventType({ action }: Pick<SealedEvent, 'action'>): string {
  return `business-store.${action}`;
}

/** What every CloudEvent of the trail says of itself, whoever it is sent to. */
export function cloudEventAttributes(event: Omit<SealedEvent, 'seq' | 'hash' | 'actor' | 'request_id' | 'body'>) {
  const { entity, record_id: id } = event;
  return {
    specversion: '1.0',
    id: event.event_id,
    source: `urn:bss:tenant:${event.tenant_id}`,
    type: cloudEventType(event),
    ...(entity === null ? {} : { subject: id === null ? entity : `${entity}/${id}` }),
    time: event.occurred_at,
    datacontenttype: 'application/json',
    tenantid: event.tenant_id,
  };
}

export function cloudEventText(event: SealedEvent): string {
  const attributes = JSON.stringify({
    ...cloudEventAttributes(event),
    // The sequence extension asks for a string that sorts as the events do.
    sequence: event.seq.padStart(SEQUENCE_DIGITS, '0'),
    hash: event.hash,
  });
  return plain(`${attributes.slice(0, -1)},"data":${dataOf(event)}}`);
}

function dataOf({ actor, request_id: requestId, body }: SealedEvent): string {
  const inside = membersOf(body);
  const who = JSON.stringify({ actor, requestId });
  return inside === '' ? who : `${who.slice(0, -1)},${inside}}`;
}

/** A body that is not a JSON object, or says itself who it was, goes out as a string: no event holds up those behind it. */
function membersOf(body: string): string {
  const text = body.trim();
  try {
    const parsed: unknown = JSON.parse(text);
    const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
    if (isObject && !('actor' in parsed || 'requestId' in parsed)) return text.slice(1, -1).trim();
  } catch {
    // Told below.
  }
  return `"text":${JSON.stringify(body)}`;
}

/** What ends a line, moves a cursor or turns the direction of writing, for some reader of lines. */
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

function plain(json: string): string {
  return json.replace(UNSAFE, (character) => {
    const code = character.charCodeAt(0);
    // Inside of a string JSON has none of them but escaped.
    return code < 0x20 ? ' ' : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}
