import type { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Access } from '../access/access.js';
import { forbidden } from '../access/forbidden.js';
import type { Actor } from '../database/context-token.js';
import { RuntimePool } from '../database/runtime-pool.js';
import { problemOf } from '../database/sqlstate.js';
import type { Row } from '../database/statement-batch.js';
import { TenantTx } from '../database/tenant-tx.js';
import type { DefinedEntity } from '../entities/defined-entity.js';
import { EntityViews } from '../entities/entity-views.js';
import { RowQuotas } from '../http/row-quotas.js';
import { TenantKeys } from '../keys/tenant-keys.js';
import type { Statement } from '../model/sql.js';
import { conflictKeyOf } from '../model/statements/conflict-key.js';
import { Fingerprints } from '../platform/fingerprints.js';
import { KeyMemory } from '../platform/key-set.js';
import { Problem } from '../platform/problem.js';
import { SETTINGS, type Settings } from '../platform/settings.js';
import { Turns } from '../platform/turns.js';
import { isUuid, uuidV7 } from '../platform/uuid.js';
import { type Tenant, TenantDirectory } from '../tenants/tenant-directory.js';
import { BodyReader } from './body-reader.js';
import { ImportBatches, RefusedRecord } from './import-batches.js';
import type { ImportOptions } from './import-options.js';
import { ImportPosition } from './import-position.js';
import { ImportRehearsal } from './import-rehearsal.js';
import { RowReader } from './import-rows.js';
import { type Batches, ImportRun, type ImportWork } from './import-run.js';
import {
  beginStatement,
  endStatement,
  findStatement,
  type ImportView,
  listStatement,
  readImport,
  type StoredImport,
  takeOverStatement,
} from './import-store.js';

/** Begins imports, goes on with them, and tells how far they are. An import works only while its request sends records. */

/** The kind of what is kept of the beginning of a body, by which the same body is known again. */
const FINGERPRINT = 'import';

/** How long a client may be silent before its import is interrupted. */
const SILENCE_MS = 60_000;

/** Of all imports: each takes a connection, and requests want most of them. */
const BATCHES_AT_ONCE = 2;

const LONGEST_LIST = 200;

/** How long a stopping service waits for the batches in hand. */
const LAST_BATCH_MS = 3_000;

export interface Importer {
  readonly tenant: Tenant;
  readonly actor: Actor;
  readonly access: Access;
}

/** Keys that all dry runs together remember: 64 MB, about five million. */
const REMEMBERED_SLOTS = 1 << 23;

/** What is told of a dry run: there is no row of it. */
interface DryRun extends Omit<ImportView, 'id' | 'startedAt' | 'startedBy' | 'updatedAt' | 'finishedAt'> {
  readonly dryRun: true;
  /** Records that later ones of the same file were compared with. */
  readonly remembered: number;
}

@Injectable()
export class ImportsService implements OnModuleDestroy {
  private readonly turns = new Turns(BATCHES_AT_ONCE);
  private readonly memory = new KeyMemory(REMEMBERED_SLOTS);
  private readonly running = new Map<BodyReader, Promise<unknown>>();

  constructor(
    private readonly pool: RuntimePool,
    private readonly views: EntityViews,
    private readonly directory: TenantDirectory,
    private readonly rows: RowQuotas,
    private readonly keys: TenantKeys,
    private readonly fingerprints: Fingerprints,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** What has not come yet is not waited for: whoever sends it is told to go on later. */
  async onModuleDestroy(): Promise<void> {
    for (const body of this.running.keys()) body.interrupt(interrupted('The service is shutting down.'));
    await Promise.race([Promise.allSettled(this.running.values()), wait(LAST_BATCH_MS, undefined, { ref: false })]);
  }

  /** @throws Problem with the member `import`, which tells what was stored before */
  async run(by: Importer, entity: string, options: ImportOptions, stream: Readable): Promise<ImportView | DryRun> {
    const body = new BodyReader(stream, SILENCE_MS);
    const work = options.dryRun ? this.rehearse(by, entity, options, body) : this.work(by, entity, options, body);
    const ended = work.finally(() => this.running.delete(body));
    this.running.set(body, ended);
    return ended;
  }

  async get(by: Importer, id: string): Promise<ImportView> {
    return (await this.find(by, id)).view;
  }

  /** Newest first, 200 at most. */
  async list(by: Importer, entity: string | null): Promise<readonly ImportView[]> {
    const rows = await this.ask(by, listStatement(by.tenant.id, entity, LONGEST_LIST), true);
    return rows.map((row) => readImport(row).view);
  }

  private async work(by: Importer, name: string, options: ImportOptions, body: BodyReader): Promise<ImportView> {
    const { tenant, actor, access } = by;
    const { id } = options;
    const { defined } = await this.views.find(tenant, access, name);
    const holder = uuidV7();
    const before = options.isResumed ? await this.findToResume(by, name, options) : null;
    const { onError } = before?.view ?? options;
    const { ignored, conflict } = before ?? options;
    if (conflict) {
      conflictKeyOf(defined.entity, conflict, 'on_conflict');
      // What is there already is changed.
      if (!access.may('records.update', name)) throw forbidden(access, 'records.update', name);
    }
    if (!before) await this.begin(by, name, options, holder);
    const fingerprint = (digest: string): string => this.fingerprints.of(FINGERPRINT, tenant.id, id, digest);
    const target = { pool: this.pool, actor, onError, conflict, stored: { id, holder }, fingerprint };
    const batches = new ImportBatches(target, before?.view);
    // Until the body has proved to be the same, the import is not this request's to end.
    let isHeld = before === null;
    const run = this.runOf(by, defined, { ...options, ignored, conflict }, body, batches, {
      resumeAt: before && {
        bytes: before.view.bytes,
        // The digest itself, as it was kept before there were keyed ones.
        isDigest: (digest) =>
          [...this.fingerprints.allOf(FINGERPRINT, tenant.id, id, digest), digest].includes(before.prefixHash),
      },
      onResume: async () => {
        await this.takeOver(by, id, holder, batches.position.bytes);
        isHeld = true;
      },
    });
    try {
      await run.run();
    } catch (error) {
      if (!isHeld) throw error;
      throw await this.givenUp(by, id, holder, error);
    }
    await this.ask(by, endStatement(tenant.id, id, holder, 'done', null));
    return this.get(by, id);
  }

  /** To the end of the body, whatever is wrong with it. */
  private async rehearse(by: Importer, name: string, options: ImportOptions, body: BodyReader): Promise<DryRun> {
    const { tenant, actor, access } = by;
    const { defined } = await this.views.find(tenant, access, name);
    const rehearsal = new ImportRehearsal(this.pool, actor, () => this.views.of(tenant, access), this.memory);
    const goesOn = { resumeAt: null, onResume: async () => {} };
    try {
      await this.runOf(by, defined, options, body, rehearsal, goesOn).run();
    } finally {
      rehearsal.end();
    }
    const { format, onError } = options;
    const { position, stored, failed, errors, remembered } = rehearsal;
    const { lines, bytes } = position;
    return {
      entity: name,
      format,
      onError,
      state: 'done',
      lines,
      bytes,
      stored,
      failed,
      errors,
      reason: null,
      dryRun: true,
      remembered,
    };
  }

  private runOf(
    by: Importer,
    { id, entity }: DefinedEntity,
    { format, ignored, conflict, dryRun }: ImportOptions,
    body: BodyReader,
    batches: Batches,
    goesOn: Pick<ImportWork, 'resumeAt' | 'onResume'>,
  ): ImportRun {
    const { tenant, actor } = by;
    const limit = this.settings.BODY_LIMIT_BYTES;
    return new ImportRun({
      ...{ ...goesOn, format, limit, body, batches, turns: this.turns },
      rows: new RowReader(format, new Set(ignored), actor.subject, limit, conflict !== null),
      defined: async () => {
        if (!dryRun) this.rows.assertRoom(tenant);
        return this.definedNow(by, entity.name, id);
      },
      forget: () => this.directory.forget(tenant.id),
      havingKeys: (work) => this.keys.having(tenant, work, actor),
    });
  }

  private async begin(by: Importer, entity: string, options: ImportOptions, holder: string): Promise<void> {
    const { tenant, actor } = by;
    const { subject, requestId } = actor;
    const prefixHash = this.fingerprints.of(FINGERPRINT, tenant.id, options.id, ImportPosition.start().digest);
    const order = { ...options, tenantId: tenant.id, entity, holder, prefixHash, subject, requestId };
    const [begun] = await this.ask(by, beginStatement(order));
    if (!begun)
      throw new Problem('import/conflict', 'There is an import of this id. Send resume instead of id to go on with it.');
  }

  private async findToResume(by: Importer, entity: string, { id, format }: ImportOptions): Promise<StoredImport> {
    const found = await this.find(by, id);
    const { view } = found;
    if (view.entity !== entity) throw new Problem('import/conflict', `This import is of the entity ${view.entity}.`);
    if (view.format !== format) throw new Problem('import/conflict', `This import began as ${view.format}.`);
    if (view.state === 'done') throw new Problem('import/conflict', 'The import is done, and there is nothing to go on with.');
    return found;
  }

  private async takeOver(by: Importer, id: string, holder: string, bytes: number): Promise<void> {
    const [taken] = await this.ask(by, takeOverStatement(by.tenant.id, id, holder, bytes));
    if (!taken) {
      throw new Problem(
        'import/conflict',
        'Another request is still at work on this import. GET …/imports/{id} tells how far it is.',
      );
    }
  }

  /** For each batch anew: the token was checked a while ago, and the definition may be another by now. */
  private async definedNow({ tenant: { id }, access }: Importer, name: string, entityId: string): Promise<DefinedEntity> {
    const tenant = await this.directory.find(id);
    if (tenant?.status !== 'active') throw new Problem('tenant/suspended', 'The tenant was suspended.');
    const { defined } = await this.views.find(tenant, access, name);
    if (defined.id !== entityId) throw new Problem('entity/not-found', 'The entity was dropped; another has its name now.');
    return defined;
  }

  /** Notes how it ended, and says what to do. */
  private async givenUp(by: Importer, id: string, holder: string, error: unknown): Promise<unknown> {
    if (error instanceof Problem && error.code === 'import/conflict') return error;
    const problem = error instanceof RefusedRecord ? refused(error, id) : problemOf(error);
    // Of CSV whose columns do not fit, no record can be read.
    const state = error instanceof RefusedRecord || problem?.code === 'request/invalid' ? 'aborted' : 'interrupted';
    const reason = { detail: problem?.detail ?? 'The fault was logged, with the id of the request.' };
    const errors = error instanceof RefusedRecord ? { errors: error.faults } : {};
    // Without it the import counts as interrupted when it has been silent for a while.
    await this.ask(by, endStatement(by.tenant.id, id, holder, state, { ...reason, ...errors })).catch(() => {});
    if (!problem) return error;
    const view = await this.get(by, id).catch(() => null);
    const { code, detail, extensions, headers } = problem;
    const howToGoOn = ` Send the same body with resume=${id} to go on behind what is stored of it.`;
    return new Problem(
      code,
      state === 'aborted' ? detail : detail + howToGoOn,
      { ...extensions, import: view ?? { id } },
      headers,
    );
  }

  private async find(by: Importer, id: string): Promise<StoredImport> {
    const [row] = isUuid(id) ? await this.ask(by, findStatement(by.tenant.id, id), true) : [];
    if (!row) throw new Problem('import/not-found', 'There is no import of this id. GET …/imports lists them.');
    return readImport(row);
  }

  private ask({ tenant, actor }: Importer, statement: Statement, readOnly = false): Promise<readonly Row[]> {
    return TenantTx.run(this.pool, tenant.home, actor, { readOnly }, (tx) => tx.last(statement));
  }
}

function refused({ faults }: RefusedRecord, id: string): Problem {
  const line = faults[0]?.line;
  return new Problem(
    'import/aborted',
    `The record on line ${line} was refused, and everything before it is stored. Correct the file from there on and send it with resume=${id}; or import with onError=skip, which goes on without such records.`,
    { errors: faults },
  );
}

function interrupted(why: string): Problem {
  return new Problem('import/interrupted', why, {}, { 'Retry-After': '5' });
}
