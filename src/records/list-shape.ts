import type { DefinedEntity } from '../entities/defined-entity.js';
import type { TenantHome } from '../model/entity.js';
import type { ReadQuery } from '../model/query/ast.js';
import { type Keyset, keysetOf, type Position } from '../model/query/keyset.js';
import { readStatement, sequenceOf } from '../model/query/read-statement.js';
import type { Statement } from '../model/sql.js';
import { compileReadWriter, type ReadWriter } from '../model/values/read-writer.js';
import type { Nulls } from '../model/values/row-writer.js';
import type { CursorSeal, ListSeal } from './cursor-seal.js';
import type { Surface } from './record-call.js';
import { preparedName } from './record-sql.js';

/** Everything about a list that depends on its query and the state of the tenant's entities alone, worked out when it is needed. */
export class ListShape {
  readonly writer: ReadWriter;
  /** null: no cursor can say where a page ends. */
  readonly keyset: Keyset | null;
  private begun: Statement | null = null;
  /** By the roles of the caller. */
  private readonly seals = new Map<string, ListSeal>();

  constructor(
    private readonly home: TenantHome,
    private readonly defined: DefinedEntity,
    /** All of the tenant, by name. */
    private readonly entities: ReadonlyMap<string, DefinedEntity>,
    /** Its `after` does not matter here. */
    readonly query: ReadQuery,
    surface: Surface,
  ) {
    this.writer = listWriter(defined, query, surface === 'rest' ? 'always' : 'stored');
    this.keyset = query.isContinuable ? keysetOf(query.order, this.writer.cells) : null;
  }

  /** @param after null: the page begins at the beginning, or at an offset. */
  statement(after: Position | null): Statement {
    if (after !== null) return this.compiled(after);
    this.begun ??= this.compiled(null);
    return this.begun;
  }

  /** Bound to all that must not change between the pages of a list. */
  sealFor(roles: readonly string[], seal: CursorSeal): ListSeal {
    const sorted = [...roles].sort();
    const name = sorted.join(' ');
    const known = this.seals.get(name) ?? seal.of(this.identityFor(sorted));
    this.seals.set(name, known);
    return known;
  }

  /** Planning costs as much as running; a client repeats the shape of its queries, and the text depends on nothing else. */
  private compiled(after: Position | null): Statement {
    const { home, query, writer, keyset, defined } = this;
    const statement = readStatement(home, query, writer, keyset ? { keyset, after } : undefined);
    return { ...statement, name: preparedName(defined.version, statement.text) };
  }

  /** The versions are those of every entity whose values are sorted by. */
  private identityFor(roles: readonly string[]): string {
    const { home, query, defined, entities } = this;
    const related = query.order.flatMap(({ embed }) => (embed ? (entities.get(embed.node.entity.name) ?? []) : []));
    const versions = [defined, ...related].map(({ id, version }) => [id, version]);
    return JSON.stringify([home.tenantId, versions, roles, sequenceOf(home, query)]);
  }
}

/** `select=*` alone is the record as it always is. */
function listWriter(defined: DefinedEntity, query: ReadQuery, nulls: Nulls): ReadWriter {
  if (query.select.length !== 1 || query.select[0]?.kind !== 'all') return compileReadWriter(query, nulls);
  // Whose rows they are makes no difference to how one is written.
  const whole = defined.withAllRows ?? defined;
  const known = WHOLE_WRITERS[nulls].get(whole);
  if (known) return known;
  const writer = compileReadWriter(query, nulls);
  WHOLE_WRITERS[nulls].set(whole, writer);
  return writer;
}

const WHOLE_WRITERS: Record<Nulls, WeakMap<DefinedEntity, ReadWriter>> = { stored: new WeakMap(), always: new WeakMap() };
