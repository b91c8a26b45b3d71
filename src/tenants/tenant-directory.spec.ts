import type { ControlPlane } from '../database/control-plane.js';
import type { WakeUp } from '../database/wake-up.js';
import type { TenantRow } from './tenant.row.js';
import { TenantDirectory } from './tenant-directory.js';

const ID = '0190a1b2-0000-7000-8000-000000000001';

/** The registry's one row, and the directory that reads it; nobody ever wakes it. */
function directory() {
  const state = { row: rowAt(1) as TenantRow | null, reads: 0, fails: false };
  const platform = async () => {
    state.reads += 1;
    if (state.fails) throw new Error('no database');
    return state.row && { row: state.row, roles: new Map() };
  };
  const changes: string[] = [];
  const tenants = new TenantDirectory({ platform } as unknown as ControlPlane, { onWake: () => {} } as unknown as WakeUp, fail);
  tenants.onChange((id) => void changes.push(id));
  return { state, changes, tenants };
}

function rowAt(time: number, status: TenantRow['status'] = 'active'): TenantRow {
  return { id: ID, status, changedAt: new Date(time) } as TenantRow;
}

function fail(error: unknown): never {
  throw error;
}

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe('the tenant directory', () => {
  it('reads a tenant once a minute, and tells of a change that nobody announced', async () => {
    const { state, changes, tenants } = directory();
    await Promise.all([tenants.find(ID), tenants.find(ID)]);
    expect(state.reads).toBe(1);
    jest.advanceTimersByTime(61_000);
    changes.length = 0;
    await tenants.find(ID);
    expect([state.reads, changes]).toEqual([2, []]);
    state.row = rowAt(2, 'suspended');
    jest.advanceTimersByTime(61_000);
    expect((await tenants.find(ID))?.status).toBe('suspended');
    expect(changes).toEqual([ID]);
  });

  it('reads a forgotten tenant anew', async () => {
    const { state, changes, tenants } = directory();
    await tenants.find(ID);
    state.row = rowAt(2, 'suspended');
    tenants.forget(ID);
    expect(changes).toContain(ID);
    expect((await tenants.find(ID))?.status).toBe('suspended');
  });

  it('remembers for a few seconds that there is no such tenant, and not at all that the database failed', async () => {
    const { state, tenants } = directory();
    state.row = null;
    expect([await tenants.find(ID), await tenants.find(ID), state.reads]).toEqual([null, null, 1]);
    jest.advanceTimersByTime(6_000);
    state.fails = true;
    await expect(tenants.find(ID)).rejects.toThrow('no database');
    state.fails = false;
    state.row = rowAt(1);
    expect((await tenants.find(ID))?.id).toBe(ID);
  });
});
