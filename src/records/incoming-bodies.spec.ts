import { readEntity } from '../model/document/read-entity.js';
import type { JsonValue } from '../platform/json-value.js';
import { assertColumns, incomingBodies } from './incoming-bodies.js';

const ENTITY = readEntity('Item', {
  type: 'object',
  required: ['name', 'owner'],
  properties: {
    name: { type: 'string', default: 'x' },
    owner: { type: ['string', 'null'] },
    state: { type: 'string', default: 'new' },
    note: { type: ['string', 'null'] },
    made: { type: 'string', generated: 'actor' },
  },
});

function read(bodies: JsonValue[], reading: Partial<Parameters<typeof incomingBodies>[2]> = {}) {
  const all = incomingBodies(ENTITY, bodies, { surface: 'rest', columns: null, fillsDefaults: false, ...reading });
  return all.map(({ body, emptied }) => [body, [...emptied]]);
}

describe('assertColumns', () => {
  it('refuses a name that no record can have', () => {
    expect(() => assertColumns({ ...ENTITY, keepsExtras: false }, ['id', 'colour'])).toThrow('has no property "colour"');
    expect(() => assertColumns(ENTITY, ['id', 'name', 'colour'])).not.toThrow();
  });
});

describe('incomingBodies', () => {
  it('leaves the bodies of the service as they are, but for columns', () => {
    const bodies: JsonValue[] = [{ name: null, state: null }, { other: 1 }, 'text'];
    expect(read(bodies, { surface: 'api' })).toEqual(bodies.map((body) => [body, []]));
    expect(read(bodies, { surface: 'api', columns: ['name'] })).toEqual([
      [{ name: null }, []],
      [{}, []],
      ['text', []],
    ]);
    expect(read([{}], { surface: 'api', columns: ['state', 'note'], fillsDefaults: true })).toEqual([
      [{ state: 'new', note: null }, []],
    ]);
  });

  it('takes null for absent where a property cannot be null, and keeps it where it can or where it must be there', () => {
    expect(read([{ name: null, owner: null, state: null, note: null, other: null }])).toEqual([
      [{ name: null, owner: null, note: null, other: null }, ['state']],
    ]);
  });

  it('gives each of many rows what any of them names: null, absence, or the default', () => {
    const bodies: JsonValue[] = [{ name: 'a', state: 'x', note: 'x', made: 'x', id: 'x', other: 1 }, {}];
    expect(read(bodies)[1]).toEqual([{ note: null }, ['name', 'state']]);
    expect(read(bodies, { fillsDefaults: true })[1]).toEqual([{ name: 'x', state: 'new', note: null }, []]);
    expect(read([{ name: 'a' }])).toEqual([[{ name: 'a' }, []]]);
    expect(read([{ name: 'a' }], { columns: ['name', 'state'] })).toEqual([[{ name: 'a' }, ['state']]]);
  });

  it('knows a renamed property under its old name', () => {
    const [, owner] = ENTITY.properties;
    const renamed = { ...ENTITY, properties: [{ ...owner!, alias: { name: 'holder', until: '2999-01-01T00:00:00Z' } }] };
    const reading = { surface: 'rest', columns: null, fillsDefaults: false } as const;
    const bodies = incomingBodies(renamed, [{ owner: 'a' }, { holder: 'b' }, {}], reading);
    expect(bodies.map(({ body }) => body)).toEqual([{ owner: 'a' }, { holder: 'b' }, { owner: null }]);
  });
});
