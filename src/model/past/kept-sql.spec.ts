import { HOME, PRICE } from '../statements/statements.fixture.js';
import { keptSql } from './kept-sql.js';
import { pastOf } from './past-tables.js';

const ID = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b';
const ROWS = 'where former.tenant_id = $1::uuid';
const keeping = (keeps: { readonly history: boolean; readonly deleted: boolean }) => {
  const entity = { ...PRICE, keeps: { ...PRICE.keeps, ...keeps } };
  const past = pastOf(entity, ID, 7);
  return past ? { ...entity, past } : entity;
};

describe('what a write keeps', () => {
  it('is nothing where nothing is asked for, and nothing of a change where only deletions are kept', () => {
    expect(keptSql(HOME, keeping({ history: false, deleted: false }), { rows: ROWS, deletion: '$5::uuid' })).toBe('');
    expect(keptSql(HOME, keeping({ history: false, deleted: true }), { rows: ROWS, deletion: null })).toBe('');
  });

  it('is the row as texts, with the version that reads it, once for each table', () => {
    const sql = keptSql(HOME, keeping({ history: true, deleted: true }), { rows: ROWS, deletion: '$5::uuid', suffix: '_2' });
    expect(sql.match(/insert into "t_k3x9"\."(~\w+)~/g)).toEqual([
      'insert into "t_k3x9"."~history~',
      'insert into "t_k3x9"."~deleted~',
    ]);
    expect(sql).toContain(`array['created_at', 'created_by', 'updated_by', 'sku', 'amount', 'tags', '_extra']`);
    expect(sql).toContain('7 as version');
    expect(sql).toContain(`from "t_k3x9"."Price" as former\n  ${ROWS}\n),`);
    expect(sql.endsWith('from former_2\n),\n')).toBe(true);
  });

  it('ends no earlier than it began, whichever transaction began first', () => {
    const sql = keptSql(HOME, keeping({ history: true, deleted: false }), { rows: ROWS, deletion: null });
    expect(sql).toContain('greatest(now(), former.updated_at) as ended_at');
  });
});
