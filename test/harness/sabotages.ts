/**
 * What somebody with too many rights does to the tables of Chinook by hand, one at a time, and what must be told of it.
 * `@` stands for the tenant's schema and a dot, `#` for its id, `~role` for its role.
 */

export interface Sabotage {
  readonly what: string;
  /** As superuser. */
  readonly sql: string;
  readonly undo: string;
  /** Every drift there is then: `kind object name`, and words of its message. */
  readonly told: readonly (readonly [drift: string, words: RegExp])[];
}

type Row = readonly [what: string, sql: string, undo: string, told: Sabotage['told']];

const ROWS: readonly Row[] = [
  [
    'an index dropped',
    'drop index @"Track.Name.idx"',
    'create index "Track.Name.idx" on @"Track" ("Name")',
    [['missing index Track.Name.idx', /is missing: somebody dropped it by hand.* searches for "Name" read the whole table/]],
  ],
  [
    'an index that was not built to the end',
    `update pg_index set indisvalid = false where indexrelid = '@"Track.Name.idx"'::regclass`,
    `update pg_index set indisvalid = true where indexrelid = '@"Track.Name.idx"'::regclass`,
    [['invalid index Track.Name.idx', /is not valid: building it was cut off/]],
  ],
  [
    'an index made unique',
    'drop index @"Track.Name.idx"; create unique index "Track.Name.idx" on @"Track" ("Name")',
    'drop index @"Track.Name.idx"; create index "Track.Name.idx" on @"Track" ("Name")',
    [['different index Track.Name.idx', /reads "unique btree.* where the document asks for "btree/]],
  ],
  [
    'an index nobody asked for, under a confusing name',
    'create index "a USING b" on @"Track" ("Bytes")',
    'drop index @"a USING b"',
    [['unexpected index a USING b', /not in the document: .* every write pays for it/]],
  ],
  [
    'an index left over from a change',
    'create index "Track.Name.idx~new" on @"Track" ("Name")',
    'drop index @"Track.Name.idx~new"',
    [['unfinished index Track.Name.idx~new', /prepared for a change that is not finished/]],
  ],
  [
    'a check dropped',
    'alter table @"Track" drop constraint "Track.Name.length.check"',
    'alter table @"Track" add constraint "Track.Name.length.check" check (char_length("Name") <= 200)',
    [['missing constraint Track.Name.length.check', /no longer refuses what the document forbids; add it again/]],
  ],
  [
    'a check replaced by a wider one',
    `alter table @"Track" drop constraint "Track.Name.length.check",
       add constraint "Track.Name.length.check" check (char_length("Name") <= 300)`,
    `alter table @"Track" drop constraint "Track.Name.length.check",
       add constraint "Track.Name.length.check" check (char_length("Name") <= 200)`,
    [['different constraint Track.Name.length.check', /reads ".*300.* where the document asks for ".*200/]],
  ],
  [
    'a check that holds for new records only',
    `alter table @"Track" drop constraint "Track.Name.length.check",
       add constraint "Track.Name.length.check" check (char_length("Name") <= 200) not valid`,
    'alter table @"Track" validate constraint "Track.Name.length.check"',
    [['invalid constraint Track.Name.length.check', /older records were never checked against it/]],
  ],
  [
    'the tenant’s pin dropped',
    'alter table @"Track" drop constraint "Track.tenant.check"',
    `alter table @"Track" add constraint "Track.tenant.check" check (tenant_id = '#'::uuid)`,
    [['missing constraint Track.tenant.check', /somebody dropped it by hand/]],
  ],
  [
    'a constraint nobody asked for',
    'alter table @"Track" add constraint mine check ("Bytes" < 5)',
    'alter table @"Track" drop constraint mine',
    [['unexpected constraint mine', /not in the document: .* may refuse valid records; drop it/]],
  ],
  [
    'a guard of a property there is not',
    `alter table @"Track" add constraint "_extra.Track.gone.check" check ((_extra -> 'gone') is null)`,
    'alter table @"Track" drop constraint "_extra.Track.gone.check"',
    [['unexpected constraint _extra.Track.gone.check', /not in the document/]],
  ],
  [
    'a unique constraint whose index was not built to the end',
    `update pg_index set indisvalid = false where indexrelid = '@"Playlist.PlaylistId.key"'::regclass`,
    `update pg_index set indisvalid = true where indexrelid = '@"Playlist.PlaylistId.key"'::regclass`,
    [['invalid constraint Playlist.PlaylistId.key', /the index behind it was not built to the end, and duplicates/]],
  ],
  [
    'a foreign key dropped',
    'alter table @"Track" drop constraint "Track.AlbumId.fkey"',
    'alter table @"Track" add constraint "Track.AlbumId.fkey" foreign key ("AlbumId") references @"Album" ("AlbumId") on delete restrict',
    [['missing constraint Track.AlbumId.fkey', /values that refer to nothing are no longer refused/]],
  ],
  ...['on delete cascade', 'on delete restrict on update cascade', 'on delete restrict deferrable'].map(
    (action): Row => [
      `a foreign key ${action}`,
      `alter table @"Track" drop constraint "Track.AlbumId.fkey",
         add constraint "Track.AlbumId.fkey" foreign key ("AlbumId") references @"Album" ("AlbumId") ${action}`,
      `alter table @"Track" drop constraint "Track.AlbumId.fkey",
         add constraint "Track.AlbumId.fkey" foreign key ("AlbumId") references @"Album" ("AlbumId") on delete restrict`,
      [['different constraint Track.AlbumId.fkey', new RegExp(`reads ".*${action.split(' ').at(-1)}" where`)]],
    ],
  ),
  [
    'a foreign key to another table',
    `alter table @"Track" drop constraint "Track.AlbumId.fkey",
       add constraint "Track.AlbumId.fkey" foreign key ("AlbumId") references @"Genre" ("GenreId") on delete restrict`,
    `alter table @"Track" drop constraint "Track.AlbumId.fkey",
       add constraint "Track.AlbumId.fkey" foreign key ("AlbumId") references @"Album" ("AlbumId") on delete restrict`,
    [['different constraint Track.AlbumId.fkey', /Genre.* where .*Album/]],
  ],
  [
    'a column of another type',
    'alter table @"Track" alter column "Composer" type varchar(500)',
    'alter table @"Track" alter column "Composer" type text',
    [
      ['different column Composer', /is character varying\(500\) where the document asks for text/],
      ['different constraint Track.Composer.length.check', /::text/],
    ],
  ],
  [
    'a column with a default',
    `alter table @"Track" alter column "Composer" set default 'nobody'`,
    'alter table @"Track" alter column "Composer" drop default',
    [['different column Composer', /is text default 'nobody'::text where the document asks for text/]],
  ],
  [
    'a column that sorts in another way',
    'alter table @"Track" alter column "Composer" type text collate "C"',
    'alter table @"Track" alter column "Composer" type text collate "default"',
    [['different column Composer', /is text collate "C" where/]],
  ],
  [
    'NOT NULL dropped',
    'alter table @"Track" alter column "Name" drop not null',
    'alter table @"Track" alter column "Name" set not null',
    [['different column Name', /may be NULL though every record has a value there/]],
  ],
  [
    'NOT NULL set',
    'alter table @"Track" alter column "Bytes" set not null',
    'alter table @"Track" alter column "Bytes" drop not null',
    [['different column Bytes', /is NOT NULL though a record may have no value there.* such records are refused/]],
  ],
  [
    'a column added',
    'alter table @"Track" add column mine text not null',
    'alter table @"Track" drop column mine',
    [['unexpected column mine', /belongs to no property: .* no record can be created while it is NOT NULL/]],
  ],
  [
    'a column dropped, and with it what hung on it',
    'alter table @"Track" drop column "Bytes"',
    'alter table @"Track" add column "Bytes" bigint, add constraint "Track.Bytes.range.check" check ("Bytes" >= 0)',
    [
      ['missing column Bytes', /of the property "Bytes" is missing: .* restore the table from a backup/],
      ['missing constraint Track.Bytes.range.check', /somebody dropped it by hand/],
    ],
  ],
  [
    'a table gone',
    'alter table @"PlaylistTrack" rename to "elsewhere"',
    'alter table @"elsewhere" rename to "PlaylistTrack"',
    [['missing table PlaylistTrack', /and its records with it; restore it from a backup/]],
  ],
  [
    'row security disabled',
    'alter table @"Track" disable row level security',
    'alter table @"Track" enable row level security',
    [['missing row security Track', /row level security is off on the table "Track"/]],
  ],
  [
    'row security no longer forced on the owner',
    'alter table @"Track" no force row level security',
    'alter table @"Track" force row level security',
    [['different row security Track', /is not forced/]],
  ],
  [
    'the policy loosened',
    `alter policy tenant on @"Track" using (tenant_id = '#'::uuid)`,
    `alter policy tenant on @"Track" using (tenant_id = '#'::uuid and (select bss.tenant()) = '#'::uuid)`,
    [['different policy tenant', /rows may be seen that it should hide/]],
  ],
  [
    'the policy for everybody',
    'alter policy tenant on @"Track" to public',
    'alter policy tenant on @"Track" to ~role',
    [['different policy tenant', /public/]],
  ],
  [
    'a second policy',
    'create policy mine on @"Track" for select using (true)',
    'drop policy mine on @"Track"',
    [['unexpected policy mine', /is not the store's: .* drop it/]],
  ],
];

export const SABOTAGES: readonly Sabotage[] = ROWS.map(([what, sql, undo, told]) => ({ what, sql, undo, told }));
