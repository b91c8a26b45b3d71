import { SERVICE_ROLE } from '../access/row-rule-sight.js';
import { readEntity } from '../document/read-entity.js';
import type { TenantHome } from '../entity.js';
import { dropRowRulePolicies, rowRulePolicies } from './row-rule-policies.js';

const home: TenantHome = { tenantId: '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b', schema: 't_a', role: 'tn_a', ownerRole: 'own_a' };

function policies(rowRules: object): readonly string[] {
  const properties = { 'a b': true, team: { type: 'string' }, rank: { type: 'integer' }, done: { type: 'boolean' } };
  const { 'a b': _, ...named } = properties;
  return rowRulePolicies(home, '"t_a"."e"', readEntity('e', { type: 'object', properties: named, rowRules } as never).rowRules);
}

const EVERYBODY = "(select bss.caller() -> 'roles' ?| array['bss:service', 'admin', 'editor', 'service', 'system_admin'])";

describe('rowRulePolicies', () => {
  it('are none without rules', () => {
    expect(rowRulePolicies(home, '"t_a"."e"', undefined)).toEqual([]);
  });

  it('are four restrictive ones, which ask the context once per statement, who has all rows first', () => {
    const readers =
      "(select bss.caller() -> 'roles' ?| array['bss:service', 'admin', 'auditor', 'editor', 'service', 'system_admin'])";
    const viewer = "(select bss.caller() -> 'roles' ?| array['viewer'])";
    const read = `(${readers}\n    or ${viewer} and "team" = 'o''x'::text)`;
    expect(policies({ viewer: { read: { team: { eq: "o'x" } } } })).toEqual([
      `create policy row_rules_read on "t_a"."e" as restrictive for select to "tn_a"\n  using (${read})`,
      `create policy row_rules_insert on "t_a"."e" as restrictive for insert to "tn_a"\n  with check (${read}\n    and (${EVERYBODY}))`,
      `create policy row_rules_update on "t_a"."e" as restrictive for update to "tn_a"\n  using (${read}\n    and (${EVERYBODY}))\n  with check (${read}\n    and (${EVERYBODY}))`,
      `create policy row_rules_delete on "t_a"."e" as restrictive for delete to "tn_a"\n  using (${read}\n    and (${EVERYBODY}))`,
    ]);
  });

  it('never leave the service out, by the role that it acts under', () => {
    const none = { read: false, write: false };
    const rules = Object.fromEntries(['viewer', 'editor', 'admin', 'auditor', 'service'].map((role) => [role, none]));
    for (const policy of policies(rules)) expect(policy).toContain(`array['${SERVICE_ROLE}', `);
  });

  it('compare with what a claim says, and with nothing where it is of another type', () => {
    const [read] = policies({ clerk: { read: { rank: { gte: { claim: 'rank' } }, not: { done: { is: 'null' } } } } });
    expect(read).toContain(`"rank" >= (select case when jsonb_typeof(claim) = 'number'`);
    expect(read).toContain(`from (select bss.caller() -> 'claims' -> 'rank' as claim offset 0) as said)`);
    expect(read).toContain(`and not ("done" is null)`);
  });
});

it('dropRowRulePolicies takes each away, also where one is gone already', () => {
  expect(dropRowRulePolicies('"t_a"."e"')).toHaveLength(4);
  for (const sql of dropRowRulePolicies('"t_a"."e"'))
    expect(sql).toMatch(/^drop policy if exists row_rules_[a-z]+ on "t_a"\."e"$/);
});
