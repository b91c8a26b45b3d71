/** The numbered examples: each is walked through over HTTP, from the records before to the way back, and its README checked. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { planText } from '../../src/commands/plan-text.js';
import type { PlanAnswer } from '../../src/entities/change-request.js';
import { isSystemMember } from '../../src/model/entity.js';
import { packageRoot } from '../../src/platform/package-root.js';
import {
  type ClientCall,
  type Example,
  type ExampleStep,
  exampleFolders,
  type Json,
  type PromisedPlan,
  readExample,
} from '../harness/example.js';
import { faultsOf, refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;

beforeAll(async () => {
  test = await startTestService();
});

afterAll(() => test.stop());

const FOLDERS = exampleFolders();

it('the numbers of the examples have no gap', () => {
  const numbers = FOLDERS.map((folder) => Number(/^(\d\d)-[a-z-]+$/.exec(folder)?.[1]));
  expect(numbers).toEqual(FOLDERS.map((_, index) => index + 1));
});

it.each([
  ['README.md', 'schemas/examples/'],
  ['schemas/examples/README.md', ''],
])('%s links to every example', (file, at) => {
  const text = readFileSync(join(packageRoot(), file), 'utf8');
  expect(FOLDERS.filter((folder) => !text.includes(`](${at}${folder}/)`))).toEqual([]);
});

describe.each(FOLDERS)('example %s', (folder) => {
  it('does what it says, says what it does, and goes back', async () => {
    const walk = await Walk.begin(readExample(folder));
    const plans: PlanAnswer[] = [];
    for (const step of walk.example.steps) plans.push(await walk.take(step));
    const back = await walk.goBack(plans);
    assertQuotes(walk, [...plans, back]);
  });
});

/** Every line of a fenced block of its README stands in what `bss plan` prints. */
function assertQuotes({ example, tenant }: Walk, plans: readonly PlanAnswer[]): void {
  const printed = plans.map((plan) => plain(planText(plan).replaceAll(`"${tenant.schemaName}".`, ''))).join('\n');
  const blocks = [...example.readme.matchAll(/```[a-z]*\n([^`]*)```/g)].map(([, block]) => block as string);
  expect(blocks.length).toBeGreaterThan(0);
  const lines = blocks.flatMap((block) => block.split('\n')).map(plain);
  expect(lines.filter((line) => line !== '' && !printed.includes(line))).toEqual([]);
}

/** Without the length of an indentation, and without times. */
function plain(text: string): string {
  return text
    .replaceAll(/^ +/gm, '')
    .replaceAll(/, about \d+ ms$/gm, '')
    .trimEnd();
}

type Target = Pick<ExampleStep, 'document' | 'restore' | 'name'>;

class Walk {
  private version = 1;
  private name: string;
  /** Of the records, in the order of records.ndjson. */
  private ids: string[] = [];
  /** How the records read when the first step was applied. */
  private untouched: readonly Json[] | undefined;

  private constructor(
    readonly example: Example,
    readonly tenant: TestTenant,
    private readonly call: Awaited<ReturnType<TestTenant['as']>>,
  ) {
    this.name = example.entity;
  }

  /** Everything is defined, and the records are stored. */
  static async begin(example: Example): Promise<Walk> {
    const tenant = await test.tenant();
    const walk = new Walk(example, tenant, await tenant.as());
    for (const entity of example.entities) {
      await tenant.define(entity, example.document(entity === example.entity ? 'before.json' : `${entity}.json`));
      const stored = await walk.call('post', `/records/${entity}`).send(example.records(entity) as object);
      expect([stored.status, stored.text]).toEqual([201, stored.text]);
      if (entity === example.entity) walk.ids = stored.body.map(({ id }: { id: string }) => id);
    }
    expect(await walk.content()).toEqual(example.records(example.entity));
    return walk;
  }

  async take(step: ExampleStep): Promise<PlanAnswer> {
    for (const { record, patch } of step.correct ?? []) {
      const path = `/records/${this.name}/${this.ids[record - 1]}`;
      await this.call('patch', path).set('content-type', 'application/merge-patch+json').send(JSON.stringify(patch)).expect(200);
    }
    const before = await this.content();
    const plan = await this.plan(step);
    expect(promised(plan)).toEqual(step.plan);
    if (step.refused === undefined) {
      this.untouched ??= before;
      await this.apply(step, plan);
    } else {
      expect(refusal(await this.applyCall(step, plan, step.allow))).toBe(step.refused);
      expect(await this.content()).toEqual(before);
    }
    expect((await this.call('get', `/entities/${this.name}`).expect(200)).body.version).toBe(this.version);
    for (const other of step.refused ? [] : step.plan.also) {
      const { text } = await this.call('get', `/entities/${other}`).expect(200);
      expect(text).toContain(`"entity":${JSON.stringify(this.name)}`);
    }
    expect(await this.content()).toEqual(step.records);
    for (const call of step.clients ?? []) await this.serve(call);
    await this.assertNoDrift();
    return plan;
  }

  /** What was promised to come back comes back. */
  async goBack(plans: readonly PlanAnswer[]): Promise<PlanAnswer> {
    const { rollback, entity, steps } = this.example;
    const { to = 1, name = this.name, needs = [], refused } = rollback;
    const before = await this.content();
    const plan = await this.planRollback(to);
    expect([plan.needs, plan.possible, plan.questions]).toEqual([needs, refused === undefined, []]);
    const applied = plans.filter((_, index) => steps[index]?.refused === undefined);
    const promises = applied.every(({ inverse }) => inverse.reversible === 'yes');
    // Exactly what the plan has shown as the way back.
    if (promises && applied[0] && applied.length === 1) expect(sqlOf(plan)).toEqual(sqlOf(applied[0].inverse));
    if (refused) expect(refusal(await this.call('post', `/entities/${name}/rollback`).send({ version: to }))).toBe(refused);
    else await this.rollBack(to, needs, name);
    this.name = name;
    expect(await this.content()).toEqual(refused ? before : (rollback.records ?? this.example.records(entity)));
    if (promises && to === 1) expect(await this.content()).toEqual(this.untouched);
    await this.assertNoDrift();
    return plan;
  }

  private async planRollback(version: number): Promise<PlanAnswer> {
    return (await this.call('post', `/entities/${this.name}/rollback`).send({ version, dryRun: true }).expect(200)).body;
  }

  private async rollBack(version: number, allow: readonly string[], name: string): Promise<void> {
    const path = `/entities/${this.name}/rollback`;
    if (allow.length > 0) expect(refusal(await this.call('post', path).send({ version }))).toBe('409 entity/not-allowed');
    await this.call('post', path).send({ version, allow }).expect(200);
    const { body } = await this.call('get', `/entities/${name}/versions`).expect(200);
    const [newest, ...older] = body.items as { version: number; document: Json }[];
    expect([newest?.version, newest?.document]).toEqual([
      this.version + 1,
      older.find((old) => old.version === version)?.document,
    ]);
  }

  private async plan({ document, restore, name = this.name }: Target): Promise<PlanAnswer> {
    const asked = restore
      ? await this.call('post', `/entities/${this.name}/restore`).send({ property: restore, dryRun: true })
      : await this.call('post', `/entities/${name}/plan`).send(this.example.document(document as string));
    expect([asked.status, asked.text]).toEqual([200, asked.text]);
    return asked.body;
  }

  private applyCall({ document, restore, name = this.name }: Target, { hash }: PlanAnswer, allow: readonly string[] = []) {
    if (restore) return this.call('post', `/entities/${this.name}/restore`).send({ property: restore, allow });
    const body = { document: this.example.document(document as string), hash, allow };
    return this.call('post', `/entities/${name}/apply`).send(body);
  }

  private async apply(step: ExampleStep, plan: PlanAnswer): Promise<void> {
    const { document, name = this.name, allow = [] } = step;
    expect(allow).toEqual([...plan.needs, ...plan.questions.map(({ answer }) => answer)]);
    if (document) {
      const short = await this.call('put', `/entities/${name}`).send(this.example.document(document));
      expect(short.status < 300 ? 'applied' : refusal(short)).toBe(step.put ?? '409 entity/needs-plan');
    }
    if (!step.put) {
      if (allow.length > 0) expect(refusal(await this.applyCall(step, plan))).toMatch(/^409 entity\/(not-allowed|needs-answer)$/);
      const applied = await this.applyCall(step, plan, allow);
      expect([applied.status, applied.text]).toEqual([200, applied.text]);
    }
    this.version++;
    this.name = name;
  }

  private async serve(client: ClientCall): Promise<void> {
    const { what, entity = this.name, post, get, answer, faults, stored, items } = client;
    const path = `/records/${entity}`;
    const got = post ? await this.call('post', path).send(post) : await this.call('get', `${path}${get}`);
    expect([what, got.status < 300 ? String(got.status) : refusal(got)]).toEqual([what, answer]);
    if (faults) expect(faultsOf(got)).toEqual(faults);
    if (items) expect(got.body).toEqual(items);
    if (stored) expect(withoutSystemMembers(got.body)).toEqual(stored);
    if (post && got.status === 201) await this.call('delete', `${path}/${got.body.id}`).expect(204);
  }

  /** The records as they read now, in the order of records.ndjson. */
  private async content(): Promise<Json[]> {
    const answers = await Promise.all(this.ids.map((id) => this.call('get', `/records/${this.name}/${id}`).expect(200)));
    return answers.map(({ body }) => withoutSystemMembers(body));
  }

  private async assertNoDrift(): Promise<void> {
    const { body } = await this.call('get', '/entities').expect(200);
    for (const { name } of body.items) {
      const drift = await this.call('get', `/entities/${name}/drift`).expect(200);
      expect([name, drift.body.items]).toEqual([name, []]);
    }
  }
}

function sqlOf({ steps }: Pick<PlanAnswer['inverse'], 'steps'>): string[] {
  return steps.map(({ sql }) => sql);
}

function promised({ operations, compatibility, possible, needs, questions, alsoChanges, inverse }: PlanAnswer): PromisedPlan {
  return {
    operations: operations.map(({ kind, property, risk }) => ({ kind, ...(property ? { property } : {}), risk: risk.level })),
    ...{ compatibility: compatibility.level, possible, needs, questions: questions.map(({ answer }) => answer) },
    failing: operations.flatMap(({ failing }) => failing.map(({ rows, message, wayOut }) => ({ rows, message, wayOut }))),
    also: alsoChanges.map(({ entity }) => entity),
    wayBack: [inverse.reversible, ...inverse.reasons].join(': '),
  };
}

function withoutSystemMembers(record: Json): Json {
  return Object.fromEntries(Object.entries(record).filter(([member]) => !isSystemMember(member)));
}
