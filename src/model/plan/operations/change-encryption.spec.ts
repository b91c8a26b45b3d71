import { change, closed, failing, open } from '../plan.fixture.js';

const STRING = { type: 'string' };
const FOUND = { searchable: 'equality' };
const SSN = { ...STRING, unique: true };

describe('change-encryption', () => {
  it('fills a second column by the service whatever the size of the table, and drops the first at once', () => {
    const item = change(closed({ 'ssn!': SSN }), closed({ 'ssn!': { ...SSN, encrypted: FOUND } }));
    expect(item.kinds).toEqual(['change-encryption']);
    expect(item.small).toBe(item.large);
    expect(item.small).toBe(`-- prepare-columns, owner
alter table "t_1"."item" add column "ssn~sealed~new" bytea
-- prepare-columns, owner
alter table "t_1"."item" add column "item.ssn~sealed.revision~new" bigint
-- prepare-constraints, owner
alter table "t_1"."item" add constraint "item.ssn~sealed.sealed.check~new" check (case when "ssn" is null then "ssn~sealed~new" is null else "ssn~sealed~new" is not null and "item.ssn~sealed.revision~new" is not distinct from revision end) not valid
-- prepare-constraints, owner
alter table "t_1"."item" add constraint "item.ssn~sealed.filled.check~new" check ("ssn~sealed~new" is not null) not valid
-- prepare-constraints, owner
alter table "t_1"."item" add constraint "item.ssn~sealed.cell.check~new" check (substring("ssn~sealed~new", 1, 1) in ('\\x02'::bytea, '\\x04'::bytea) and octet_length("ssn~sealed~new") >= 66) not valid
-- backfill, service
select id, revision, null, "ssn"
from "t_1"."item"
where tenant_id = $1::uuid
  and id > $2::uuid
  and ("ssn" is not null and "ssn~sealed~new" is null)
order by id
limit $3::bigint;
-- the service encrypts or decrypts what it has read, and stores it where the record has not been changed since
update "t_1"."item" as record
set "ssn~sealed~new" = input."~0",
    "item.ssn~sealed.revision~new" = record.revision
from unnest($2::uuid[], $3::bigint[], $4::bytea[])
  as input ("~id", "~revision", "~0")
where record.tenant_id = $1::uuid
  and record.id = input."~id"
  and record.revision = input."~revision"
-- prepare-indexes, owner, alone
create unique index concurrently "item.ssn~sealed.key0~new" on "t_1"."item" using btree (nullif(substring("ssn~sealed~new", 7, 16), '\\x00000000000000000000000000000000'::bytea))
-- prepare-indexes, owner, alone
create unique index concurrently "item.ssn~sealed.key1~new" on "t_1"."item" using btree (nullif(substring("ssn~sealed~new", 23, 16), '\\x00000000000000000000000000000000'::bytea))
-- validate, owner
alter table "t_1"."item" validate constraint "item.ssn~sealed.sealed.check~new"
-- validate, owner
alter table "t_1"."item" validate constraint "item.ssn~sealed.filled.check~new"
-- validate, owner
alter table "t_1"."item" validate constraint "item.ssn~sealed.cell.check~new"
-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "item.ssn.key"
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "item.ssn~sealed.sealed.check~new"
-- types, owner
alter table "t_1"."item" drop column "ssn"
-- types, owner
alter table "t_1"."item" drop column "item.ssn~sealed.revision~new"
-- rename, owner
alter table "t_1"."item" rename column "ssn~sealed~new" to "ssn~sealed"
-- nulls, owner
alter table "t_1"."item" alter column "ssn~sealed" set not null
-- nulls, owner
alter table "t_1"."item" drop constraint "item.ssn~sealed.filled.check~new"
-- constraints, owner
alter table "t_1"."item" rename constraint "item.ssn~sealed.cell.check~new" to "item.ssn~sealed.cell.check"
-- indexes, owner
alter index "t_1"."item.ssn~sealed.key0~new" rename to "item.ssn~sealed.key0"
-- indexes, owner
alter index "t_1"."item.ssn~sealed.key1~new" rename to "item.ssn~sealed.key1"`);
  });

  it('says what becomes of the plaintext, and that it comes back by decrypting', () => {
    const item = change(closed({ ssn: STRING }), closed({ ssn: { ...STRING, encrypted: true } }));
    const operation = item.operation('change-encryption');
    expect(operation.describe()).toBe(
      '"ssn" is encrypted, and is not found by its values from now on; its plain column is dropped at once, but what it held stays in the ' +
        'pages of the table until each row is written again, as rotating the data key does, and these are vacuumed; in the write-ahead ' +
        'log and in backups until those have expired; and in the stored events of the trail, which shows it to nobody any more. Answers ' +
        'that were kept for Idempotency-Keys in plain text are forgotten',
    );
    expect(operation.risk).toEqual({ level: 'restrictive', reversible: 'yes' });
    expect(item.plan().inverse.steps.map(({ description }) => description)).toContain(
      '"ssn" is decrypted: whoever reads the database, its log or its backups can read its values from now on',
    );
    const back = change(closed({ ssn: { ...STRING, encrypted: true } }), closed({ ssn: STRING }));
    expect(back.plan().inverse).toMatchObject({ reversible: 'partly', reasons: [expect.stringContaining('in plain text')] });
  });

  it('fills all that a row needs in one statement, whoever can tell it', () => {
    const item = change(
      closed({ a: STRING, b: { ...STRING, encrypted: true }, n: { type: 'integer' } }),
      closed({ a: { ...STRING, encrypted: true }, b: STRING, n: STRING }),
    );
    const backfills = item.plan(1_000_000).statements.filter(({ stage }) => stage === 'backfill');
    expect(backfills.map(({ as, service }) => [as, service?.fills.map(({ property }) => property)])).toEqual([
      ['service', ['a', 'b']],
    ]);
    expect(backfills[0]?.service?.write).toBe(`update "t_1"."item" as record
set "a~sealed~new" = input."~0",
    "item.a~sealed.revision~new" = record.revision,
    "b~new" = input."~1",
    "item.b.revision~new" = record.revision,
    "b~sealed" = case when input."~1" is not null then record."b~sealed" end,
    "n~new" = case when "n" is not null and "n~new" is null then "n"::text else "n~new" end
from unnest($2::uuid[], $3::bigint[], $4::bytea[], $5::text[])
  as input ("~id", "~revision", "~0", "~1")
where record.tenant_id = $1::uuid
  and record.id = input."~id"
  and record.revision = input."~revision"`);
  });

  it('reads whom a record is about, under the name it has until the switch', () => {
    const words = { required: ['about'], subject: 'about' };
    const item = change(
      closed({ who: STRING, a: STRING }, { required: ['who'] }),
      closed({ about: { ...STRING, renamedFrom: 'who' }, a: { ...STRING, encrypted: true } }, words),
    );
    const [backfill] = item.plan().statements.filter(({ stage }) => stage === 'backfill');
    expect(backfill?.service?.read).toContain('select id, revision, "who", "a"');
    const fresh = change(closed({ a: STRING }), closed({ about: STRING, a: { ...STRING, encrypted: true } }, words));
    expect(fresh.operation('change-encryption').validate()).toMatchObject([{ failing: '"a" is not null' }]);
  });

  it('refuses another type at the same time, and asks again with the lock in hand', () => {
    const item = change(closed({ a: STRING }), closed({ a: { type: 'integer', encrypted: true } }));
    const found = failing(item, /together with its encryption/, { rows: 2, sample: [] });
    expect(item.plan(10, found).operations.flatMap((each) => each.failing)).toMatchObject([
      { rows: 2, wayOut: expect.stringContaining('change one of them first') },
    ]);
    expect(item.small).toContain('-- check-rows, assert');
  });

  it('encrypts what is kept of the past when it is in force, once for all properties', () => {
    const sealed = { ...STRING, encrypted: true };
    const item = change(closed({ a: STRING, b: STRING }), closed({ a: sealed, b: sealed }), {
      past: ['~deleted~1', '~history~1'],
    });
    const plan = item.plan(1_000_000);
    const after = plan.steps.filter(({ phase }) => phase === 'afterwards');
    expect(plan.steps.slice(-2)).toEqual(after);
    expect(after.map(({ as, lock, blocks, operation }) => [as, lock, blocks, operation])).toEqual([
      ['service', 'none', 'nothing', null],
      ['service', 'none', 'nothing', null],
    ]);
    expect(plan.statements.flatMap(({ past }) => past?.table ?? [])).toEqual(['"t_1"."~deleted~1"', '"t_1"."~history~1"']);
    expect(plan.statements.at(-1)?.past?.write).toContain(`where held.tenant_id = $1::uuid`);
    const back = change(closed({ a: sealed }), closed({ a: STRING }), { past: ['~history~1'] });
    expect([back.operation('change-encryption').validate(), back.small.includes('~history~1')]).toEqual([[], false]);
  });

  it('asks records that are gone whom they are about by what they say now', () => {
    const words = { required: ['who'], subject: 'who' };
    const item = change(
      closed({ 'who!': STRING, a: STRING }),
      closed({ who: STRING, a: { ...STRING, encrypted: true } }, words),
      {
        past: ['~history~1'],
      },
    );
    expect(item.plan().statements.at(-1)?.past?.read).toContain(`select live."who"::text
    from "t_1"."item" as live
    where live.tenant_id = $1::uuid
      and live.id = kept.id`);
  });

  it('refuses what former versions hold undeclared, which is no value of the property', () => {
    const item = change(closed({ a: STRING }), closed({ a: { ...STRING, encrypted: true } }), { past: ['~history~1'] });
    const [probe] = item.operation('change-encryption').validate();
    expect(probe?.query).toContain(`from "t_1"."~history~1"`);
    expect(probe?.query).toContain(`(body ->> '_extra')::jsonb ->> 'a' is not null`);
  });

  it('leaves a key that comes or goes with it to the operation of its own', () => {
    const comes = change(closed({ a: STRING }), closed({ a: { ...STRING, encrypted: FOUND, unique: true } }));
    expect(comes.kinds).toEqual(['change-encryption', 'add-unique']);
    const goes = change(closed({ a: SSN }), closed({ a: { ...STRING, encrypted: FOUND } }));
    expect(goes.kinds).toEqual(['change-encryption', 'drop-unique']);
    expect(goes.small).toContain('create index concurrently "item.a~sealed.idx1~new"');
  });

  it('gives what keeps undeclared members out of its place the name of its new column', () => {
    const item = change(open({ a: STRING }), open({ a: { ...STRING, encrypted: true } }), {
      guards: new Set(['_extra.item.a.check']),
    });
    expect(item.small).toContain('rename constraint "_extra.item.a.check" to "_extra.item.a~sealed.check"');
  });
});
