import { createHash } from 'node:crypto';
import { tableRef } from '../model/ddl/table-ref.js';
import type { Entity, TenantHome } from '../model/entity.js';
import type { JsonObject } from '../platform/json-value.js';
import type { PlanAnswer } from './change-request.js';

/** The plan of an entity that does not exist yet: its table, from nothing. */
export function creationPlan(home: TenantHome, entity: Entity, document: JsonObject, sql: readonly string[]): PlanAnswer {
  const hash = createHash('sha256')
    .update(JSON.stringify([home.tenantId, 0, document, sql]))
    .digest('hex');
  const description = `the entity ${JSON.stringify(entity.name)} is created`;
  const drop = `drop table ${tableRef(home, entity)}`;
  return {
    ...{ hash: `sha256:${hash}`, entity: entity.name, fromVersion: 0, toVersion: 1, alsoChanges: [], possible: true },
    ...{ rows: 0, bytes: 0, questions: [], needs: [], compatibility: { level: 'full', reasons: [] } },
    operations: [
      {
        ...{ kind: 'create-entity', pointer: '', description, failing: [] },
        risk: { level: 'none', reversible: 'yes' },
      },
    ],
    steps: sql.map((text) => ({
      ...{ phase: 'switch', operation: 0, description, sql: text, as: 'owner', lock: 'none', blocks: 'nothing' },
      ...{ rewrite: false, rows: 0, failing: 0, estimateMs: 1, reversible: 'yes', risk: 'none' },
    })),
    inverse: {
      ...{ reversible: 'yes', reasons: [] },
      steps: [{ phase: 'switch', description: 'the entity is removed', sql: drop, lock: 'ACCESS EXCLUSIVE' }],
    },
  };
}
