import { getStatement } from './get-statement.js';
import { HOME, TRACK } from './track.fixture.js';

describe('getStatement', () => {
  test('asks for one row of the tenant, by explicit columns', () => {
    expect(getStatement(HOME, TRACK, ['id', 'say"'])('0190a1b2-0000-7000-8000-000000000000')).toEqual({
      text: `select "id", "say"""
from "t_k3x9"."track"
where tenant_id = $1
  and id = $2`,
      values: [HOME.tenantId, '0190a1b2-0000-7000-8000-000000000000'],
      name: undefined,
    });
  });

  test('is prepared under a name when the caller has one', () => {
    expect(getStatement(HOME, TRACK, ['id'], (text) => `named ${text.slice(0, 11)}`)('x').name).toBe('named select "id"');
  });
});
