import type { JsonObject } from '../../platform/json-value.js';
import { readEntity } from '../document/read-entity.js';
import { compareEntities } from './compare.js';

const entity = (words: JsonObject) => readEntity('Order', { type: 'object', properties: { no: { type: 'string' } }, ...words });

describe('keeping less', () => {
  it.each<[string, JsonObject, JsonObject, string, string]>([
    ['no more deleted records', { softDelete: true }, {}, '/softDelete', 'cannot be restored'],
    ['no more history', { history: 'full' }, { history: 'none' }, '/history', 'no longer kept'],
    [
      ...(['for a shorter time', { softDelete: true, retention: { deletedDays: 30 } }] as const),
      ...([
        { softDelete: true, retention: { deletedDays: 1 } },
        '/retention/deletedDays',
        'for a day instead of for 30 days',
      ] as const),
    ],
    [
      ...(['no longer for ever', { history: 'full' }, { history: 'full', retention: { historyDays: 90 } }] as const),
      ...(['/retention/historyDays', 'for 90 days instead of until they are purged'] as const),
    ],
  ])('needs a plan: %s', (_, before, after, pointer, message) => {
    const [change, ...rest] = compareEntities(entity(before), entity(after));
    expect(change).toMatchObject({ kind: 'keeping-changed', pointer, additive: false });
    expect(change?.message).toContain(message);
    expect(rest.filter(({ additive }) => !additive)).toEqual([]);
  });
});

describe('keeping more', () => {
  it.each<[string, JsonObject, JsonObject]>([
    ['deleted records', {}, { softDelete: true }],
    ['history', { history: 'none' }, { history: 'full' }],
    ['for longer', { history: 'full', retention: { historyDays: 90 } }, { history: 'full', retention: { historyDays: 91 } }],
    ['for a while', {}, { softDelete: true, retention: { deletedDays: 1 } }],
    ['for ever', { softDelete: true, retention: { deletedDays: 1 } }, { softDelete: true }],
  ])('is additive: %s', (_, before, after) => {
    const changes = compareEntities(entity(before), entity(after));
    expect(changes.map(({ additive }) => additive)).not.toContain(false);
    expect(changes[0]?.kind).toBe('keeping-changed');
  });

  it('written out as it was already is no change', () => {
    const changes = compareEntities(entity({}), entity({ softDelete: false, history: 'none', retention: {} }));
    expect(changes.map(({ kind }) => kind)).toEqual(['restated', 'restated', 'restated']);
  });
});
