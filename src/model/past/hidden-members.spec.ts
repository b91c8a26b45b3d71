import { createSecretKey } from 'node:crypto';
import type { JsonObject } from '../../platform/json-value.js';
import { viewOf } from '../access/entity-view.js';
import { readEntity } from '../document/read-entity.js';
import { hiddenName } from '../names.js';
import type { VersionStep } from '../plan/lineage.js';
import { withHiddenMembers } from './hidden-members.js';

const step = (
  version: number,
  properties: JsonObject,
  { renames, restored = [] }: { renames?: [string, string][]; restored?: [string, string][] } = {},
): VersionStep => ({
  version,
  entity: readEntity('Order', { type: 'object', properties }),
  ...(renames ? { renames: new Map(renames) } : {}),
  restored: new Map(restored),
});

const text = { type: 'string' };
const secret = { type: 'string', writeOnly: true };

/** Names of what is not returned, version by version. */
const hidden = (...steps: VersionStep[]) =>
  withHiddenMembers(steps).map(({ properties }) => properties.filter(({ writeOnly }) => writeOnly).map(({ name }) => name));

describe('a version of the past does not show', () => {
  it('what was never returned in it', () => {
    expect(hidden(step(1, { pin: secret }), step(2, { pin: text }))).toEqual([['pin'], []]);
  });

  it('what is not returned any more, under none of its former names', () => {
    const steps = [
      step(1, { old: text, code: text }),
      step(2, { pin: text, code: text }, { renames: [['pin', 'old']] }),
      step(3, { pin: secret, code: text }),
      step(4, { pin: text, code: text }),
    ];
    expect(hidden(...steps)).toEqual([['old'], ['pin'], ['pin'], []]);
  });

  it('what it held undeclared before it was declared', () => {
    expect(hidden(step(1, {}), step(2, { b: text }), step(3, { pin: secret }))).toEqual([['pin'], ['pin'], ['pin']]);
  });

  it('what was dropped and came back as a secret, but another that had the name meanwhile', () => {
    const steps = [
      step(1, { pin: text }),
      step(2, { b: text }),
      step(3, { b: text, pin: text }),
      step(4, { b: text, other: text }, { renames: [['other', 'pin']] }),
      step(5, { b: text, pin: secret, other: text }, { restored: [['pin', hiddenName('pin', 2)]] }),
    ];
    expect(hidden(...steps)).toEqual([['pin'], ['pin'], [], ['pin'], ['pin']]);
  });

  it('a secret of thousands of versions later, each looked at once', () => {
    const steps = Array.from({ length: 5_000 }, (_, at) => step(at + 1, { pin: at === 0 ? text : secret }));
    expect(hidden(...steps).flat()).toHaveLength(5_000);
  });

  it('what is hidden from the caller or redacted for it, as strictly as any later version has it', () => {
    const sight = { roles: ['viewer'], redaction: createSecretKey(Buffer.alloc(32, 1)) };
    const closed = { ...text, access: { read: ['hr'] } };
    const steps = [
      step(1, { old: text, code: text }),
      step(2, { pin: { ...text, pii: true, redact: 'hash' }, code: closed }, { renames: [['pin', 'old']] }),
      step(3, { pin: { ...text, pii: true, redact: 'partial' }, code: text }),
      step(4, { pin: text, code: text, other: { ...text, pii: true } }),
    ].map((each) => ({ ...each, entity: viewOf(each.entity, sight) }));
    const told = withHiddenMembers(steps).map(({ properties }) =>
      properties.map(({ name, hidden: isHidden, redacted }) => `${name} ${isHidden ? 'hidden' : (redacted?.as ?? 'shown')}`),
    );
    expect(told).toEqual([
      ['old full', 'code hidden', 'other hidden'],
      ['pin full', 'code hidden', 'other hidden'],
      ['pin partial', 'code shown', 'other hidden'],
      ['pin shown', 'code shown', 'other full'],
    ]);
  });
});
