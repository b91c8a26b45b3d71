import { change, closed, failing, open } from './plan.fixture.js';
import { SMALL_TABLE_ROWS } from './plan.js';

describe('a plan', () => {
  it('tells which rows stand in the way, at their operation and at each of its steps', () => {
    const item = change(
      closed({ a: { type: 'string' }, b: { type: 'string' } }),
      closed({ 'a!': { type: 'string' }, b: { type: 'string' }, c: { type: 'string' } }),
    );
    const plan = item.plan(10, failing(item, /a record has no "a"/, { rows: 2, sample: ['one', 'two'] }));
    expect(plan.operations.map(({ kind, failing }) => ({ kind, failing }))).toEqual([
      {
        kind: 'require-value',
        failing: [
          {
            rows: 2,
            sample: ['one', 'two'],
            message: 'a record has no "a"',
            wayOut: 'give "a" a "default", which those records get, or fill them first',
          },
        ],
      },
      { kind: 'add-property', failing: [] },
    ]);
    expect(plan.steps.map(({ operation, failing }) => ({ operation, failing }))).toEqual([
      { operation: null, failing: 0 },
      { operation: 1, failing: 0 },
      { operation: 0, failing: 2 },
    ]);
  });

  it('has to be allowed when values stop being visible', () => {
    const item = change(closed({ a: { type: 'string' } }), closed({}));
    expect(item.plan().needs).toEqual(['destructive']);
  });

  it('has to be allowed when others wait for more than a second', () => {
    const item = change(open({}), open({ b: { type: 'boolean' } }));
    expect(item.plan(1_000).needs).toEqual([]);
    expect(item.plan(1_000_000).needs).toEqual(['blocking']);
  });

  it('keeps nobody waiting for what can be prepared', () => {
    const item = change(
      closed({ a: { type: 'string' } }),
      closed({ a: { type: 'string', maxLength: 8, index: true, unique: true } }),
    );
    expect(item.plan(10_000_000).needs).toEqual([]);
    expect(
      item
        .plan(10_000_000)
        .steps.filter(({ phase }) => phase === 'switch')
        .map(({ estimateMs }) => estimateMs),
    ).toEqual([1, 1, 1, 1]);
  });

  it('prepares from one row more than are few', () => {
    const item = change(closed({ a: { type: 'string' } }), closed({ a: { type: 'string', index: true } }));
    expect(item.plan(SMALL_TABLE_ROWS).steps.map(({ phase }) => phase)).toEqual(['switch', 'switch']);
    expect(item.plan(SMALL_TABLE_ROWS + 1).steps.map(({ phase }) => phase)).toEqual(['prepare', 'switch', 'switch']);
  });

  it('says of each statement what it locks, whom it blocks, what it rewrites and how many rows it is about', () => {
    const item = change(closed({ a: { type: 'string' }, b: { type: ['string', 'null'] } }), closed({ a: { type: 'boolean' } }));
    const counts = new Map(item.draft.conditions.map((condition) => [condition, 3]));
    const steps = item.plan(1_000, { counts }).steps;
    expect(
      steps.map(({ sql, lock, blocks, rewrite, rows }) => [sql.replace(/\n/g, ' ').slice(0, 47), lock, blocks, rewrite, rows]),
    ).toEqual([
      ['lock table "t_1"."item" in access exclusive mod', 'ACCESS EXCLUSIVE', 'reads and writes', false, 0],
      ['select id from "t_1"."item" where tenant_id = \'', 'none', 'reads and writes', false, 1000],
      ['alter table "t_1"."item" alter column "a" type ', 'ACCESS EXCLUSIVE', 'reads and writes', true, 1000],
      ['alter table "t_1"."item" rename column "b" to "', 'ACCESS EXCLUSIVE', 'reads and writes', false, 3],
      ['update "t_1"."item" set _extra = nullif(_extra ', 'none', 'reads and writes', false, 3],
    ]);
  });

  it('takes the strongest lock first, and none that keeps readers out when it needs none', () => {
    const item = change(closed({ a: { type: 'string' } }), closed({ a: { type: 'string', index: true } }));
    const other = change(
      closed({ a: { type: 'string' } }),
      closed({ a: { type: 'string', index: true }, b: { type: 'string' } }),
    );
    expect(item.plan().steps.map(({ lock, blocks }) => [lock, blocks])).toEqual([
      ['SHARE ROW EXCLUSIVE', 'writes'],
      ['SHARE', 'writes'],
    ]);
    expect(other.plan().steps.map(({ lock, blocks }) => [lock, blocks])).toEqual([
      ['ACCESS EXCLUSIVE', 'reads and writes'],
      ['ACCESS EXCLUSIVE', 'reads and writes'],
      ['SHARE', 'reads and writes'],
    ]);
  });

  it('takes no lock when nothing is done', () => {
    const item = change(closed({ a: { type: 'string' } }), closed({ a: { type: 'string', title: 'A' } }));
    expect(item.plan().steps).toEqual([]);
    expect(item.plan().needs).toEqual([]);
  });

  it('names the conditions that steps of either size count', () => {
    const item = change(closed({ 'a!': { type: ['string', 'null'] } }), closed({ a: { type: ['string', 'null'] } }));
    expect(item.draft.conditions).toEqual(["\"a\" is null and not coalesce((_extra -> 'a') = 'null'::jsonb, false)"]);
  });

  it('shows the way back, with the worst of its promises', () => {
    const item = change(
      closed({ a: { type: 'string' }, b: { type: ['string', 'null'] } }),
      closed({ 'a!': { type: 'string', default: 'x' } }),
    );
    expect(item.plan().inverse).toEqual({
      reversible: 'partly',
      reasons: ['an explicit null comes back as an absent member', 'the records that were filled keep their value'],
      steps: [
        {
          phase: 'switch',
          description: 'the table is locked, so that everything below is one moment for everybody else',
          sql: 'lock table "t_1"."item" in access exclusive mode',
          lock: 'ACCESS EXCLUSIVE',
        },
        {
          phase: 'switch',
          description: '"b" comes back with what records held in it when it was removed',
          sql: 'alter table "t_1"."item" rename column "~2~b" to "b"',
          lock: 'ACCESS EXCLUSIVE',
        },
        {
          phase: 'switch',
          description: '"a" may be left out',
          sql: 'alter table "t_1"."item" alter column "a" drop not null',
          lock: 'ACCESS EXCLUSIVE',
        },
      ],
    });
  });
});

describe('the estimate', () => {
  const pairs = {
    'adding and adopting': [
      open({ a: { type: 'string' } }),
      open({ a: { type: 'string' }, b: { type: 'integer', unique: true } }),
    ],
    'a change of type': [closed({ a: { type: 'string', unique: true } }), closed({ a: { type: 'integer', unique: true } })],
    'a value that is required': [closed({ a: { type: 'string' } }), closed({ 'a!': { type: 'string', default: 'x' } })],
    'keys and rules': [closed({ a: { type: 'string' } }), closed({ a: { type: 'string', pattern: '^a', unique: true } })],
    'what goes': [
      closed({ a: { type: 'string', index: true }, b: { type: ['string', 'null'] } }),
      closed({ a: { type: 'string' } }),
    ],
  } as const;

  it.each(Object.entries(pairs))('of each statement never falls while the table grows: %s', (_name, [before, after]) => {
    const item = change(before, after);
    for (const sizes of [
      [0, 1, 100, SMALL_TABLE_ROWS],
      [SMALL_TABLE_ROWS + 1, 100_000, 10_000_000],
    ]) {
      const estimates = sizes.map((rows) => {
        const counts = new Map(item.draft.conditions.map((condition) => [condition, rows / 2]));
        return item.plan(rows, { counts }).steps.map(({ estimateMs }) => estimateMs);
      });
      for (const [i, larger] of estimates.slice(1).entries()) {
        const smaller = estimates[i] as number[];
        expect(larger).toHaveLength(smaller.length);
        for (const [at, estimate] of larger.entries()) expect(estimate).toBeGreaterThanOrEqual(smaller[at] as number);
      }
      expect(Math.max(...(estimates.at(-1) as number[]))).toBeGreaterThan(Math.max(...(estimates[0] as number[])));
    }
  });
});
