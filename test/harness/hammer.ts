import { setTimeout as wait } from 'node:timers/promises';
import { refusal } from './problem.js';
import { seededRandom } from './random.js';

/**
 * Clients that write and read one entity all the time, over several instances, while its definition changes. Each knows what
 * was acknowledged to it, and only it changes its records: so that afterwards every value can be compared, one by one.
 */

export type Content = Readonly<Record<string, unknown>>;

/** One way of writing, and what may come of it. */
export interface Kind {
  /** A new record's content; `form` is what the instance last asked for. */
  readonly content: (number: number, form: Form) => Content;
  /** How often, in relation to the other kinds; a whole number. */
  readonly weight: number;
  /** Refusals that are honest, such as `409 entity/change-in-progress`. */
  readonly refusals: readonly string[];
}

/** Whether an instance takes the values of the old type or those of the new one. */
export type Form = 'old' | 'new';

export interface Hammer {
  /** What each record holds by what was last acknowledged; null for what was deleted. */
  readonly log: ReadonlyMap<string, Content | null>;
  /** Everything that must not happen. */
  readonly surprises: readonly string[];
  /** Answers by method and status, or by the problem's type. */
  readonly answers: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

interface Options {
  /** Of the entity's records, one on each instance. */
  readonly addresses: readonly string[];
  readonly token: string;
  readonly clients: number;
  /** The number of the first record; each client has 100,000. */
  readonly first: number;
  /** Milliseconds between two requests of one client. */
  readonly pause: number;
  readonly kinds: () => readonly Kind[];
  /** Such as `/number type`: what the other type's values are refused with. */
  readonly typeFaults: readonly string[];
  /** The same value in either form. */
  readonly same: (logged: Content, read: Content) => boolean;
}

export function startHammer(options: Options): Hammer {
  const ending = new AbortController();
  const report = { log: new Map<string, Content | null>(), surprises: [] as string[], answers: new Map<string, number>() };
  const clients = Array.from({ length: options.clients }, (_, client) => new Client(client, options, report).run(ending.signal));
  return {
    ...report,
    stop: async () => {
      ending.abort();
      await Promise.all(clients);
    },
  };
}

class Client {
  private readonly own: string[] = [];
  private readonly forms: Form[];
  private readonly flips: number[];
  private numbers = 0;
  private readonly dice;

  constructor(
    private readonly index: number,
    private readonly options: Options,
    private readonly report: { log: Map<string, Content | null>; surprises: string[]; answers: Map<string, number> },
  ) {
    this.forms = options.addresses.map(() => 'old');
    this.flips = options.addresses.map(() => 0);
    this.dice = seededRandom(index + 1);
  }

  async run(signal: AbortSignal): Promise<void> {
    for (let turn = this.index; !signal.aborted; turn++) {
      const at = turn % this.options.addresses.length;
      await this.turn(at).catch((error: Error) => {
        this.report.surprises.push(`${error.message} ${error.cause ?? ''}`);
      });
      await wait(this.options.pause);
    }
  }

  private async turn(at: number): Promise<void> {
    const roll = this.dice.below(1_000) / 1_000;
    const id = this.own[this.dice.below(this.own.length)];
    if (id === undefined || roll < 0.3) return this.insert(at, 1);
    if (roll < 0.4) return this.insert(at, 20);
    if (roll < 0.55) return this.write(at, 'PATCH', id);
    if (roll < 0.65) return this.write(at, 'PUT', id);
    if (roll < 0.72) return this.remove(at, id);
    if (roll < 0.85) return this.list(at);
    return this.read(at, id);
  }

  private async insert(at: number, count: number): Promise<void> {
    const kind = this.kind();
    const records = Array.from({ length: count }, () => kind.content(this.next(), this.forms[at] as Form));
    const stored = await this.send(at, 'POST', '', count === 1 ? records[0] : records, kind);
    if (!stored) return;
    for (const [i, record] of [stored].flat().entries()) {
      const { id } = record as { id: string };
      this.own.push(id);
      this.acknowledged(id, { ...records[i] }, record as Content);
    }
  }

  private async write(at: number, method: 'PUT' | 'PATCH', id: string): Promise<void> {
    const kind = this.kind();
    const content = kind.content(this.next(), this.forms[at] as Form);
    const known = this.report.log.get(id) as Content;
    const stored = await this.send(at, method, `/${id}`, content, kind);
    if (stored) this.acknowledged(id, method === 'PUT' ? content : { ...known, ...content }, stored as Content);
  }

  private async remove(at: number, id: string): Promise<void> {
    if ((await this.send(at, 'DELETE', `/${id}`, undefined, null)) === undefined) return;
    this.own.splice(this.own.indexOf(id), 1);
    this.report.log.set(id, null);
  }

  private async read(at: number, id: string): Promise<void> {
    const record = await this.send(at, 'GET', `/${id}`, undefined, null);
    const known = this.report.log.get(id) as Content;
    if (record && !this.options.same(known, record as Content)) this.surprise('GET', `is ${text(record)}, was ${text(known)}`);
  }

  private async list(at: number): Promise<void> {
    const records = await this.send(at, 'GET', '?order=id.desc&limit=50', undefined, null);
    if (records && (records as unknown[]).length !== 50) this.surprise('list', `${(records as unknown[]).length} records`);
  }

  private acknowledged(id: string, sent: Content, stored: Content): void {
    if (!this.options.same(sent, stored)) this.surprise('stored', `sent ${text(sent)}, stored ${text(stored)}`);
    this.report.log.set(id, sent);
  }

  /** The body of a success, null when there is none; undefined when it was refused. */
  private async send(at: number, method: string, path: string, body: unknown, kind: Kind | null): Promise<unknown> {
    const response = await fetch(this.options.addresses[at] + path, {
      method,
      headers: {
        authorization: `Bearer ${this.options.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const said = await response.text();
    if (response.ok) {
      this.count(`${method} ${response.status}`);
      return said === '' ? null : parsed(said);
    }
    const headers = Object.fromEntries(response.headers);
    const refused = refusal({ status: response.status, headers, text: said });
    this.count(`${method} ${refused}`);
    if (kind?.refusals.includes(refused)) return undefined;
    // Each instance hears of the other type once, and never goes back.
    const faults: string[] = (JSON.parse(said).errors ?? []).map(({ pointer, rule }: { pointer: string; rule: string }) => {
      return `${pointer.replace(/^\/\d+(?=\/)/, '')} ${rule}`;
    });
    const ofType = faults.length > 0 && faults.every((fault) => this.options.typeFaults.includes(fault));
    if (refused === '422 record/invalid' && ofType && (this.flips[at] as number) === 0) {
      this.flips[at] = 1;
      this.forms[at] = 'new';
      return undefined;
    }
    this.surprise(method, `${refused}: ${said}`);
    return undefined;
  }

  private kind(): Kind {
    const kinds = this.options.kinds();
    return this.dice.pick(kinds.flatMap((kind) => Array.from({ length: kind.weight }, () => kind)));
  }

  /** Nobody else has it. */
  private next(): number {
    return this.options.first + this.index * 100_000 + this.numbers++;
  }

  private count(what: string): void {
    this.report.answers.set(what, (this.report.answers.get(what) ?? 0) + 1);
  }

  private surprise(where: string, what: string): void {
    this.report.surprises.push(`${where}: ${what}`);
  }
}

function parsed(said: string): unknown {
  try {
    return JSON.parse(said);
  } catch (error) {
    throw new Error(`not JSON: ${said.slice(0, 300)}`, { cause: error });
  }
}

function text(value: unknown): string {
  return JSON.stringify(value);
}
