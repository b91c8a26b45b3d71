import { readEntity } from '../document/read-entity.js';
import type { Property } from '../entity.js';
import { commitmentTo } from './commitment.js';
import { trailView } from './trail-view.js';

const SALT = Buffer.alloc(16, 1);
const COMMITTED = { ...commitmentTo(SALT, 'a@b.c') };
const OPENINGS = { '/after/email': [SALT.toString('base64url'), 'a@b.c'] };
const ENTITY = readEntity('person', {
  type: 'object',
  properties: { email: { type: 'string', pii: 'email' }, name: { type: 'string' }, pin: { type: 'string' } },
});

/** The entity as seen by somebody whom this is kept from. */
function seen(marks: Record<string, Partial<Property>>) {
  return { ...ENTITY, properties: ENTITY.properties.map((property) => ({ ...property, ...marks[property.name] })) };
}

describe('what a reader of the trail sees of a record', () => {
  const after = { email: COMMITTED, name: 'Ada', pin: '1234', formerly: 'x' };

  it('is the opened values where nothing is kept from it', () => {
    expect(trailView({ after }, OPENINGS, ENTITY, true)).toEqual({
      content: { after: { ...after, email: 'a@b.c' } },
      redacted: [],
    });
  });

  it('is commitments once the openings are erased', () => {
    expect(trailView({ after }, null, ENTITY, true)).toEqual({ content: { after }, redacted: [] });
  });

  it('is nothing of what is hidden from it, nor of what might have been that under another name', () => {
    const view = trailView({ before: { pin: '1' }, after }, OPENINGS, seen({ pin: { hidden: true } }), false);
    expect(view).toEqual({ content: { before: {}, after: { email: 'a@b.c', name: 'Ada' } }, redacted: ['pin', 'formerly'] });
  });

  it('is redacted where its values come so, and a commitment that nobody opens any more', () => {
    const redacting = seen({ email: { redacted: { as: 'partial', of: 'email' } }, name: { redacted: { as: 'full' } } });
    const left = { pin: '1234', name: '[redacted]' };
    expect(trailView({ after }, OPENINGS, redacting, false).content).toEqual({ after: { ...left, email: '***@b.c' } });
    expect(trailView({ after }, null, redacting, false)).toEqual({
      content: { after: { ...left, email: COMMITTED } },
      redacted: ['formerly'],
    });
  });

  it('is sealed commitments of what was encrypted, for whoever looks and whatever it is today', () => {
    const sealed = { after: { email: { ...COMMITTED, sealed: true as const }, name: 'Ada' } };
    for (const isOwner of [true, false]) {
      expect(trailView(sealed, null, ENTITY, isOwner)).toEqual({ content: sealed, redacted: [] });
      const redacting = seen({ email: { redacted: { as: 'full' } } });
      expect(trailView(sealed, null, redacting, isOwner).content).toEqual(sealed);
    }
  });

  describe('of what is encrypted by now, in plain text before', () => {
    const encrypted = (word: object, rest: object = {}) =>
      readEntity('person', {
        type: 'object',
        additionalProperties: false,
        properties: { email: { type: 'string', pii: 'email', ...word }, name: { type: 'string' } },
        ...rest,
      });
    const sealed = encrypted({ encrypted: true });

    it.each([true, false])('is nothing, whoever looks and in both versions of the record: %s', (isOwner) => {
      const view = trailView(
        { before: { email: 'a@b.c', name: 'Ada' }, after: { email: null, name: 'Ada' } },
        null,
        sealed,
        isOwner,
      );
      expect(view).toEqual({ content: { before: { name: 'Ada' }, after: { name: 'Ada' } }, redacted: ['email'] });
    });

    it('is the commitment, and what opens it stays unread', () => {
      for (const isOwner of [true, false]) {
        const view = trailView({ after: { email: COMMITTED } }, OPENINGS, sealed, isOwner);
        expect(view).toEqual({ content: { after: { email: COMMITTED } }, redacted: [] });
      }
    });

    it('is nothing under a name that it may have had then', () => {
      const told = { after: { mail: 'a@b.c', other: 'x', name: 'Ada' } };
      expect(trailView(told, null, sealed, true).redacted).toEqual(['mail', 'other']);
      const open = encrypted({ encrypted: true, renamedFrom: 'mail' }, { additionalProperties: true });
      const view = trailView(told, null, open, true);
      expect(view).toEqual({ content: { after: { other: 'x', name: 'Ada' } }, redacted: ['mail'] });
      const [email, ...others] = open.properties as [Property, Property];
      const first = { ...email, encrypted: { of: 'text', searchable: false, field: 'e.mail@2@3' } } as const;
      const named = { ...open, properties: [first, ...others] };
      expect(trailView({ after: { 'e.mail@2': 'a@b.c' } }, null, named, true).redacted).toEqual(['e.mail@2']);
    });

    it('is everything again once it is decrypted', () => {
      const view = trailView({ after: { email: 'a@b.c' } }, null, encrypted({}), true);
      expect(view).toEqual({ content: { after: { email: 'a@b.c' } }, redacted: [] });
    });
  });

  it('is nothing that the document of today does not name, but for admins', () => {
    const view = trailView({ after: { name: 'Ada', formerly: 'x' } }, null, ENTITY, false);
    expect(view).toEqual({ content: { after: { name: 'Ada' } }, redacted: ['formerly'] });
  });

  it('is no content where only some rows are its to read', () => {
    const rows = { read: false, write: false };
    expect(trailView({ after }, OPENINGS, { ...ENTITY, rows }, false)).toEqual({ content: {}, redacted: ['*'] });
  });

  it('is no content at all where nobody knows what to keep from it', () => {
    expect(trailView({ before: {}, after, detail: { kept: true } }, OPENINGS, null, false)).toEqual({
      content: { detail: { kept: true } },
      redacted: ['*'],
    });
    expect(trailView({ detail: { kept: true } }, null, null, false)).toEqual({
      content: { detail: { kept: true } },
      redacted: [],
    });
  });
});
