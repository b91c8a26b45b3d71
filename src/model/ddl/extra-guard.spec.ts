import { readEntity } from '../document/read-entity.js';
import type { TenantHome } from '../entity.js';
import { addExtraGuard, isExtraGuard } from './extra-guard.js';

const home: TenantHome = { tenantId: '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b', schema: 't_a', role: 'tn_a', ownerRole: 'own_a' };
const album = readEntity('Album', {
  type: 'object',
  properties: { key: { type: 'string', unique: true }, year: { type: 'integer' }, note: { type: ['string', 'null'] } },
});
const guard = (name: string) => addExtraGuard(home, album, album.properties.find((property) => property.name === name)!);

describe('addExtraGuard', () => {
  it('lets no row keep the member among its undeclared ones', () => {
    expect(guard('year')).toBe(
      `alter table "t_a"."Album" add constraint "_extra.Album.year.check" check ((_extra -> 'year') is null)`,
    );
  });

  it('lets an explicit null stay where the property may be null', () => {
    expect(guard('note')).toBe(
      `alter table "t_a"."Album" add constraint "_extra.Album.note.check" check ((_extra -> 'note') is null or _extra -> 'note' = 'null'::jsonb)`,
    );
  });

  it('is told apart from every other constraint by its name', () => {
    expect(isExtraGuard('_extra.Album.year.check')).toBe(true);
    expect(album.uniqueKeys.map((key) => isExtraGuard(key.name))).toEqual([false]);
  });
});
