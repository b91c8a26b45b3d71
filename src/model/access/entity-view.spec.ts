import { createSecretKey } from 'node:crypto';
import type { JsonObject } from '../../platform/json-value.js';
import { readEntity } from '../document/read-entity.js';
import { isRedacted, isSeenAlike, rolesThatMatter, viewOf } from './entity-view.js';

const redaction = createSecretKey(Buffer.alloc(32, 1));
const entity = (properties: JsonObject) => readEntity('Person', { type: 'object', properties });
const text = { type: 'string' };

/** What is said of each property, as `hidden fixed`. */
function seen(properties: JsonObject, roles: readonly string[], redacts = false): Record<string, string> {
  const view = viewOf(entity(properties), { roles, redaction: redacts ? redaction : null });
  return Object.fromEntries(
    view.properties.map(({ name, hidden, redacted, fixed }) => {
      return [name, [hidden && 'hidden', redacted?.as, fixed && 'fixed'].filter(Boolean).join(' ')];
    }),
  );
}

describe('a view', () => {
  it('hides what none of the roles may read, and fixes what none may write', () => {
    const properties = {
      both: { ...text, access: { read: ['hr'], write: ['hr'] } },
      read: { ...text, access: { read: ['hr', 'boss'] } },
      write: { ...text, access: { write: ['hr'] } },
      nobody: { ...text, access: { read: [] } },
      open: text,
    };
    const none = { both: 'hidden fixed', read: 'hidden', write: 'fixed', nobody: 'hidden', open: '' };
    expect(seen(properties, [])).toEqual(none);
    expect(seen(properties, ['viewer', 'admin'])).toEqual(none);
    expect(seen(properties, ['boss'])).toEqual({ ...none, read: '' });
    expect(seen(properties, ['viewer', 'hr'])).toEqual({ both: '', read: '', write: '', nobody: 'hidden', open: '' });
  });

  it('redacts for those only who read redacted, and lets them write nothing of it', () => {
    const properties = {
      personal: { ...text, pii: true },
      part: { ...text, pii: 'email', redact: 'partial' },
      hash: { ...text, redact: 'hash' },
      gone: { ...text, pii: true, redact: 'remove' },
      not: { ...text, pii: false },
      never: { ...text, pii: true, writeOnly: true },
      hidden: { ...text, pii: true, access: { read: ['hr'] } },
    };
    expect(seen(properties, ['auditor'], true)).toEqual({
      ...{ personal: 'full fixed', part: 'partial fixed', hash: 'hash fixed', gone: 'hidden fixed' },
      ...{ not: '', never: '', hidden: 'hidden' },
    });
    const open = { personal: '', part: '', hash: '', gone: '', not: '', never: '', hidden: 'hidden' };
    expect(seen(properties, ['auditor'])).toEqual(open);
  });

  it('is the very entity where nothing is kept back', () => {
    const closed = entity({ a: { ...text, pii: true }, b: { ...text, access: { read: ['viewer'] } } });
    expect(viewOf(closed, { roles: ['viewer'], redaction: null })).toBe(closed);
    const open = entity({ a: text });
    expect(viewOf(open, { roles: [], redaction })).toBe(open);
  });

  it('is asked for only of entities that tell callers apart', () => {
    const plain = entity({ a: { ...text, access: {} } });
    expect([isSeenAlike(plain), isRedacted(plain), [...rolesThatMatter(plain)]]).toEqual([true, false, []]);
    const closed = entity({ a: { ...text, pii: true, access: { read: [], write: ['hr'] } } });
    expect([isSeenAlike(closed), isRedacted(closed), [...rolesThatMatter(closed)]]).toEqual([false, true, ['hr']]);
  });
});
