/** Audit events on stdout, which is the stream of the log as well: a line each, whatever is in them. */
import { type ChildService, startChildService } from '../harness/child-service.js';
import { eventually } from '../harness/eventually.js';
import { apiOf } from '../harness/service.js';
import { createSurroundings, type Surroundings } from '../harness/surroundings.js';

jest.setTimeout(60_000);

let around: Surroundings;
let service: ChildService;

beforeAll(async () => {
  around = await createSurroundings();
  service = await startChildService({ ...around.environment, AUDIT_SINK: 'stdout', LOG_LEVEL: 'debug' });
});

afterAll(async () => {
  await service.stop();
  await around.stop();
});

describe('stdout', () => {
  it('has one JSON line per event among those of the log, without anything that a terminal or a reader of lines obeys', async () => {
    const tenant = await apiOf(service.url, around.token).tenant();
    const text = { type: 'string' };
    await tenant.define('note', { type: 'object', properties: { title: text, large: text }, additionalProperties: false });
    const call = await tenant.as();
    const nasty = 'a\r\n{"level":"fatal"}\u001b[2J\u009b31m\u2028b\u2029\u202e=cmd()';
    const posts = Array.from({ length: 60 }, (_, n) =>
      call('post', '/records/note')
        // What the request says of itself is logged beside it.
        .set('user-agent', 'x'.repeat(8_000))
        .send({ title: `${n} ${nasty}`, large: 'y'.repeat(n === 30 ? 1_000_000 : 20_000) })
        .expect(201),
    );
    await Promise.all(posts);
    await eventually(() => eventsOf(service.stdout).length === 62);

    const lines = service.stdout.trimEnd().split('\n');
    for (const line of lines) expect(() => JSON.parse(line)).not.toThrow();
    expect(lines.join('')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/);
    const events = eventsOf(service.stdout);
    expect(events.map(({ sequence }) => Number(sequence))).toEqual(events.map((_, n) => n + 1));
    const titles = events.flatMap(({ data }) => (data.after?.large ? [data.after.title] : []));
    expect(new Set(titles)).toEqual(new Set(Array.from({ length: 60 }, (_, n) => `${n} ${nasty}`)));
    expect(lines.length).toBeGreaterThan(events.length);
  });
});

interface PrintedEvent {
  readonly specversion?: string;
  readonly sequence: string;
  readonly data: { readonly after?: { readonly title: string; readonly large?: string } };
}

function eventsOf(stdout: string): PrintedEvent[] {
  const whole = stdout.slice(0, stdout.lastIndexOf('\n') + 1).split('\n');
  return whole.filter((line) => line.startsWith('{"specversion"')).map((line) => JSON.parse(line) as PrintedEvent);
}
