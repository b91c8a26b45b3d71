import { randomUUID } from 'node:crypto';
import type { Response, Test } from 'supertest';
import type { Canaries } from './canaries.js';
import type { Method, TestTenant } from './service.js';

/** Takes secrets through every path on which records come, go and are refused. Each errand asserts that it was on that path. */

type Call = (method: Method, path: string) => Test;

interface Errands {
  readonly entity: string;
  readonly tenant: TestTenant;
  readonly secrets: Canaries;
}

/** A document whose twin differs in nothing but that it encrypts. */
export function documentOf(entity: string, encrypts: boolean): object {
  const [sealed, searched] = encrypts ? [{ encrypted: true }, { encrypted: { searchable: 'equality' } }] : [{}, {}];
  return {
    type: 'object',
    additionalProperties: false,
    required: ['number'],
    softDelete: true,
    history: 'full',
    properties: {
      number: { type: 'integer', unique: true },
      ssn: { type: 'string', maxLength: 64, unique: true, ...searched },
      note: { type: 'string', pii: true, ...sealed },
      card: { type: 'object', properties: { holder: { type: 'string', maxLength: 64 } }, ...sealed },
      amount: { type: 'integer', ...searched },
      boss: { type: 'string', format: 'uuid', relation: { entity, onDelete: 'setNull' } },
    },
  };
}

export class CanaryErrands {
  private numbers = 0;
  private first = { id: '', ssn: '' };

  private constructor(
    private readonly errands: Errands,
    private readonly admin: Call,
    private readonly viewer: Call,
  ) {}

  static async of(errands: Errands): Promise<CanaryErrands> {
    return new CanaryErrands(errands, await errands.tenant.as(), await errands.tenant.as('viewer'));
  }

  async run(): Promise<void> {
    await this.stores();
    await this.changes();
    await this.imports();
    await this.isRefused();
    await this.reads();
    await this.comesBack();
  }

  private get path(): string {
    return `/records/${this.errands.entity}`;
  }

  private record(more: object = {}) {
    const { secrets } = this.errands;
    const card = { holder: secrets.text(), list: [secrets.text()] };
    return { number: ++this.numbers, ssn: secrets.text(), note: secrets.text(40), card, amount: secrets.number(), ...more };
  }

  private async send(
    expected: number,
    method: Method,
    path: string,
    body: object | string,
    headers: object = {},
  ): Promise<Response> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    this.errands.secrets.sent(text);
    const request = this.admin(method, path).set({ 'content-type': 'application/json', ...headers });
    const response = await request.send(text);
    if (response.status !== expected) throw new Error(`${method} ${path}: ${response.status} ${response.text}`);
    return response;
  }

  private async get(path: string): Promise<Response> {
    const response = await this.admin('get', path);
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${response.text}`);
    return response;
  }

  private async stores(): Promise<void> {
    const { path } = this;
    const one = this.record();
    const keyed = { 'idempotency-key': randomUUID() };
    const { body } = await this.send(201, 'post', path, one, keyed);
    await this.send(201, 'post', path, one, keyed);
    this.first = { id: body.id, ssn: one.ssn };
    const many = Array.from({ length: 150 }, () => this.record({ boss: body.id }));
    await this.send(201, 'post', path, many, { 'idempotency-key': randomUUID() });
    const merge = { prefer: 'resolution=merge-duplicates', 'idempotency-key': randomUUID() };
    await this.send(201, 'post', `${path}?on_conflict=number`, [this.record(), this.record({ number: 1 })], merge);
    await this.send(201, 'post', `${path}?on_conflict=number`, this.record(), { prefer: 'resolution=merge-duplicates' });
    const known = this.record({ number: 2 });
    await this.send(200, 'patch', `${path}?number=eq.2`, { ssn: known.ssn });
    const bySsn = { prefer: 'resolution=merge-duplicates' };
    await this.send(200, 'post', `${path}?on_conflict=ssn`, [known], bySsn);
    await this.send(201, 'post', `${path}?on_conflict=ssn`, [this.record()], { prefer: 'resolution=ignore-duplicates' });
  }

  private async changes(): Promise<void> {
    const { secrets } = this.errands;
    const at = `${this.path}/${this.first.id}`;
    const ssn = secrets.text();
    await this.send(200, 'patch', at, { ssn, note: null }, { 'idempotency-key': randomUUID() });
    await this.send(200, 'put', at, this.record({ number: 1 }), { 'idempotency-key': randomUUID() });
    const patch = [
      { op: 'replace', path: '/note', value: secrets.text() },
      { op: 'add', path: '/card/holder', value: secrets.text() },
    ];
    await this.send(200, 'patch', at, patch, { 'content-type': 'application/json-patch+json' });
    const failing = [{ op: 'test', path: '/note', value: secrets.text() }];
    await this.send(409, 'patch', at, failing, { 'content-type': 'application/json-patch+json' });
    await this.send(200, 'patch', `${this.path}?number=in.(3,4,5)`, { note: secrets.text(), amount: secrets.number() });
    await this.send(200, 'put', `${this.path}?number=eq.6`, this.record({ number: 6 }));
    this.first.ssn = secrets.text();
    await this.send(200, 'patch', at, { ssn: this.first.ssn });
    await this.send(200, 'patch', `${this.path}?ssn=eq.${this.first.ssn}`, { amount: secrets.number() });
  }

  private async imports(): Promise<void> {
    const { secrets, entity } = this.errands;
    const lines = Array.from({ length: 60 }, () => JSON.stringify(this.record()));
    const bad = [{ ssn: secrets.text(90) }, { amount: secrets.text() }, { ssn: this.first.ssn }, { undeclared: secrets.text() }];
    const faulty = [...bad.map((each) => JSON.stringify(this.record(each))), `{"ssn":"${secrets.text()}`];
    const ndjson = { 'content-type': 'application/x-ndjson' };
    const body = `${[...lines, ...faulty].join('\n')}\n`;
    const told = await this.send(200, 'post', `/imports/${entity}?onError=skip`, body, ndjson);
    if (told.body.stored !== 60 || told.body.failed !== 5) throw new Error(told.text);
    const rows = Array.from({ length: 30 }, () => this.record());
    const cells = rows.map(({ number, ssn, note, card, amount }) => {
      return [number, ssn, note, `"${JSON.stringify(card).replaceAll('"', '""')}"`, amount].join(',');
    });
    const csv = `number,ssn,note,card,amount\n${cells.join('\n')}\n${++this.numbers},${secrets.text(80)},,,\n`;
    await this.send(200, 'post', `/imports/${entity}?dryRun=true`, csv, { 'content-type': 'text/csv' });
    await this.send(422, 'post', `/imports/${entity}`, csv, { 'content-type': 'text/csv' });
    // A file without a header: its first record is taken for one.
    await this.send(422, 'post', `/imports/${entity}`, `1,${secrets.text()}\n2,${secrets.text()}\n`, {
      'content-type': 'text/csv',
    });
    const small = `${JSON.stringify(this.record())}\n`;
    await this.send(200, 'post', `/imports/${entity}?on_conflict=number`, small, ndjson);
  }

  private async isRefused(): Promise<void> {
    const { secrets, tenant } = this.errands;
    const { path } = this;
    const key = () => ({ 'idempotency-key': randomUUID() });
    await this.send(409, 'post', path, this.record({ ssn: this.first.ssn }), key());
    await this.send(409, 'post', path, [this.record(), this.record({ ssn: this.first.ssn })], key());
    await this.send(422, 'post', path, this.record({ ssn: secrets.text(80) }), key());
    await this.send(422, 'post', path, this.record({ amount: secrets.text(), card: secrets.text() }), key());
    await this.send(400, 'post', path, `{"ssn":"${secrets.text()}","ssn":"${secrets.text()}"}`, key());
    for (const torn of [
      `{"ssn":"${secrets.text()}`,
      secrets.text(),
      `{"ssn":"${secrets.text()}\\ud800"}`,
      `["${secrets.text()}"`,
    ]) {
      await this.send(400, 'post', path, torn, key());
    }
    await this.send(415, 'post', path, secrets.text(), { 'content-type': 'text/plain' });
    const filters = [`note=like.*${secrets.text()}*`, `card->>holder=gt.${secrets.text()}`, `amount=eq.${secrets.text()}`];
    for (const filter of [...filters, `or=(ssn.eq.${secrets.text()}`, `ssn=is.${secrets.text()}`, `select=${secrets.text()}`]) {
      const response = await this.admin('get', `${path}?${filter}`);
      if (response.status >= 500) throw new Error(`${filter}: ${response.text}`);
    }
    for (const token of [secrets.text(), `a.${secrets.text()}.b`]) {
      await this.admin('post', path).set('authorization', `Bearer ${token}`).send(this.record()).expect(401);
    }
    await this.viewer('post', path).send(this.record()).expect(403);
    await this.viewer('patch', `${path}?ssn=eq.${secrets.text()}`).send({ ssn: secrets.text() }).expect(403);
    await this.admin('post', `/records/nothing-${tenant.slug}`).send(this.record()).expect(404);
  }

  private async reads(): Promise<void> {
    const { path, first } = this;
    const { secrets, entity } = this.errands;
    for (const filter of [
      `ssn=eq.${first.ssn}`,
      `ssn=in.(${first.ssn},${secrets.text()})`,
      `or=(ssn.eq.${first.ssn},number.eq.-1)`,
    ]) {
      const found = await this.get(`${path}?${filter}`);
      if (found.body.length !== 1 || found.body[0].ssn !== first.ssn) throw new Error(`${filter}: ${found.text}`);
    }
    await this.get(`${path}?amount=eq.${secrets.number()}&select=*,chief:boss(ssn,note)`);
    await this.get(`${path}?select=ssn,boss!inner(ssn)&boss.ssn=eq.${first.ssn}`);
    for (const rest of [`/exports/${entity}`, `/exports/${entity}?format=csv`, '/audit', `/audit?recordId=${first.id}`]) {
      await this.get(rest);
    }
    await this.get(`${path}/${first.id}/history`);
    await (await this.errands.tenant.as('auditor'))('get', '/audit').expect(200);
    await this.get('/audit/verify');
    await this.get('/audit/export');
  }

  private async comesBack(): Promise<void> {
    const { secrets, entity } = this.errands;
    const { path, first } = this;
    await this.admin('delete', `${path}/${first.id}`).expect(204);
    await this.get(`/deleted/${entity}`);
    await this.send(
      200,
      'post',
      `/deleted/${entity}/${first.id}/restore`,
      { note: secrets.text() },
      { 'idempotency-key': randomUUID() },
    );
    await this.admin('delete', `${path}?ssn=eq.${first.ssn}`).expect(204);
    await this.send(200, 'post', `/deleted/${entity}/${first.id}/restore`, { ssn: secrets.text() });
    await this.admin('delete', `${path}?number=gt.150`).expect(204);
  }
}
