import { viewOf } from '../model/access/entity-view.js';
import { readEntity } from '../model/document/read-entity.js';
import type { JsonObject } from '../platform/json-value.js';
import {
  auditedContent,
  incomingInsert,
  incomingReplace,
  patchedRecord,
  removedFaults,
  replacedRecord,
  unseenFaults,
} from './incoming-record.js';

const entity = readEntity('Account', {
  type: 'object',
  required: ['number', 'parent'],
  properties: {
    number: { type: 'integer', immutable: true },
    parent: { type: ['integer', 'null'] },
    status: { type: 'string', default: 'open' },
    balance: { type: 'number', readOnly: true },
    secret: { type: 'string', writeOnly: true },
    opener: { type: 'string', generated: 'actor' },
  },
});

const stored = {
  id: '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b',
  created_at: '2026-01-01T00:00:00Z',
  revision: 3,
  number: 1,
  parent: 7,
  balance: 10,
  secret: 's',
  opener: 'ada',
};

const rules = (faults: readonly { pointer: string; rule: string }[]) => faults.map(({ pointer, rule }) => `${pointer} ${rule}`);

describe('incomingInsert', () => {
  it('refuses what only the store sets, by place', () => {
    const body = { number: 1, tenant_id: 'x', revision: 9, _extra: {}, balance: 1, opener: 'mallory', id: 'no' };
    expect(rules(incomingInsert(entity, body, 'ada', '/4').faults).sort()).toEqual([
      '/4/_extra readOnly',
      '/4/balance readOnly',
      '/4/id format',
      '/4/opener readOnly',
      '/4/revision readOnly',
      '/4/tenant_id readOnly',
    ]);
    expect(rules(incomingInsert(entity, [], 'ada', '').faults)).toEqual([' type']);
  });

  it('fills in defaults and generated values, and takes an id', () => {
    const { content, id, faults } = incomingInsert(entity, { id: stored.id.toUpperCase(), number: 1, parent: null }, 'ada', '');
    expect(faults).toEqual([]);
    expect(id).toBe(stored.id);
    expect(content).toEqual({ number: 1, parent: null, status: 'open', opener: 'ada' });
  });
});

describe('incomingReplace', () => {
  it('refuses to change what cannot be changed, and takes it back unchanged', () => {
    const body = { ...stored, revision: 4, number: 2, balance: 11 };
    expect(rules(incomingReplace(entity, body, stored).faults).sort()).toEqual([
      '/balance readOnly',
      '/number immutable',
      '/revision readOnly',
    ]);
    expect(incomingReplace(entity, { ...stored }, stored).faults).toEqual([]);
  });

  it('keeps what the store owns and drops what was left out', () => {
    const { content, faults } = incomingReplace(entity, { parent: 8 }, stored);
    expect(faults).toEqual([]);
    expect(content).toEqual({ parent: 8, number: 1, balance: 10, opener: 'ada' });
  });
});

describe('replacedRecord', () => {
  it('keeps what its reader cannot have seen, unless it is set anew', () => {
    expect(replacedRecord(entity, stored, { parent: 8 })).toEqual({ parent: 8, secret: 's' });
    expect(replacedRecord(entity, stored, { parent: 8, secret: 't' })).toEqual({ parent: 8, secret: 't' });
    expect(replacedRecord(entity, stored, [])).toEqual([]);
  });
});

describe('patchedRecord', () => {
  it('removes members that are null, but sets a required nullable one to null', () => {
    expect(patchedRecord(entity, stored, { parent: null, secret: null })).toMatchObject({ parent: null, number: 1 });
    expect(patchedRecord(entity, stored, { secret: null })).not.toHaveProperty('secret');
  });

  it('merges objects within objects, and takes no member from a prototype', () => {
    const patched = patchedRecord(
      entity,
      { ...stored, more: { a: 1, b: 2 } },
      { more: { b: null, c: 3 }, constructor: { d: 1 } },
    );
    expect(patched).toMatchObject({ more: { a: 1, c: 3 }, constructor: { d: 1 } });
  });
});

it('auditedContent leaves out system members and what is never returned', () => {
  expect(auditedContent(entity, stored)).toEqual({ number: 1, parent: 7, balance: 10, opener: 'ada' });
});

describe('what is kept back from the caller', () => {
  const closed = { access: { read: ['hr'], write: ['hr'] } };
  const until = new Date(Date.now() + 60_000).toISOString();
  const whole = readEntity('Person', {
    type: 'object',
    properties: {
      name: { type: 'string' },
      grade: { type: 'string', access: { write: ['hr'] } },
      pin: { type: 'string', renamedFrom: 'code', aliasUntil: until, ...closed },
      seal: { type: 'string', immutable: true, access: { read: ['hr'] } },
    },
  });
  const seen = viewOf(whole, { roles: ['editor'], redaction: null });
  const kept = { id: stored.id, name: 'a', grade: 'A', pin: 'p', seal: 's' };

  it('is refused whatever its value is, by its old name and as absent too', () => {
    for (const pin of ['p', 'other', null]) {
      expect(rules(unseenFaults(seen, { name: 'b', pin }, '/2'))).toEqual(['/2/pin access']);
      expect(rules(unseenFaults(seen, { code: pin }, ''))).toEqual(['/pin access']);
      expect(rules(unseenFaults(seen, { seal: pin }, ''))).toEqual(['/seal immutable']);
    }
    expect(rules(unseenFaults(seen, {}, '', new Set(['pin', 'name'])))).toEqual(['/pin access']);
    expect(unseenFaults(whole, { pin: 'p', seal: 's' }, '')).toEqual([]);
  });

  it('stays as it is stored, whatever became of it on the way, and is compared with nothing', () => {
    const sent: JsonObject[] = [{}, { pin: 'p', seal: 's' }, { pin: 'q', seal: 't' }, { code: 'q' }];
    for (const secrets of sent) {
      const { content, faults } = incomingReplace(seen, { name: 'b', ...secrets }, kept);
      expect([content, faults]).toEqual([{ name: 'b', grade: 'A', pin: 'p', seal: 's' }, []]);
    }
    const { id, name } = kept;
    expect(incomingReplace(seen, { name: 'b', pin: 'p', seal: 's' }, { id, name }).content).toEqual({ name: 'b' });
  });

  it('and what is seen and not to be changed is not taken away by a patch', () => {
    expect(rules(removedFaults(seen, kept, { name: 'b' }, ''))).toEqual(['/grade access']);
    expect(removedFaults(seen, kept, { grade: 'A' }, '')).toEqual([]);
    expect(removedFaults(seen, { ...kept, grade: undefined as never }, {}, '')).toEqual([]);
    expect(rules(incomingReplace(seen, { grade: 'B' }, kept).faults)).toEqual(['/grade access']);
    expect(incomingReplace(seen, { grade: 'A' }, kept).faults).toEqual([]);
  });
});
