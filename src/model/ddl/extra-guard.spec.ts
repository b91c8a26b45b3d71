import { readEntity } from '../document/read-entity.js';
import { extraGuardCondition, extraGuardName, isExtraGuard } from './extra-guard.js';

const album = readEntity('Album', {
  type: 'object',
  properties: { key: { type: 'string', unique: true }, year: { type: 'integer' }, note: { type: ['string', 'null'] } },
});
const condition = (name: string) => extraGuardCondition(album.properties.find((property) => property.name === name)!);

describe('the guard of a property', () => {
  it('lets no row keep the member among its undeclared ones', () => {
    expect(condition('year')).toBe(`(_extra -> 'year') is null`);
  });

  it('lets an explicit null stay where the property may be null', () => {
    expect(condition('note')).toBe(`(_extra -> 'note') is null or _extra -> 'note' = 'null'::jsonb`);
  });

  it('is told apart from every other constraint by its name', () => {
    expect(extraGuardName('Album', 'year')).toBe('_extra.Album.year.check');
    expect(isExtraGuard('_extra.Album.year.check')).toBe(true);
    expect(album.uniqueKeys.map((key) => isExtraGuard(key.name))).toEqual([false]);
  });
});
