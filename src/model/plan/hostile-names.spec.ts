import { change, closed, open } from './plan.fixture.js';

const LONG = 'n'.repeat(120);

describe('names', () => {
  it('that are words of SQL are quoted wherever they stand', () => {
    const item = change(
      closed({ 'order!': { type: 'string' } }),
      closed(
        { 'select!': { type: 'string', unique: true, renamedFrom: 'order' }, user: { type: 'integer', minimum: 0 } },
        { renamedFrom: 'table' },
      ),
      { name: 'table', nameAfter: 'group' },
    );
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."table" in access exclusive mode
-- rename, owner
alter table "t_1"."table" rename column "order" to "select"
-- rename, owner
alter table "t_1"."table" rename constraint "table.pkey" to "group.pkey"
-- rename, owner
alter table "t_1"."table" rename constraint "table.tenant.check" to "group.tenant.check"
-- rename, owner
alter table "t_1"."table" rename to "group"
-- columns, owner
alter table "t_1"."group" add column "user" bigint
-- constraints, owner
alter table "t_1"."group" add constraint "group.user.range.check" check ("user" >= 0)
-- constraints, owner
alter table "t_1"."group" add constraint "group.select.key" unique ("select")`);
  });

  it('of columns that every table has, and those too long for Postgres, are told apart by their hash', () => {
    const item = change(
      open({}),
      open({ [`${LONG}a`]: { type: 'boolean' }, [`${LONG}b`]: { type: 'boolean' }, xmin: { type: 'boolean' } }),
    );
    expect(
      item.large
        .split('\n')
        .filter((line) => /^alter table/.test(line))
        .join('\n'),
    ).toBe(`alter table "t_1"."item" add column "nnnnnnnnnnnnnnnnnnn~9ztvhilm1xl77c62hdjrtbydv~new" boolean
alter table "t_1"."item" add column "nnnnnnnnnnnnnnnnnnn~a4klojp56pccv1xy4az24trkf~new" boolean
alter table "t_1"."item" add column "xmin~d11pbkss2zc3ood36wsr86llt~new" boolean
alter table "t_1"."item" rename column "nnnnnnnnnnnnnnnnnnn~9ztvhilm1xl77c62hdjrtbydv~new" to "nnnnnnnnnnnnnnnnnnn~9ztvhilm1xl77c62hdjrtbydv"
alter table "t_1"."item" rename column "nnnnnnnnnnnnnnnnnnn~a4klojp56pccv1xy4az24trkf~new" to "nnnnnnnnnnnnnnnnnnn~a4klojp56pccv1xy4az24trkf"
alter table "t_1"."item" rename column "xmin~d11pbkss2zc3ood36wsr86llt~new" to "xmin~d11pbkss2zc3ood36wsr86llt"
alter table "t_1"."item" add constraint "_extra.item.nnnnnnn~890hm9c5o1gphhjote6h4c3t1" check ((_extra -> 'nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnna') is null)
alter table "t_1"."item" add constraint "_extra.item.nnnnnnn~1doibzj5kfucs7fey3uqm5gie" check ((_extra -> 'nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnb') is null)
alter table "t_1"."item" add constraint "_extra.item.xmin_d1~7ef3rc2d22iy5itt6gsvymjyw" check ((_extra -> 'xmin') is null)`);
  });

  it('of any script stay what they are', () => {
    const item = change(
      closed({ имя: { type: ['string', 'null'] }, é: { type: 'string' } }),
      closed({ имя: { type: 'string' } }),
    );
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- hide, owner
alter table "t_1"."item" rename column "é" to "~2~é"
-- constraints, owner
alter table "t_1"."item" add constraint "_extra.item.имя.check" check ((_extra -> 'имя') is null)`);
  });

  it('are values where rows are asked about members', () => {
    const item = change(open({ é: { type: 'string' } }), open({ 'kebab-case': { type: 'string', renamedFrom: 'é' } }));
    expect(item.operation('rename-property').validate()[0]?.failing).toBe("(_extra -> 'kebab-case') is not null");
  });
});
