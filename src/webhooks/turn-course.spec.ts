import { FAILURES_TO_PAUSE, MOST_ATTEMPTS } from './retry-schedule.js';
import type { PostOutcome } from './safe-requests.js';
import { type Errand, errandsOf, TurnCourse } from './turn-course.js';
import type { DueRow } from './turn-sql.js';

const AT = new Date('2026-01-31T12:00:00Z');
const OK: PostOutcome = { status: 204, error: null, ms: 3, retryAfter: null };
const FAILED: PostOutcome = { status: 500, error: 'status', ms: 3, retryAfter: null };

function errand(seq: number, tries = 0): Errand {
  const event: DueRow = {
    ...{ seq: String(seq), event_id: `id-${seq}`, time: 't', actor: 'a', request_id: 'r', action: 'record.created' },
    ...{ entity: null, record_id: null, body: '{}', tries },
  };
  return errandsOf([event])[0] as Errand;
}

const course = (failures = 0, deadLetters = 0) => new TurnCourse(failures, deadLetters, () => 0.5);

describe('a delivery', () => {
  it('that failed waits, and is a dead letter after the last attempt', () => {
    const turn = course();
    expect(turn.note(errand(1), FAILED, AT)).toBe('waiting');
    expect(turn.note(errand(2, MOST_ATTEMPTS - 1), FAILED, AT)).toBe('dead');
    expect(turn.outcomes).toMatchObject([
      { event_id: 'id-1', seq: 1, status: 'waiting', tries: 1, wait: 5, attempt: { status: 500, error: 'status', ms: 3 } },
      { event_id: 'id-2', seq: 2, status: 'dead', tries: 12, wait: null },
    ]);
    expect([turn.failures, turn.deadLetters, turn.succeeded]).toEqual([2, 1, false]);
  });

  it('that succeeds makes up for all that failed before', () => {
    const turn = course(4, 49);
    expect(turn.note(errand(1, 3), OK, AT)).toBe('delivered');
    expect([turn.failures, turn.deadLetters, turn.succeeded, turn.pause, turn.whyDisabled]).toEqual([0, 0, true, null, null]);
  });

  it('whose event the trail has no more says nothing of the receiver', () => {
    const turn = course();
    turn.noteExpired(errand(1, 2), AT);
    expect(turn.outcomes).toMatchObject([{ status: 'dead', attempt: { error: 'expired', status: null } }]);
    expect([turn.attempted, turn.failures, turn.deadLetters, turn.whyDisabled]).toEqual([false, 0, 0, null]);
  });
});

describe('a receiver', () => {
  it('that fails again and again is left alone', () => {
    const turn = course();
    for (let seq = 1; seq < FAILURES_TO_PAUSE; seq++) turn.note(errand(seq), FAILED, AT);
    expect([turn.isEnough, turn.pause]).toEqual([false, null]);
    turn.note(errand(9), FAILED, AT);
    expect([turn.isEnough, turn.pause]).toEqual([true, 10]);
  });

  it('that failed before is asked once', () => {
    const turn = course(FAILURES_TO_PAUSE);
    expect(turn.isEnough).toBe(false);
    turn.note(errand(1), FAILED, AT);
    expect([turn.isEnough, turn.pause]).toEqual([true, 20]);
  });

  it('that asks for patience gets it', () => {
    const turn = course();
    turn.note(errand(1), { ...FAILED, status: 429, retryAfter: 90 }, AT);
    expect([turn.pause, turn.outcomes[0]?.wait]).toEqual([90, 90]);
  });

  it('that is gone, or gave up fifty in a row, is disabled', () => {
    const gone = course();
    expect(gone.note(errand(1), { ...FAILED, status: 410 }, AT)).toBe('dead');
    expect([gone.isEnough, gone.whyDisabled]).toEqual([true, 'it answered 410: gone']);
    const dead = course(0, 49);
    dead.note(errand(1, MOST_ATTEMPTS - 1), FAILED, AT);
    expect(dead.whyDisabled).toBe('50 deliveries in a row were given up');
  });
});

describe('a turn', () => {
  it('reached as far as there is nothing left before', () => {
    const turn = course();
    const errands = [errand(3), errand(5), errand(9)];
    expect(turn.reached('1', errands, 12)).toBe('2');
    turn.note(errands[0] as Errand, OK, AT);
    turn.note(errands[2] as Errand, OK, AT);
    expect(turn.reached('1', errands, 12)).toBe('4');
    turn.note(errands[1] as Errand, FAILED, AT);
    expect(turn.reached('1', errands, 12)).toBe('12');
  });

  it('that looked at nothing is where it was, and one that wanted nothing is beyond it', () => {
    expect(course().reached('7', [], null)).toBe('7');
    expect(course().reached('7', [], 30)).toBe('30');
  });
});
