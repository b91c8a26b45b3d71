import { otherVersionSql, staleCellSql } from './stale-sql.js';

const EMPTY = `'\\x${'00'.repeat(16)}'::bytea`;
const TAGGED = `substring(c, 1, 1) in ('\\x02'::bytea, '\\x04'::bytea)`;

describe('a cell is stale', () => {
  it('under another version of the data key, without its tag, or with one of a version that is not written', () => {
    expect(staleCellSql('c', { encryptVersion: 258, indexVersion: 1, indexNext: null })).toBe(
      `(substring(c, 3, 4) <> '\\x00000102'::bytea or ${TAGGED} and (substring(c, 7, 16) <> ${EMPTY} or substring(c, 23, 16) = ${EMPTY}))`,
    );
  });

  it('without the tags of both versions while one takes the place of the other', () => {
    expect(staleCellSql('c', { encryptVersion: 1, indexVersion: 2, indexNext: 3 })).toContain(
      `(substring(c, 7, 16) = ${EMPTY} or substring(c, 23, 16) = ${EMPTY})`,
    );
  });

  it('as a whole text by its version alone', () => {
    expect(otherVersionSql('sealed', 7)).toBe(`substring(sealed, 3, 4) <> '\\x00000007'::bytea`);
  });
});
