import { describeError } from './log.js';

const SECRET = 'canary-4711';

/** What is thrown where a value is not what it should be. */
function thrownBy(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

describe('what the log says of an error', () => {
  const ofDatabase = Object.assign(new Error(`invalid input syntax: "${SECRET}"\n    at ${SECRET}`), {
    ...{ code: '22P02', detail: SECRET, where: SECRET },
  });

  it.each([
    ['of the database', ofDatabase],
    ['about JSON that could not be read', thrownBy(() => JSON.parse(`{"ssn":"${SECRET}" oops`))],
    ['about JSON that is one word', thrownBy(() => JSON.parse(SECRET))],
    ['about a number that is none', thrownBy(() => BigInt(SECRET))],
    ['about a text that is no object', thrownBy(() => 'a' in (SECRET as never))],
    [
      'about a text that takes no members',
      thrownBy(() => {
        (SECRET as unknown as { member: number }).member = 1;
      }),
    ],
    ['with such a cause', new Error('it did not work', { cause: ofDatabase })],
    ['that is none', SECRET],
  ])('holds no value: %s', (_, error) => {
    expect(JSON.stringify(describeError(error))).not.toContain(SECRET);
  });

  it('is its name, its message and where it was thrown', () => {
    const error = thrownBy(() => (undefined as unknown as { member: { member: 1 } }).member.member);
    expect(describeError(error)).toMatchObject({ name: 'TypeError', message: error.message, stack: error.stack });
    expect(error.message).toContain('reading');
  });

  it('is its code and its frames where its message is withheld', () => {
    expect(describeError(ofDatabase)).toMatchObject({ code: '22P02', message: 'a database error; see code' });
    const { stack } = describeError(thrownBy(() => JSON.parse(SECRET))) as { stack: string };
    expect(stack).toContain('log.spec.ts');
  });
});
