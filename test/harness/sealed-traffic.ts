import { setTimeout as wait } from 'node:timers/promises';
import { seededRandom } from './random.js';

/**
 * Clients that write, read and look for encrypted values all the time, over several instances, while the keys under them change. Whatever
 * one instance has acknowledged is looked for at another at once: it has to be found, by its value, once, and say what was written.
 */
export interface SealedTraffic {
  /** Everything that must not happen. */
  readonly surprises: readonly string[];
  /** Requests answered so far. */
  readonly answered: () => number;
  /** Values that were looked for and found. */
  readonly found: () => number;
  /** Every record that was acknowledged and is still there, by its number. */
  readonly people: ReadonlyMap<number, Person>;
  stop(): Promise<void>;
}

export interface Person {
  readonly number: number;
  readonly ssn: string;
  readonly salary: string;
  readonly diagnosis: string;
}

interface Options {
  /** `…/records/person`, on each instance. */
  readonly addresses: readonly string[];
  readonly token: string;
  readonly clients: number;
  /** Requests a second of all of them together, as far as the machine can. */
  readonly rate: number;
  /** Above all that are there. */
  readonly first: number;
}

export function startSealedTraffic(options: Options): SealedTraffic {
  const report: Report = { surprises: [], people: new Map(), answered: 0, found: 0 };
  const ending = new AbortController();
  const clients = Array.from({ length: options.clients }, (_, index) => new Client(index, options, report).run(ending.signal));
  return {
    ...{ surprises: report.surprises, people: report.people, answered: () => report.answered, found: () => report.found },
    stop: async () => {
      ending.abort();
      await Promise.all(clients);
    },
  };
}

interface Report {
  readonly surprises: string[];
  readonly people: Map<number, Person>;
  answered: number;
  found: number;
}

class Client {
  private readonly dice;
  private readonly own: { id: string; person: Person }[] = [];
  private numbers = 0;
  private sent = 0;

  constructor(
    private readonly index: number,
    private readonly options: Options,
    private readonly report: Report,
  ) {
    this.dice = seededRandom(index + 1);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clients, rate } = this.options;
    const began = performance.now();
    while (!signal.aborted) {
      await this.turn().catch((error: Error) => this.surprise(`${error.message} ${error.cause ?? ''}`));
      await wait(Math.max(0, began + (this.sent * 1_000 * clients) / rate - performance.now()));
    }
  }

  private async turn(): Promise<void> {
    const [here, there] = this.dice.below(2) === 0 ? [0, 1] : [1, 0];
    const known = this.own[this.dice.below(Math.max(1, this.own.length))];
    const roll = this.dice.below(10);
    if (!known || roll < 3) return this.insert(here, there);
    if (roll < 5) return this.change(here, there, known);
    if (roll < 6) return this.dice.below(2) === 0 ? this.race() : this.merge();
    if (roll < 7) return this.remove(here, there, known);
    if (roll < 9) return this.look(there, known.person.ssn, [known.person]);
    return this.read(there, known);
  }

  private async insert(here: number, there: number): Promise<void> {
    const person = this.next();
    const { status, body } = await this.send(here, 'POST', '', person);
    if (status !== 201) return this.surprise(`POST ${status} ${JSON.stringify(body)}`);
    this.keep((body as { id: string }).id, person);
    await this.look(there, person.ssn, [person]);
  }

  private async change(here: number, there: number, known: { id: string; person: Person }): Promise<void> {
    const before = known.person;
    const { ssn, diagnosis } = this.next();
    known.person = { ...before, ssn, diagnosis };
    const key = { 'idempotency-key': ssn };
    const change = (at: number) => this.send(at, 'PATCH', `/${known.id}`, { ssn, diagnosis }, key);
    const { status, body } = await change(here);
    if (status !== 200) return this.surprise(`PATCH ${status} ${JSON.stringify(body)}`);
    // What was kept of the answer is encrypted too.
    const again = await change(there);
    if (JSON.stringify(again) !== JSON.stringify({ status, body })) return this.surprise(`repeated: ${JSON.stringify(again)}`);
    this.report.people.set(known.person.number, known.person);
    await this.look(there, ssn, [known.person]);
    await this.look(there, before.ssn, []);
  }

  /** The same value at both instances at once: one of them gets it. */
  private async race(): Promise<void> {
    const [one, other] = [this.next(), this.next()];
    const rivals = [one, { ...other, ssn: one.ssn }];
    const answers = await Promise.all(rivals.map((rival, at) => this.send(at, 'POST', '', rival)));
    const statuses = answers.map(({ status }) => status).sort();
    if (statuses.join() !== '201,409') return this.surprise(`two of one value: ${statuses.join()}`);
    const won = answers[0]?.status === 201 ? 0 : 1;
    const [{ body }, person] = [answers[won], rivals[won]] as [{ body: { id: string } }, Person];
    this.keep(body.id, person);
    await this.look(1 - won, one.ssn, [person]);
  }

  /** The same record at both instances at once, by its value: one makes it, and the other finds it. */
  private async merge(): Promise<void> {
    const person = this.next();
    const prefer = 'resolution=merge-duplicates';
    const answers = await Promise.all([0, 1].map((at) => this.send(at, 'POST', '?on_conflict=ssn', [person], { prefer })));
    const refused = answers.find(({ status }) => status >= 300);
    if (refused) return this.surprise(`merged ${refused.status} ${JSON.stringify(refused.body)}`);
    const ids = new Set(answers.flatMap(({ body }) => (body as { id: string }[]).map(({ id }) => id)));
    if (ids.size !== 1) return this.surprise(`merged into ${ids.size} records`);
    this.keep([...ids][0] as string, person);
    await this.look(this.dice.below(2), person.ssn, [person]);
  }

  private async remove(here: number, there: number, known: { id: string; person: Person }): Promise<void> {
    const { status, body } = await this.send(here, 'DELETE', `/${known.id}`);
    if (status !== 204) return this.surprise(`DELETE ${status} ${JSON.stringify(body)}`);
    this.own.splice(this.own.indexOf(known), 1);
    this.report.people.delete(known.person.number);
    await this.look(there, known.person.ssn, []);
  }

  private async look(at: number, ssn: string, expected: readonly Person[]): Promise<void> {
    const { status, body } = await this.send(at, 'GET', `?ssn=eq.${ssn}&select=number,ssn,salary,diagnosis`);
    if (status !== 200 || JSON.stringify(body) !== JSON.stringify(expected)) {
      return this.surprise(`looked for ${ssn}: ${status} ${JSON.stringify(body)} instead of ${JSON.stringify(expected)}`);
    }
    this.report.found += 1;
  }

  private async read(at: number, { id, person }: { id: string; person: Person }): Promise<void> {
    const { status, body } = await this.send(at, 'GET', `/${id}`);
    const { number, ssn, salary, diagnosis } = body as Person;
    if (status === 200 && JSON.stringify({ number, ssn, salary, diagnosis }) === JSON.stringify(person)) return;
    this.surprise(`read ${status} ${JSON.stringify(body)} instead of ${JSON.stringify(person)}`);
  }

  private async send(
    at: number,
    method: string,
    path: string,
    content?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<{ status: number; body: unknown }> {
    this.sent += 1;
    const response = await fetch(`${this.options.addresses[at]}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.options.token}`, 'content-type': 'application/json', ...headers },
      ...(content === undefined ? {} : { body: JSON.stringify(content) }),
    });
    const said = await response.text();
    this.report.answered += 1;
    return { status: response.status, body: said === '' ? null : JSON.parse(said) };
  }

  private keep(id: string, person: Person): void {
    this.own.push({ id, person });
    this.report.people.set(person.number, person);
  }

  private next(): Person {
    const number = this.options.first + this.index * 100_000 + this.numbers++;
    return { number, ssn: `t-${number}`, salary: `${number}.25`, diagnosis: `told ${number}` };
  }

  private surprise(what: string): void {
    this.report.surprises.push(what);
  }
}
