import { CloudEvent } from 'cloudevents';
import { cloudEventText, type SealedEvent } from './cloud-event.js';

const EVENT: SealedEvent = {
  tenant_id: '0190a1b2-0000-7000-8000-000000000001',
  seq: '42',
  hash: 'ab'.repeat(32),
  event_id: '0190a1b2-0000-7000-8000-000000000002',
  occurred_at: '2026-03-01T10:20:30.123456Z',
  actor: 'admin@test',
  request_id: 'r-1',
  action: 'record.created',
  entity: 'note',
  record_id: '0190a1b2-0000-7000-8000-000000000003',
  body: '{"after":{"title":"one"}}',
};

const written = (changes: Partial<SealedEvent> = {}) => cloudEventText({ ...EVENT, ...changes });
const read = (changes: Partial<SealedEvent> = {}) => JSON.parse(written(changes));

describe('a sealed event', () => {
  it('is a CloudEvent 1.0 with its place in the chain, to the microsecond', () => {
    expect(read()).toEqual({
      specversion: '1.0',
      id: EVENT.event_id,
      source: `urn:bss:tenant:${EVENT.tenant_id}`,
      type: 'business-store.record.created',
      subject: `note/${EVENT.record_id}`,
      time: '2026-03-01T10:20:30.123456Z',
      datacontenttype: 'application/json',
      tenantid: EVENT.tenant_id,
      sequence: '0000000000000000042',
      hash: EVENT.hash,
      data: { actor: 'admin@test', requestId: 'r-1', after: { title: 'one' } },
    });
    expect(new CloudEvent(read(), true).validate()).toBe(true);
  });

  it('has a subject only when it is about something', () => {
    expect(read({ record_id: null }).subject).toBe('note');
    expect('subject' in read({ entity: null, record_id: null })).toBe(false);
  });

  it('has a sequence that sorts as text', () => {
    const sequences = ['9', '10', '9223372036854775807'].map((seq) => read({ seq }).sequence);
    expect([...sequences].sort()).toEqual(sequences);
  });

  it('keeps the digits of every number', () => {
    expect(written({ body: '{"after":{"n":12345678901234567890.12300}}' })).toContain('"n":12345678901234567890.12300');
  });

  it.each([
    ['no JSON', 'broken "', { text: 'broken "' }],
    ['no object', '[1]', { text: '[1]' }],
    ['empty', ' { } ', {}],
  ])('whose body is %s is told all the same', (_name, body, data) => {
    expect(read({ body }).data).toEqual({ actor: 'admin@test', requestId: 'r-1', ...data });
  });

  it('is one line without anything a terminal obeys, whatever is in it, and means the same', () => {
    const nasty = 'a\r\nb\u001b[31mc\u009b2Jd\u2028e\u2029f\u202eg\ufeffh"},{"i\u0085';
    const body = `{\r\n  "after": {\t"title": ${JSON.stringify(nasty)} }\n}`;
    const text = written({ body, actor: nasty, request_id: '=cmd()', entity: nasty });
    expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\ufeff]/);
    const told = JSON.parse(text);
    expect(told.data).toEqual({ actor: nasty, requestId: '=cmd()', after: { title: nasty } });
    expect(told.subject).toBe(`${nasty}/${EVENT.record_id}`);
  });

  it('cannot say by its body that somebody else did it', () => {
    const body = '{"actor":"somebody","after":1}';
    expect(read({ body }).data).toEqual({ actor: 'admin@test', requestId: 'r-1', text: body });
  });
});
