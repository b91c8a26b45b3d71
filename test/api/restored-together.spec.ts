/** What went with a deleted record comes back with it, as far as it can. */

import { type Call, contentOf } from '../harness/definitions.js';
import { Deletions, keeping, relationTo, type Stored } from '../harness/deletions.js';
import { faultsOf, refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let tenant: TestTenant;
let call: Call;
let records: Deletions;

beforeAll(async () => {
  test = await startTestService();
});

beforeEach(async () => {
  tenant = await test.tenant();
  call = await tenant.as();
  records = new Deletions(test, tenant, call);
});

afterAll(() => test.stop());

describe('a restored record', () => {
  it('brings back what its deletion took along, level by level, but nothing that was deleted before', async () => {
    await tenant.define('artist', keeping());
    await tenant.define('album', keeping({ artist: relationTo('artist', 'cascade') }));
    await tenant.define('track', keeping({ album: relationTo('album', 'cascade'), after: relationTo('track', 'cascade') }));
    const artist = await records.insert('artist', { name: 'A' });
    const albums = [
      await records.insert('album', { name: 'A1', artist: artist.id }),
      await records.insert('album', { name: 'A2', artist: artist.id }),
    ];
    const first = await records.insert('track', { name: 'T1', album: albums[0]?.id });
    await records.insert('track', { name: 'T2', album: albums[1]?.id });
    // By a relation to its own entity alone.
    await records.insert('track', { name: 'T3', after: first.id });
    await records.removed('track', { name: 'earlier', album: albums[0]?.id });
    await records.remove('album', albums[1] as Stored);
    await records.remove('artist', artist);
    expect(await records.deletedNames('track')).toEqual(['T1', 'T2', 'T3', 'earlier']);
    await records.restore('artist', artist.id).expect(200);
    expect([await records.names('artist'), await records.names('album'), await records.names('track')]).toEqual([
      ['A'],
      ['A1'],
      ['T1', 'T3'],
    ]);
    expect([await records.deletedNames('album'), await records.deletedNames('track')]).toEqual([['A2'], ['T2', 'earlier']]);
    await records.restore('album', albums[1]?.id as string).expect(200);
    expect(await records.names('track')).toEqual(['T1', 'T2', 'T3']);
    const revisions = (await call('get', '/records/track?order=name')).body.map(({ revision }: Stored) => revision);
    expect(revisions).toEqual([2, 2, 2]);
    expect((await records.trail()).map(({ entity: of, body }) => `${of} ${body.after.name}`)).toEqual([
      ...['artist A', 'album A1', 'track T1', 'track T3'],
      ...['album A2', 'track T2'],
    ]);
  });

  it('brings back what it shares with another that is restored at the same time', async () => {
    await tenant.define('parent', keeping());
    await tenant.define('child', keeping({ a: relationTo('parent', 'cascade'), b: relationTo('parent', 'cascade') }));
    for (let round = 0; round < 8; round++) {
      const [a, b] = [
        await records.insert('parent', { name: `a${round}` }),
        await records.insert('parent', { name: `b${round}` }),
      ];
      await records.insert('child', { name: `c${round}`, a: a.id, b: b.id });
      await call('delete', `/records/parent?id=in.(${a.id},${b.id})`).expect(204);
      const answers = await Promise.all([records.restore('parent', a.id), records.restore('parent', b.id)]);
      expect(answers.map(({ status }) => status)).toEqual([200, 200]);
      expect(await records.names('child')).toContain(`c${round}`);
    }
    expect(await records.deletedNames('child')).toEqual([]);
  });

  it('brings back a circle it was part of, and itself where it refers to itself', async () => {
    await tenant.define('node', keeping({ next: relationTo('node', 'cascade') }));
    const nodes: Stored[] = [];
    for (const name of ['a', 'b', 'c'])
      nodes.push(await records.insert('node', { name, ...(nodes.length > 0 ? { next: nodes.at(-1)?.id } : {}) }));
    await call('patch', `/records/node/${nodes[0]?.id}`).send({ next: nodes[2]?.id }).expect(200);
    const alone = await records.insert('node', { name: 'alone' });
    await call('patch', `/records/node/${alone.id}`).send({ next: alone.id }).expect(200);
    await records.remove('node', nodes[1] as Stored);
    await records.remove('node', alone);
    expect(await records.names('node')).toEqual([]);
    await records.restore('node', nodes[2]?.id as string).expect(200);
    expect(await records.names('node')).toEqual(['a', 'b', 'c']);
    await records.restore('node', alone.id).expect(200);
    expect([await records.names('node'), await records.deletedNames('node')]).toEqual([['a', 'alone', 'b', 'c'], []]);
  });

  it('brings back by a natural key too, and leaves what one deletion by a filter took along with others', async () => {
    const bySku = { type: 'string', relation: { entity: 'product', field: 'sku', onDelete: 'cascade' } };
    await tenant.define('product', keeping({ sku: { type: 'string', unique: true }, n: { type: 'integer' } }));
    await tenant.define('offer', keeping({ product: bySku, instead: bySku }));
    for (const [n, sku] of ['A', 'B'].entries()) {
      await records.insert('product', { name: sku, sku, n });
      await records.insert('offer', { name: `offer ${sku}`, product: sku });
    }
    await call('delete', '/records/product?n=lt.9').expect(204);
    expect(await records.deletedNames('offer')).toEqual(['offer A', 'offer B']);
    const { items } = await records.list('product');
    const a = items.find(({ record }: { record: Stored }) => record.name === 'A');
    await records.restore('product', a.id).expect(200);
    expect([await records.names('product'), await records.names('offer'), await records.deletedNames('offer')]).toEqual([
      ['A'],
      ['offer A'],
      ['offer B'],
    ]);
  });

  it('without a key takes nothing along that refers to nothing', async () => {
    await tenant.define('maker', keeping({ n: { type: 'integer' } }));
    await tenant.define('product', keeping({ sku: { type: 'string', unique: true }, maker: relationTo('maker', 'cascade') }));
    const of = { type: 'string', relation: { entity: 'product', field: 'sku', onDelete: 'cascade' } };
    await tenant.define('offer', keeping({ product: of, maker: relationTo('maker', 'cascade') }));
    const maker = await records.insert('maker', { name: 'maker' });
    const other = await records.insert('maker', { name: 'other' });
    const product = await records.insert('product', { name: 'no sku', maker: maker.id });
    await records.insert('offer', { name: 'of nothing', maker: other.id });
    await call('delete', '/records/maker?name=not.is.null').expect(204);
    await records.restore('maker', maker.id).expect(200);
    expect([await records.names('product'), await records.names('offer')]).toEqual([[product.name], []]);
    await records.restore('maker', other.id).expect(200);
    expect(await records.names('offer')).toEqual(['of nothing']);
  });

  it('comes back although what went with it also refers to one that is still deleted', async () => {
    await tenant.define('person', keeping({ n: { type: 'integer' } }));
    await tenant.define('match', keeping({ home: relationTo('person', 'cascade'), guest: relationTo('person', 'cascade') }));
    const people = [await records.insert('person', { name: 'A', n: 1 }), await records.insert('person', { name: 'B', n: 2 })];
    await records.insert('match', { name: 'M', home: people[0]?.id, guest: people[1]?.id });
    await call('delete', '/records/person?n=lt.9').expect(204);
    await records.restore('person', people[0]?.id as string).expect(200);
    expect([await records.names('person'), await records.names('match')]).toEqual([['A'], []]);
    await records.restore('person', people[1]?.id as string).expect(200);
    expect([await records.names('person'), await records.names('match')]).toEqual([['A', 'B'], ['M']]);
  });

  it('comes back without what refers, over others that went with it, to one that is still deleted', async () => {
    await tenant.define('person', keeping({ n: { type: 'integer' } }));
    const person = relationTo('person', 'cascade');
    await tenant.define('match', keeping({ home: person, guest: person, after: relationTo('match') }));
    const people = [
      await records.insert('person', { name: 'A', n: 1 }),
      await records.insert('person', { name: 'B', n: 2 }),
    ] as const;
    const home = people[0].id;
    const first = await records.insert('match', { name: 'M1', home, guest: people[1].id });
    const second = await records.insert('match', { name: 'M2', home, after: first.id });
    await records.insert('match', { name: 'M3', home, after: second.id });
    await records.insert('match', { name: 'M4', home });
    await call('delete', '/records/person?n=lt.9').expect(204);
    await records.restore('person', home).expect(200);
    expect([await records.names('match'), await records.deletedNames('match')]).toEqual([['M4'], ['M1', 'M2', 'M3']]);
    await records.restore('person', people[1].id).expect(200);
    expect(await records.names('match')).toEqual(['M1', 'M4']);
    await records.restore('match', second.id).expect(200);
    expect(await records.names('match')).toEqual(['M1', 'M2', 'M4']);
  });

  it('finds relations emptied that its deletion emptied, and not what was not kept', async () => {
    await tenant.define('team', keeping());
    await tenant.define('member', keeping({ team: relationTo('team', 'setNull') }));
    await tenant.define('badge', keeping({ team: relationTo('team', 'cascade') }, { softDelete: false }));
    const team = await records.insert('team', { name: 'team' });
    const member = await records.insert('member', { name: 'member', team: team.id });
    await records.insert('badge', { name: 'badge', team: team.id });
    await records.remove('team', team);
    await records.restore('team', team.id).expect(200);
    expect((await call('get', `/records/member/${member.id}`)).body).toMatchObject({ revision: 2, name: 'member' });
    expect(contentOf((await call('get', `/records/member/${member.id}`)).body)).toEqual({ name: 'member' });
    expect(await records.names('badge')).toEqual([]);
  });

  it('when one that went with it has lost its place, by the name of what is in the way', async () => {
    await tenant.define('album', keeping());
    await tenant.define('label', keeping());
    await tenant.define(
      'track',
      keeping({
        album: relationTo('album', 'cascade'),
        label: relationTo('label', 'restrict'),
        code: { type: 'string', unique: true },
      }),
    );
    const album = await records.insert('album', { name: 'album' });
    const label = await records.insert('label', { name: 'label' });
    await records.insert('track', { name: 'track', album: album.id, label: label.id, code: 'A' });
    await records.remove('album', album);
    const taker = await records.insert('track', { name: 'taker', code: 'A' });
    const taken = await records.restore('album', album.id);
    expect([refusal(taken), faultsOf(taken)]).toEqual(['409 record/duplicate', ['/code unique']]);
    await records.remove('track', taker);
    await records.remove('label', label);
    const missing = await records.restore('album', album.id);
    expect([refusal(missing), faultsOf(missing)]).toEqual(['409 record/reference-missing', ['/label relation']]);
    expect([await records.names('album'), await records.deletedNames('track')]).toEqual([[], ['taker', 'track']]);
  });
});
