import type { Operation } from './operations.js';

/** Operations that somebody may perform, on every entity or on single ones; asked on every request, and made once. */
export class PermissionSet {
  private readonly whole = new Set<string>();
  private readonly ofEntities = new Map<string, Set<string>>();

  /** @param names operations, `operation:Entity` where one entity is meant */
  constructor(readonly names: readonly string[]) {
    for (const name of names) {
      const at = name.indexOf(':');
      if (at < 0) this.whole.add(name);
      else this.add(name.slice(0, at), name.slice(at + 1));
    }
  }

  /** @param entity without, the operation is meant for all of them */
  has(operation: Operation, entity?: string): boolean {
    if (this.whole.has(operation)) return true;
    if (entity === undefined || this.ofEntities.size === 0) return false;
    return this.ofEntities.get(entity)?.has(operation) ?? false;
  }

  private add(operation: string, entity: string): void {
    const operations = this.ofEntities.get(entity);
    if (operations) operations.add(operation);
    else this.ofEntities.set(entity, new Set([operation]));
  }
}
