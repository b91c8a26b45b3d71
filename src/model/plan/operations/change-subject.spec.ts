import type { JsonObject } from '../../../platform/json-value.js';
import { change, closed, failing } from '../plan.fixture.js';

const STRING = { type: 'string' };
const SEALED = { type: 'string', encrypted: true };

const visit = (subject?: string, properties: JsonObject = {}): JsonObject =>
  closed({ 'patient!': STRING, 'doctor!': STRING, findings: SEALED, ...properties }, subject === undefined ? {} : { subject });

describe('change-subject', () => {
  it.each<[string, string | undefined, string | undefined]>([
    ['is named', undefined, 'patient'],
    ['is another', 'patient', 'doctor'],
    ['is nobody any more', 'patient', undefined],
  ])('is refused where the subject %s and a record holds what is under keys of before', (_, was, is) => {
    const item = change(visit(was), visit(is), { past: ['~history~1'] });
    expect(item.kinds).toEqual(['change-subject']);
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in share row exclusive mode
-- check-rows, assert
select id
from "t_1"."item"
where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and ("findings~sealed" is not null)
limit 5
-- check-rows, assert
select id
from "t_1"."~history~1"
where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
limit 5`);
    const found = failing(item, /a record holds a "findings"/, { rows: 2, sample: ['one', 'two'] });
    expect(item.plan(10, found).operations.flatMap((each) => each.failing)).toMatchObject([
      { rows: 2, sample: ['one', 'two'], wayOut: expect.stringContaining('decrypt what is encrypted, change "subject" then') },
    ]);
    const kept = failing(item, /a former version or a deleted record is kept/, { rows: 1, sample: ['three'] });
    expect(item.plan(10, kept).operations.flatMap((each) => each.failing)).toMatchObject([{ rows: 1, sample: ['three'] }]);
  });

  it('is refused where another property goes on under the name of the subject', () => {
    const swapped = { renames: new Map(Object.entries({ patient: 'doctor', doctor: 'patient' })) };
    const item = change(visit('patient'), visit('patient'), swapped);
    expect(item.operation('change-subject').validate()).toMatchObject([{ failing: '"findings~sealed" is not null' }]);
  });

  it('is refused where those whom records are about are of another type', () => {
    const item = change(visit('patient'), visit('patient', { 'patient!': { type: 'string', format: 'uuid' } }));
    expect(item.operation('change-subject').validate()).toMatchObject([{ failing: '"findings~sealed" is not null' }]);
  });

  it('is refused where values that were dropped may come back under another subject, and not where there is none', () => {
    const { findings: _, ...rest } = visit('patient').properties as JsonObject;
    const others = { required: ['patient', 'doctor'] };
    const dropping = change(visit('patient'), closed({ ...rest, more: SEALED }, { ...others, subject: 'doctor' }));
    expect(dropping.operation('change-subject').validate()).toMatchObject([{ failing: '"findings~sealed" is not null' }]);
    const hidden = change(visit(), visit('patient'), { hiddenCells: ['~1~notes~sealed'] });
    expect(hidden.operation('change-subject').validate()).toMatchObject([
      { failing: '"findings~sealed" is not null' },
      { failing: '"~1~notes~sealed" is not null', wayOut: expect.stringContaining('purge it') },
    ]);
    const ending = change(visit('patient'), closed(rest, others), { past: ['~history~1'], hiddenCells: ['~1~notes~sealed'] });
    expect(ending.operation('change-subject').validate()).toEqual([]);
  });

  it('asks for nothing where nothing stays encrypted', () => {
    const item = change(visit('patient'), visit(undefined, { findings: STRING }), { past: ['~history~1'] });
    expect(item.operation('change-subject').validate()).toEqual([]);
    expect(item.operation('change-subject').sql({ rows: 10, large: false })).toEqual([]);
    expect(item.operation('change-subject').risk).toEqual({ level: 'none', reversible: 'yes' });
  });

  it('is no operation where the subject is only called otherwise', () => {
    const { patient: _, ...rest } = visit('patient').properties as JsonObject;
    const words = { required: ['person', 'doctor'], subject: 'person' };
    const item = change(visit('patient'), closed({ person: { ...STRING, renamedFrom: 'patient' }, ...rest }, words));
    expect(item.kinds).toEqual(['rename-property', 'change-words']);
  });
});
