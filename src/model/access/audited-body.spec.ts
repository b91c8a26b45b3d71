import { readEntity } from '../document/read-entity.js';
import { auditedBody } from './audited-body.js';
import { holdsPersonal } from './personal.js';

const ENTITY = readEntity('person', {
  type: 'object',
  properties: {
    name: { type: 'string' },
    email: { type: 'string', pii: 'email' },
    ssn: { type: 'string', encrypted: true },
    scan: { type: 'object', encrypted: true, pii: true },
  },
});
const SEALED = { commitment: expect.stringMatching(/^sha256:[0-9a-f]{64}$/), sealed: true };

const told = (change: Parameters<typeof auditedBody>[1]) => {
  const { body, openings } = auditedBody(ENTITY, change);
  return { body: JSON.parse(body), openings: openings === null ? null : JSON.parse(openings) };
};

describe('what the trail keeps of an encrypted value', () => {
  it('is a commitment that nothing opens, also where it is about a person', () => {
    const { body, openings } = told({ after: { name: 'Ada', email: 'a@b.c', ssn: 'secret', scan: { page: 'secret' } } });
    expect(body.after).toEqual({ name: 'Ada', email: { commitment: expect.any(String) }, ssn: SEALED, scan: SEALED });
    expect(Object.keys(openings)).toEqual(['/after/email']);
    expect(JSON.stringify([body, openings])).not.toContain('secret');
  });

  it('tells neither that two records nor that two events have the same', () => {
    const [one, two] = [told({ after: { ssn: 'same' } }), told({ after: { ssn: 'same' } })];
    expect(one.body.after.ssn).not.toEqual(two.body.after.ssn);
    const { ssn, scan } = told({ after: { ssn: 'same', scan: 'same' } }).body.after;
    expect(ssn).not.toEqual(scan);
  });

  it('tells whether it changed in the event', () => {
    const { before, after } = told({
      before: { ssn: 'old', scan: { a: 1, b: 2 } },
      after: { ssn: 'new', scan: { b: 2, a: 1 } },
    }).body;
    expect(before.ssn).not.toEqual(after.ssn);
    expect(before.scan).toEqual(after.scan);
  });

  it('is null where there is none, and nothing where it is absent', () => {
    expect(told({ before: { ssn: null }, after: { name: 'Ada' } })).toEqual({
      body: { before: { ssn: null }, after: { name: 'Ada' } },
      openings: null,
    });
  });

  it('asks for no openings of an entity that has nothing else personal', () => {
    const only = readEntity('only', { type: 'object', properties: { ssn: { type: 'string', encrypted: true, pii: true } } });
    expect(holdsPersonal(only)).toBe(false);
    expect(auditedBody(only, { after: { ssn: 'secret' } }).openings).toBeNull();
    expect(holdsPersonal(ENTITY)).toBe(true);
  });
});
