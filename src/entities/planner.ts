import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { type Actor, asService } from '../database/context-token.js';
import type { RuntimePool } from '../database/runtime-pool.js';
import { databaseErrorOf } from '../database/sqlstate.js';
import { TenantTx } from '../database/tenant-tx.js';
import type { TenantKeys } from '../keys/tenant-keys.js';
import type { PackLibrary } from '../library/pack-library.js';
import type { Change } from '../model/change/change.js';
import { compareEntities } from '../model/change/compare.js';
import { renamesBetween } from '../model/change/renames.js';
import type { Resolve } from '../model/ddl/add-relation.js';
import { isExtraGuard } from '../model/ddl/extra-guard.js';
import { relationFaults } from '../model/ddl/relation-faults.js';
import type { Entity, TenantHome } from '../model/entity.js';
import { type PastKind, pastTable } from '../model/past/past-tables.js';
import { fingerprint, type TableCatalog } from '../model/plan/catalog.js';
import { catalogStatement } from '../model/plan/catalog-statement.js';
import { inboundFaults, retargeted } from '../model/plan/inbound.js';
import { missingObject } from '../model/plan/missing-objects.js';
import { UNFINISHED } from '../model/plan/operation.js';
import { draftPlan, finishPlan, type Plan } from '../model/plan/plan.js';
import { readCatalog } from '../model/plan/read-catalog.js';
import { underKeys, withFieldNames } from '../model/plan/shadows.js';
import { tableShape } from '../model/plan/shape.js';
import { type Transition, transition } from '../model/plan/transition.js';
import type { JsonObject, JsonValue } from '../platform/json-value.js';
import { Problem } from '../platform/problem.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import type { ChangeRequest, PackOrigin, PlanAnswer } from './change-request.js';
import type { RegistryEntry } from './defined-entity.js';
import { ReadDocument } from './read-documents.js';
import { entriesStatement, readEntry } from './registry-entries.js';
import { gatherFacts } from './row-facts.js';

/** Most versions an entity may come to have: each is kept. */
const MOST_VERSIONS = 1_000;

/** A planned change of an entity that exists, with everything that carrying it out needs. */
export interface PlannedChange {
  readonly answer: PlanAnswer;
  readonly plan: Plan;
  readonly transition: Transition;
  readonly changes: readonly Change[];
  readonly current: RegistryEntry;
  readonly document: JsonObject;
  readonly after: ReadDocument;
  /** Of the catalog when the plan was made. */
  readonly fingerprint: string;
  /** The other entities' documents that name this one anew. */
  readonly retargeted: readonly { readonly entry: RegistryEntry; readonly document: JsonObject }[];
  /** When the entity belongs to a pack. */
  readonly pack?: PackOrigin;
}

/** What a tenant has, as read for one plan. */
export interface TenantState {
  readonly home: TenantHome;
  readonly entries: readonly RegistryEntry[];
  readonly resolve: Resolve;
}

/** How often a plan is begun anew when somebody changes the entity while it is made. */
const ATTEMPTS = 5;

/** Makes plans: reads, compares, asks the rows; changes nothing. */
export class Planner {
  constructor(
    private readonly pool: RuntimePool,
    private readonly packs: PackLibrary,
    private readonly keys: TenantKeys,
  ) {}

  /** The plan of a change, or null when there is no entity yet that it could change. */
  async plan(actor: Actor, tenant: Tenant, name: string, request: ChangeRequest): Promise<PlannedChange | null> {
    const { document } = request;
    const after = ReadDocument.of(name, document);
    // Reading and compiling a document at its limits each take tens of milliseconds: others get a turn between.
    await setImmediate();
    void after.validator;
    await setImmediate();
    after.assertUsable();
    for (let attempt = 1; ; attempt++) {
      let current: RegistryEntry | undefined;
      try {
        const made = await this.reading(actor, tenant, async (tx) => {
          const state = stateOf(tenant.home, (await tx.query(entriesStatement(tenant.id))).map(readEntry));
          current = currentOf(state, after.entity, request);
          if (!current) return null;
          if ((request.fromVersion ?? current.version) !== current.version) throw overtaken();
          const pack = request.pack ?? this.originOf(current, name, document);
          const made = await planned(tx, state, current, after, document as JsonObject, request, this.keys);
          return { ...made, ...(pack ? { pack } : {}) };
        });
        const isOther = made !== null && request.hash !== undefined && request.hash !== made.answer.hash;
        if (!isOther || attempt === ATTEMPTS || !(await this.isOvertaken(actor, tenant, made.current))) return made;
      } catch (error) {
        const drift = current && driftOf(error, current.name);
        if (!drift) throw error;
        // Registry and table are read one after the other: a change in between looks like drift, once.
        if (attempt === ATTEMPTS || !(await this.isOvertaken(actor, tenant, current as RegistryEntry))) throw drift;
      }
    }
  }

  /** Rules on encrypted values are tried on what they say: with keys that are opened before the transaction begins. */
  private async reading<T>(actor: Actor, tenant: Tenant, work: (tx: TenantTx) => Promise<T>): Promise<T> {
    return this.keys.having(tenant, () => TenantTx.run(this.pool, tenant.home, asService(actor), { readOnly: true }, work));
  }

  private async isOvertaken(actor: Actor, tenant: Tenant, { id, version }: RegistryEntry): Promise<boolean> {
    const { entries } = await this.stateOf(actor, tenant);
    return !entries.some((entry) => entry.id === id && entry.version === version);
  }

  /** What of the document is the tenant's own. @throws Problem pack/owned when it touches what is not */
  private originOf({ pack, name: current }: RegistryEntry, name: string, document: JsonValue): PackOrigin | undefined {
    if (!pack) return undefined;
    if (name === current) return this.packs.originOf({ pack: pack.name, version: pack.version }, name, document);
    throw new Problem('pack/owned', `${JSON.stringify(current)} belongs to the pack "${pack.name}": it cannot be renamed.`);
  }

  /** What a tenant has, read anew. */
  async stateOf(actor: Actor, tenant: Tenant): Promise<TenantState> {
    const rows = await TenantTx.run(this.pool, tenant.home, asService(actor), { readOnly: true }, (tx) =>
      tx.last(entriesStatement(tenant.id)),
    );
    return stateOf(tenant.home, rows.map(readEntry));
  }

  /** An entity as its version in force has it. */
  async entityBefore(actor: Actor, tenant: Tenant, entityId: string): Promise<Entity> {
    const { entries } = await this.stateOf(actor, tenant);
    const entry = entries.find(({ id }) => id === entityId);
    if (!entry) throw new Problem('entity/not-found', 'The entity is gone.');
    return entityOf(entry);
  }
}

export function stateOf(home: TenantHome, entries: readonly RegistryEntry[]): TenantState {
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  return {
    home,
    entries,
    resolve: (name) => {
      const entry = byName.get(name);
      return entry && entityOf(entry);
    },
  };
}

export function entityOf({ name, text }: RegistryEntry): Entity {
  return ReadDocument.of(name, JSON.parse(text) as JsonObject, text).entity;
}

/** The entity of that name, or the one that is to have it from now on. */
function currentOf(
  { entries }: TenantState,
  { name, document }: Entity,
  { renamedFrom = document.renamedFrom as string | undefined }: ChangeRequest,
): RegistryEntry | undefined {
  return entries.find((entry) => entry.name === name) ?? entries.find((entry) => entry.name === renamedFrom);
}

async function planned(
  tx: TenantTx,
  state: TenantState,
  current: RegistryEntry,
  after: ReadDocument,
  document: JsonObject,
  request: ChangeRequest,
  keys: TenantKeys,
): Promise<PlannedChange> {
  const before = entityOf(current);
  const kept = request.restore ?? new Map<string, string>();
  const [catalog] = readCatalog(await tx.query(catalogStatement(state.home.schema, [before.table])));
  if (!catalog) throw drifted(current.name, `the table of "${current.name}" is gone`);
  const guards = new Set(catalog.constraints.map(({ name }) => name).filter(isExtraGuard));
  const renames = request.renames ?? renamesBetween(before, after.entity);
  const toVersion = current.version + 1;
  if (toVersion > MOST_VERSIONS) throw tooManyVersions();
  const columns = new Set(catalog.columns.map(({ name }) => name));
  const hiddenCells = Object.keys(current.fields).filter((name) => name.startsWith('~') && columns.has(name));
  const t = withFieldNames(
    transition({
      ...{ home: state.home, before, after: after.entity, resolve: state.resolve, version: toVersion },
      ...{ renames, kept, guards, past: await pastTablesOf(tx, current.id), hiddenCells },
    }),
    current.fields,
  );
  const others = state.entries.filter(({ id }) => id !== current.id);
  assertRelations(t, after.entity, others.map(entityOf), state.resolve);
  const changes = compareEntities(before, after.entity, renames);
  const draft = draftPlan(t, changes);
  const open = { ...draft, transition: underKeys(t, current.id, keys.peek(state.home.tenantId)) };
  const plan = finishPlan(draft, await gatherFacts((statement) => tx.query(statement), open, after.validator));
  const missing = missingObject(
    tableShape(state.home, before, state.resolve),
    catalog,
    plan.statements.map(({ sql }) => sql),
  );
  if (missing) throw drifted(current.name, missing);
  const also = others.flatMap((entry) => {
    const changed = retargeted(t, JSON.parse(entry.text) as JsonObject);
    return changed ? [{ entry, document: changed }] : [];
  });
  const { statements, ...rest } = plan;
  const mark = catalogMark(catalog);
  const hash = hashOf([
    state.home.tenantId,
    current.id,
    current.version,
    document,
    mark,
    [...kept],
    statements.map(({ sql }) => sql),
  ]);
  const failing = plan.operations.some((operation) => operation.failing.length > 0);
  const answer: PlanAnswer = {
    ...{ hash, entity: after.entity.name, fromVersion: current.version, toVersion },
    alsoChanges: also.map(({ entry }) => ({ entity: entry.name, toVersion: entry.version + 1 })),
    possible: !failing,
    ...rest,
  };
  return { answer, plan, transition: t, changes, current, document, after, fingerprint: mark, retargeted: also };
}

/** Of the entity, also those that nothing is added to any more. */
async function pastTablesOf(tx: TenantTx, entityId: string): Promise<string[]> {
  const rows = await tx.query({
    text: `select kind
from business_store_service.past_tables
where tenant_id = $1
  and entity_id = $2
order by kind`,
    values: [tx.home.tenantId, entityId],
  });
  return rows.map(([kind]) => pastTable(kind as PastKind, entityId));
}

function assertRelations(t: Transition, after: Entity, others: readonly Entity[], resolve: Resolve): void {
  const errors = [...relationFaults(after, resolve), ...inboundFaults(t, others)];
  if (errors.length > 0) throw new Problem('entity/invalid-document', 'A relation of the document does not hold.', { errors });
}

/** Without what a change that is under way has prepared. */
export function catalogMark(catalog: TableCatalog): string {
  const isFinal = ({ name }: { readonly name: string }): boolean => !name.endsWith(UNFINISHED);
  return fingerprint({
    ...catalog,
    columns: catalog.columns.filter(isFinal),
    constraints: catalog.constraints.filter(isFinal),
    indexes: catalog.indexes.filter(isFinal),
  });
}

function hashOf(state: unknown): string {
  return `sha256:${createHash('sha256').update(JSON.stringify(state)).digest('hex')}`;
}

export function drifted(name: string, reason: string): Problem {
  return new Problem(
    'entity/drifted',
    `The database does not have what the registry says of ${JSON.stringify(name)}: ${reason}. GET …/drift explains each difference.`,
  );
}

function overtaken(): Problem {
  return new Problem(
    'entity/plan-stale',
    'Somebody has changed the entity at the same moment. Look at what it is now, and ask again.',
  );
}

/** What a statement means that met something else than the registry says: undefined for any other fault. */
export function driftOf(error: unknown, name: string): Problem | undefined {
  if (error instanceof Problem) return error.code === 'entity/drifted' ? error : undefined;
  const { code = '' } = databaseErrorOf(error) ?? {};
  // 42501 is about rights.
  if (!/^(42|2B)/.test(code) || code === '42501') return undefined;
  return drifted(name, 'a statement met something of its table that is not as it should be');
}

function tooManyVersions(): Problem {
  const detail = `An entity has at most ${MOST_VERSIONS} versions. Move its records to a new entity.`;
  return new Problem('entity/invalid-document', detail, { limit: MOST_VERSIONS });
}
