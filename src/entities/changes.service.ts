import { setTimeout as wait } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { Actor } from '../database/context-token.js';
import { ControlPlane, type SystemTx } from '../database/control-plane.js';
import { databaseErrorOf } from '../database/sqlstate.js';
import { TenantKeys } from '../keys/tenant-keys.js';
import { isSameValue } from '../model/change/first-difference.js';
import type { Resolve } from '../model/ddl/add-relation.js';
import { addRelations } from '../model/ddl/add-relation.js';
import { createTable } from '../model/ddl/create-table.js';
import { relationFaults } from '../model/ddl/relation-faults.js';
import { isPrepared } from '../model/plan/operation.js';
import { underKeys } from '../model/plan/shadows.js';
import type { JsonObject } from '../platform/json-value.js';
import { Problem } from '../platform/problem.js';
import { uuidV7 } from '../platform/uuid.js';
import { type Tenant, TenantDirectory } from '../tenants/tenant-directory.js';
import type { ChangeOutcome, ChangeRequest, Definition, PlanAnswer } from './change-request.js';
import { ChangeRunner } from './change-runner.js';
import { insertChange, type StoredChange, type StoredPlan } from './change-store.js';
import { createEntities } from './create-entities.js';
import { creationPlan } from './creation-plan.js';
import type { RegistryEntry } from './defined-entity.js';
import { openKeysFirst } from './keys-first.js';
import { patiently } from './patiently.js';
import { assertAdditive, assertMayApply, driftIn, impossible, planStale, tooManyColumns } from './plan-refusals.js';
import { type PlannedChange, Planner } from './planner.js';
import { ReadDocument } from './read-documents.js';
import { lockDefinitions } from './registry-changes.js';
import { assertNoneRunning } from './running-changes.js';
import { inProgress, stale, switchOver } from './switch-over.js';

/** Longest an answer waits for a change that has to be prepared. */
const WAIT_MS = 10_000;

/** Plans changes of entities and carries them out: everything that defines, evolves or upgrades an entity goes through here. */
@Injectable()
export class ChangesService {
  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly directory: TenantDirectory,
    private readonly planner: Planner,
    private readonly runner: ChangeRunner,
    private readonly keys: TenantKeys,
  ) {}

  async plan(actor: Actor, tenant: Tenant, name: string, request: ChangeRequest): Promise<PlanAnswer> {
    const planned = await this.planner.plan(actor, tenant, name, request);
    return planned ? planned.answer : this.planCreation(actor, tenant, name, request);
  }

  /**
   * Carries out a change, if nothing stands in its way and all that it needs is allowed; with `hash`, only if it is still the
   * plan of that hash. What a large table has to be prepared for goes on in the background when it takes longer than `waitMs`.
   */
  async apply(
    actor: Actor,
    tenant: Tenant,
    name: string,
    request: ChangeRequest,
    { waitMs = WAIT_MS }: { readonly waitMs?: number } = {},
  ): Promise<ChangeOutcome> {
    try {
      return await this.applyOnce(actor, tenant, name, request, waitMs);
    } catch (error) {
      // Somebody was faster. Whoever has looked at a plan must look again; for the others the question is asked anew, once.
      const isOvertaken = error instanceof Problem && error.code === 'entity/plan-stale';
      if (!isOvertaken || request.hash !== undefined) throw error;
      return this.applyOnce(actor, tenant, name, request, waitMs);
    }
  }

  private async applyOnce(
    actor: Actor,
    tenant: Tenant,
    name: string,
    request: ChangeRequest,
    waitMs: number,
  ): Promise<ChangeOutcome> {
    const planned = await this.planner.plan(actor, tenant, name, request);
    if (!planned) return this.create(actor, tenant, name, request);
    const { current, document, answer } = planned;
    if (isUnchanged(planned, request)) return { created: false, definition: definitionOf(current) };
    if (request.additiveOnly) assertAdditive(planned);
    assertMayApply(answer, request);
    await openKeysFirst(this.keys, tenant, planned.transition.after, planned.transition.renamed);
    const definition: Definition = {
      ...{ name: answer.entity, version: answer.toVersion, document },
      ...(planned.pack ? { pack: { name: planned.pack.pack, version: planned.pack.version } } : {}),
    };
    if (!planned.plan.statements.some(isPrepared)) {
      await this.switchNow(actor, tenant, planned, request);
      return { created: false, definition };
    }
    const changeId = await this.begin(actor, tenant, planned, request, waitMs);
    return changeId === null ? { created: false, definition } : { created: false, definition: definitionOf(current), changeId };
  }

  private async switchNow(actor: Actor, tenant: Tenant, planned: PlannedChange, request: ChangeRequest): Promise<void> {
    const { current, plan } = planned;
    const stored = storedPlan(planned);
    try {
      const work = async (tx: SystemTx): Promise<void> => {
        await lockDefinitions(tx, tenant.id);
        await assertNoneRunning(
          tx,
          tenant.id,
          stored.retargeted.map(({ entityId }) => entityId),
        );
        await switchOver(tx, actor, {
          ...{ tenantId: tenant.id, entityId: current.id, fromVersion: current.version },
          transition: underKeys(planned.transition, current.id, this.keys.peek(tenant.id)),
          ...{ statements: plan.statements, document: planned.document, after: planned.after },
          ...{ fingerprint: stored.fingerprint, retargeted: stored.retargeted, restored: stored.restored },
          ...{ descriptions: plan.operations.map(({ description }) => description) },
          ...(planned.pack ? { pack: planned.pack } : {}),
        });
      };
      await this.keys.having(tenant, () => patiently(this.controlPlane, actor, tenant.home, work));
    } catch (error) {
      throw await this.explained(error, actor, tenant, request, planned);
    } finally {
      this.directory.forget(tenant.id);
    }
  }

  /** Null when it was over before `waitMs` were. */
  private async begin(
    actor: Actor,
    tenant: Tenant,
    planned: PlannedChange,
    request: ChangeRequest,
    waitMs: number,
  ): Promise<string | null> {
    const { current } = planned;
    const change: StoredChange = {
      ...{ tenantId: tenant.id, changeId: uuidV7(), entityId: current.id, entity: current.name, fromVersion: current.version },
      ...{ document: planned.document, plan: storedPlan(planned), stepsDone: 0, progress: {} },
      ...{ createdBy: actor.subject, requestId: actor.requestId },
    };
    try {
      await patiently(this.controlPlane, actor, tenant.home, async (tx) => {
        await lockDefinitions(tx, tenant.id);
        await insertChange(tx, change, request.allow ?? [], this.runner.lease);
      });
    } catch (error) {
      if (databaseErrorOf(error)?.constraint === 'schema_changes_running_key') throw inProgress();
      throw error;
    }
    const work = this.runner.run(tenant, change);
    const patience = new AbortController();
    // A timer knows no infinity.
    const limit = Math.min(waitMs, 2 ** 31 - 1);
    const over = wait(limit, change.changeId, { signal: patience.signal, ref: false });
    try {
      return await Promise.race([work.then(() => null), over]);
    } catch (error) {
      throw await this.explained(error, actor, tenant, request, planned);
    } finally {
      patience.abort();
      over.catch(() => {});
      work.catch(() => {});
    }
  }

  private async create(
    actor: Actor,
    tenant: Tenant,
    name: string,
    { document, pack, hash }: ChangeRequest,
  ): Promise<ChangeOutcome> {
    if (hash !== undefined) {
      const answer = await this.planCreation(actor, tenant, name, { document });
      if (answer.hash !== hash) throw planStale(answer);
    }
    const read = ReadDocument.of(name, document);
    read.assertUsable();
    await openKeysFirst(this.keys, tenant, read.entity, null);
    try {
      const [definition] = await patiently(this.controlPlane, actor, tenant.home, (tx) =>
        createEntities(tx, actor, tenant, [{ name, document, ...(pack ? { pack } : {}) }]),
      );
      return { created: true, definition: definition as Definition };
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'entity/exists') throw error;
      // Somebody was faster.
      const planned = await this.planner.plan(actor, tenant, name, { document });
      throw planned ? planStale(planned.answer) : stale();
    } finally {
      this.directory.forget(tenant.id);
    }
  }

  private async planCreation(actor: Actor, tenant: Tenant, name: string, { document }: ChangeRequest): Promise<PlanAnswer> {
    const read = ReadDocument.of(name, document);
    read.assertUsable();
    const { entity } = read;
    const state = await this.planner.stateOf(actor, tenant);
    const resolve: Resolve = (other) => (other === name ? entity : state.resolve(other));
    const errors = relationFaults(entity, resolve);
    if (errors.length > 0) throw new Problem('entity/invalid-document', 'A relation of the document does not hold.', { errors });
    const sql = [...createTable(tenant.home, entity), ...addRelations(tenant.home, entity, resolve)];
    return creationPlan(tenant.home, entity, document as JsonObject, sql);
  }

  /** The plan as it is now says more than what a constraint was called. */
  private async explained(
    error: unknown,
    actor: Actor,
    tenant: Tenant,
    request: ChangeRequest,
    planned: PlannedChange,
  ): Promise<unknown> {
    const code = databaseErrorOf(error)?.code ?? '';
    const isStale = error instanceof Problem && error.code === 'entity/plan-stale';
    if (code === '54011') return tooManyColumns();
    // 23: a row that came meanwhile. 42, 2B: the table is not what the plan was made for.
    if (!isStale && !/^(22|23|42|2B)/.test(code)) return error;
    const fresh = await this.planner.plan(actor, tenant, planned.answer.entity, request).catch((again: unknown) => again);
    if (fresh instanceof Error) return fresh instanceof Problem ? fresh : stale();
    const { answer } = (fresh as PlannedChange | null) ?? {};
    if (!answer) return stale();
    if (!answer.possible) return impossible(answer);
    // Nothing has changed, and yet it cannot be done: somebody has put something in its way by hand.
    return (answer.hash === planned.answer.hash && driftIn(planned, error)) || planStale(answer);
  }
}

function isUnchanged({ current, document }: PlannedChange, { pack, restore }: ChangeRequest): boolean {
  if (restore?.size) return false;
  if (JSON.stringify(JSON.parse(current.text)) !== JSON.stringify(document)) return false;
  return !pack || isSameValue(current.pack ? { ...current.pack } : null, { name: pack.pack, version: pack.version });
}

export function definitionOf({ name, version, text, pack }: RegistryEntry): Definition {
  return { name, version, document: JSON.parse(text) as JsonObject, ...(pack ? { pack } : {}) };
}

function storedPlan({ answer, plan, transition: t, fingerprint, retargeted, pack }: PlannedChange): StoredPlan {
  return {
    ...{ answer, statements: plan.statements, renames: [...t.renames], kept: [...t.kept], guards: [...t.guards], fingerprint },
    retargeted: retargeted.map(({ entry, document }) => {
      return { entityId: entry.id, name: entry.name, version: entry.version + 1, document };
    }),
    restored: [...t.kept.values()],
    ...(pack ? { pack } : {}),
  };
}
