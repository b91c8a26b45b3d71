/** From the rows of `catalogStatement` to what they say. */

import { quoteIdent } from '../sql.js';
import { type ConstraintCatalog, sortedByName, type TableCatalog } from './catalog.js';

/** A row as either kind of transaction returns it. */
type CatalogRow = readonly (string | null)[] | { readonly catalog: string };

export function readCatalog(rows: readonly CatalogRow[]): TableCatalog[] {
  return rows.map((row) => readTable(JSON.parse(('catalog' in row ? row.catalog : row[0]) as string) as RawTable));
}

interface RawTable {
  readonly table: string;
  readonly rowSecurity: boolean;
  readonly forced: boolean;
  readonly columns: readonly RawColumn[] | null;
  readonly constraints: readonly RawConstraint[] | null;
  readonly indexes: readonly RawIndex[] | null;
  readonly policies: readonly RawPolicy[] | null;
}

type RawColumn = readonly [number: number, name: string, type: string, notNull: boolean, unusual: Unusual | null];

interface Unusual {
  readonly collation: string | null;
  readonly identity: boolean;
  readonly generated: boolean;
  readonly default: string | null;
}

interface RawConstraint {
  readonly name: string;
  readonly kind: string;
  readonly valid: boolean;
  readonly columns: readonly number[] | null;
  readonly index: string | null;
  readonly definition: string | null;
  readonly references: RawReference | null;
}

interface RawReference {
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly string[];
  readonly onDelete: string;
  readonly onUpdate: string;
  readonly match: string;
  readonly deferrable: boolean;
  readonly deferred: boolean;
}

interface RawIndex {
  readonly id: string;
  readonly name: string;
  readonly valid: boolean;
  /** 0 for an expression. */
  readonly columns: readonly number[];
  readonly definition: string | null;
}

interface RawPolicy {
  readonly name: string;
  readonly permissive: boolean;
  readonly command: string;
  readonly roles: readonly string[];
  readonly using: string | null;
  readonly check: string | null;
}

const KINDS: Readonly<Record<string, ConstraintCatalog['kind']>> = {
  p: 'primary key',
  u: 'unique',
  c: 'check',
  f: 'foreign key',
  x: 'exclusion',
  t: 'trigger',
};

const NOT_NULL = 'n';

const ACTIONS: Readonly<Record<string, string>> = {
  a: 'no action',
  r: 'restrict',
  c: 'cascade',
  n: 'set null',
  d: 'set default',
};

const COMMANDS: Readonly<Record<string, string>> = { '*': 'all', r: 'select', a: 'insert', w: 'update', d: 'delete' };

function readTable(raw: RawTable): TableCatalog {
  const { table, rowSecurity, forced } = raw;
  const [columns, constraints, indexes] = [raw.columns ?? [], raw.constraints ?? [], raw.indexes ?? []];
  const names = new Map(columns.map(([number, name]) => [number, name]));
  const columnsOf = (numbers: readonly number[] | null): string[] => (numbers ?? []).flatMap((number) => names.get(number) ?? []);
  const unchecked = new Set(constraints.flatMap(({ kind, columns }) => (kind === NOT_NULL ? columns : null) ?? []));
  const owned = new Map(
    constraints.flatMap(({ index }) => (index === null ? [] : [[index, indexes.find(({ id }) => id === index)]])),
  );
  return {
    table,
    columns: columns.map(([number, name, type, notNull, unusual]) => ({
      name,
      type: `${type}${unusual ? unusualText(unusual) : ''}`,
      notNull: notNull && !unchecked.has(number),
    })),
    constraints: sortedByName(
      constraints
        .filter(({ kind }) => kind !== NOT_NULL)
        .map((constraint) => ({
          name: constraint.name,
          kind: KINDS[constraint.kind] as ConstraintCatalog['kind'],
          valid: constraint.valid && (constraint.index === null || owned.get(constraint.index)?.valid === true),
          ...definitionOf(constraint, columnsOf(constraint.columns)),
        })),
    ),
    indexes: sortedByName(
      indexes
        .filter(({ id }) => !owned.has(id))
        .map(({ name, valid, columns, definition }) => ({
          ...{ name, valid },
          definition: indexDefinition(definition ?? ''),
          columns: columnsOf(columns),
        })),
    ),
    rowSecurity,
    forced,
    policies: sortedByName((raw.policies ?? []).map((policy) => ({ name: policy.name, definition: policyDefinition(policy) }))),
  };
}

function unusualText({ collation, identity, generated, default: value }: Unusual): string {
  return [
    ...(collation === null ? [] : [` collate ${collation}`]),
    ...(identity ? [' generated as identity'] : []),
    ...(value === null ? [] : [generated ? ` generated always as (${value})` : ` default ${value}`]),
  ].join('');
}

function definitionOf(
  { definition, references }: RawConstraint,
  columns: readonly string[],
): Pick<ConstraintCatalog, 'definition' | 'columns' | 'references'> {
  if (!references) return { definition: definition ?? '', columns };
  const { schema, table, columns: fields, onDelete, onUpdate, match, deferrable, deferred } = references;
  const words = [
    `foreign key (${columns.map(quoteIdent).join(', ')})`,
    `references ${quoteIdent(schema)}.${quoteIdent(table)} (${fields.map(quoteIdent).join(', ')})`,
    `on delete ${ACTIONS[onDelete]}`,
    ...(onUpdate === 'a' ? [] : [`on update ${ACTIONS[onUpdate]}`]),
    ...(match === 's' ? [] : ['match full']),
    ...(deferrable ? ['deferrable'] : []),
    ...(deferred ? ['initially deferred'] : []),
  ];
  return { definition: words.join(' '), columns, references: { table, columns: fields } };
}

const IDENTIFIER = '(?:"(?:[^"]|"")*"|[^" .]+)';
const BEFORE_USING = new RegExp(`^CREATE (UNIQUE )?INDEX ${IDENTIFIER} ON (?:ONLY )?(?:${IDENTIFIER}\\.)?${IDENTIFIER} USING `);

function indexDefinition(text: string): string {
  return text.replace(BEFORE_USING, (_before, unique: string | undefined) => (unique ? 'unique ' : ''));
}

function policyDefinition({ permissive, command, roles, using, check }: RawPolicy): string {
  return [
    `as ${permissive ? 'permissive' : 'restrictive'} for ${COMMANDS[command]}`,
    // Postgres prints role 0, which is everybody, as a dash.
    `to ${[...roles]
      .map((role) => (role === '-' ? 'public' : role))
      .sort()
      .join(', ')}`,
    ...(using === null ? [] : [`using ${using}`]),
    ...(check === null ? [] : [`with check ${check}`]),
  ].join(' ');
}
