import { CloudEvent } from 'cloudevents';
import { messageOf, type SealedEvent } from './webhook-message.js';

const TENANT = '0190f3c0-7a1e-7c3b-8f00-00000000000a';
const EVENT: SealedEvent = {
  seq: 7,
  id: '0190f3c0-7a1e-7c3b-8f00-000000000001',
  time: '2026-01-31T12:00:00.123456Z',
  actor: 'ann',
  requestId: 'req-1',
  action: 'record.updated',
  entity: 'Album',
  recordId: '0190f3c0-7a1e-7c3b-8f00-000000000002',
  body: '{"before":{"a":"secret-1","b":1,"c":[1]},"after":{"a":"secret-2","b":1,"c":[1],"d":12345678901234567890.10}}',
};
const DATA = { actor: 'ann', requestId: 'req-1', entity: 'Album', recordId: EVENT.recordId };

describe('a message', () => {
  it('of ids holds no value of the record, only the names of what changed', () => {
    const text = messageOf(TENANT, EVENT, 'ids');
    expect(text).not.toMatch(/secret-|12345678901234567890/);
    expect(JSON.parse(text).data).toEqual({ ...DATA, changed: ['a', 'd'] });
  });

  it('of all that is in the trail has its very text', () => {
    const text = messageOf(TENANT, EVENT, 'full');
    expect(text).toContain('"d":12345678901234567890.10}');
    expect(JSON.parse(text).data).toMatchObject({ ...DATA, before: { a: 'secret-1' }, after: { a: 'secret-2' } });
  });

  it('is a CloudEvent', () => {
    for (const include of ['ids', 'full'] as const) {
      const parsed = JSON.parse(messageOf(TENANT, EVENT, include));
      expect(new CloudEvent(parsed).validate()).toBe(true);
      expect(parsed).toMatchObject({
        ...{ specversion: '1.0', id: EVENT.id, source: `urn:bss:tenant:${TENANT}`, type: 'business-store.record.updated' },
        ...{ subject: `Album/${EVENT.recordId}`, time: EVENT.time, tenantid: TENANT, sequence: '7' },
      });
    }
  });

  it('of a creation names all members, of a deletion those that are gone', () => {
    const changed = (body: string) => JSON.parse(messageOf(TENANT, { ...EVENT, body }, 'ids')).data.changed;
    expect(changed('{"after":{"a":1,"b":null}}')).toEqual(['a', 'b']);
    expect(changed('{"before":{"a":1}}')).toEqual(['a']);
    expect(changed('{"detail":{"a":1}}')).toBeUndefined();
  });

  it('of a body that is too large, none, or no object, is sent without it', () => {
    for (const include of ['ids', 'full'] as const) {
      const data = (body: string | null) => JSON.parse(messageOf(TENANT, { ...EVENT, body }, include)).data;
      expect(data(null)).toEqual({ ...DATA, tooLarge: true });
      for (const body of ['[1]', '"text"', 'broken {', '', '{}', ' {} ']) expect([body, data(body)]).toEqual([body, DATA]);
    }
  });

  it('of nothing in particular has no subject', () => {
    const told = JSON.parse(messageOf(TENANT, { ...EVENT, entity: null, recordId: null }, 'full'));
    expect(told).not.toHaveProperty('subject');
    expect(JSON.parse(messageOf(TENANT, { ...EVENT, recordId: null }, 'full')).subject).toBe('Album');
  });

  it('is one line, whatever is in it', () => {
    const hostile = { ...EVENT, actor: 'a\r\nb\u2028"c', requestId: '\u001b[31m' };
    expect(messageOf(TENANT, hostile, 'full').split(/[\r\n\u001b]/)).toHaveLength(1);
    expect(JSON.parse(messageOf(TENANT, hostile, 'full')).data.actor).toBe('a\r\nb\u2028"c');
  });
});
