import { DatabaseError } from 'pg';
import type { ControlPlane } from '../database/control-plane.js';
import type { TenantHome } from '../model/entity.js';
import { Problem } from '../platform/problem.js';
import { patiently } from './patiently.js';

const HOME: TenantHome = { tenantId: 'id', schema: 't_1', role: 'tn_1', ownerRole: 'own_1' };
const ACTOR = { subject: 'ada', roles: [], requestId: 'req-1' };

/** A control plane that runs each transaction, and notes what is said in it. */
function controlPlane() {
  const said: string[] = [];
  const tx = { manager: { query: async (sql: string) => said.push(sql) } };
  const inTenant = async (_actor: unknown, _home: unknown, work: (transaction: unknown) => Promise<unknown>) => work(tx);
  return { said, plane: { inTenant } as unknown as ControlPlane };
}

function databaseError(code: string): DatabaseError {
  return Object.assign(new DatabaseError('refused', 0, 'error'), { code });
}

/** Fails so often with the error, then succeeds. */
function failing(times: number, error: Error) {
  const work = jest.fn(async () => {
    if (work.mock.calls.length <= times) throw error;
    return 'done';
  });
  return work;
}

describe('patiently', () => {
  it.each([
    ['a rule that is broken', databaseError('23505')],
    ['a table that is not there', databaseError('42P01')],
    ['a cancelled statement', databaseError('57014')],
    ['a problem', new Problem('entity/plan-stale', 'Plan again.')],
    ['a connection that is lost', new Error('Connection terminated unexpectedly')],
  ])('does not repeat after %s', async (_, error) => {
    const work = failing(1, error);
    await expect(patiently(controlPlane().plane, ACTOR, HOME, work)).rejects.toBe(error);
    expect(work).toHaveBeenCalledTimes(1);
  });

  it('does not repeat when there is no time for it', async () => {
    const error = databaseError('55P03');
    const work = failing(1, error);
    await expect(patiently(controlPlane().plane, ACTOR, HOME, work, () => true)).rejects.toBe(error);
    expect(work).toHaveBeenCalledTimes(1);
  });

  it.each([
    ['a lock that was not to be had', '55P03'],
    ['a deadlock', '40P01'],
  ])('comes again after %s, each time in a transaction that gives way after 100 ms', async (_, code) => {
    const { said, plane } = controlPlane();
    const work = failing(2, databaseError(code));
    expect(await patiently(plane, ACTOR, HOME, work)).toBe('done');
    expect(work).toHaveBeenCalledTimes(3);
    expect(said).toEqual(Array.from({ length: 3 }, () => "set local lock_timeout = '100ms'"));
  });
});
