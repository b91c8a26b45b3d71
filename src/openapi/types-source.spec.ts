import fc from 'fast-check';
import ts from 'typescript';
import { readEntity } from '../model/document/read-entity.js';
import type { Entity } from '../model/entity.js';
import type { JsonObject, JsonValue } from '../platform/json-value.js';
import { typesSource } from './types-source.js';

const read = (documents: Record<string, JsonObject>): Entity[] =>
  Object.entries(documents).map(([name, document]) => readEntity(name, document));

/** For names that no document may use: the source has to be safe by itself. */
function unchecked(name: string, document: JsonObject): Entity {
  const properties = Object.keys((document.properties ?? {}) as JsonObject).map((member) => ({
    ...readEntity('a', { type: 'object', properties: { b: {} } }).properties[0]!,
    name: member,
    relation: { entity: name, field: member, onDelete: 'restrict' as const, inverse: member },
  }));
  return { ...readEntity('a', { type: 'object' }), name, properties, document };
}

/** The lines of one member of the source, `Row` for one, without their indentation. */
function membersOf(shape: 'Row' | 'Insert' | 'Update', properties: JsonObject, more: JsonObject = {}): string[] {
  const source = typesSource(read({ a: { type: 'object', properties, ...more } }));
  const [, text = ''] = new RegExp(`^        ${shape}: \\{\n([^]*?)^        \\}`, 'm').exec(source) ?? [];
  return text.split('\n').map((line) => line.trim());
}

function outline(source: string): { names: string[]; faults: number; comments: string[] } {
  const file = ts.createSourceFile('types.ts', source, ts.ScriptTarget.ES2022) as ts.SourceFile & { parseDiagnostics: unknown[] };
  const names = file.statements.map((statement) =>
    ts.isTypeAliasDeclaration(statement) ? statement.name.text : 'something else',
  );
  return { names, faults: file.parseDiagnostics.length, comments: source.match(/\/\/ *@|^[ *]*@(?!deprecated$)/gm) ?? [] };
}

describe('types source › hostile documents', () => {
  it.each([
    ['an end of comment', 'a */ export const x = 1; /*'],
    ['many of them', '**//*//**/*/'],
    ['a directive of the compiler', '@ts-nocheck'],
    ['a directive on a later line', 'a\n  * @ts-ignore\r/// @ts-expect-error\u2028@ts-ignore'],
    ['a reference', '/// <reference path="x" />'],
  ])('do not get out of a comment by %s', (_, description) => {
    const source = typesSource(read({ a: { type: 'object', title: description, properties: { b: { description } } } }));
    expect(outline(source)).toEqual({
      names: ['Json', 'Database', 'Tables', 'TablesInsert', 'TablesUpdate'],
      faults: 0,
      comments: [],
    });
  });

  it('do not show in another order than they are read in', () => {
    const text = '\u202e\u2066\u200b\u00a0\u0007';
    const source = typesSource(
      read({ a: { type: 'object', properties: { b: { type: 'string', enum: [text], description: text } } } }),
    );
    expect(source).toMatch(/^[\x20-\x7e\n]*$/);
    expect(source).toContain('"\\u{202e}\\u{2066}\\u{200b}\\u{a0}\\u0007"');
  });

  it('whatever they say, make the same declarations', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('__proto__', '*/', '"', "'", '`', '\\', '\n', '[x]', 'a b', '@a'),
    );
    const schema = fc.oneof(
      text.map((description): JsonValue => ({ description, type: 'string', enum: [description] })),
      text.map(
        (name): JsonValue => ({ type: 'object', required: [name], properties: { [name]: { const: { [name]: [name] } } } }),
      ),
      fc.constant<JsonValue>({ $ref: '#' }),
    );
    const document = fc.tuple(text, fc.uniqueArray(fc.tuple(text, schema), { selector: ([name]) => name, maxLength: 4 }));
    const tenant = fc.uniqueArray(fc.tuple(text, document), { selector: ([name]) => name, maxLength: 3 });
    fc.assert(
      fc.property(tenant, (entities) => {
        const source = typesSource(
          entities.map(([name, [title, members]]) =>
            unchecked(name, { type: 'object', title, properties: Object.fromEntries(members) }),
          ),
        );
        const { names, faults } = outline(source);
        expect(faults).toBe(0);
        expect(names.filter((name) => name !== 'Definitions')).toEqual([
          'Json',
          'Database',
          'Tables',
          'TablesInsert',
          'TablesUpdate',
        ]);
      }),
    );
  });
});

describe('types source › members', () => {
  const PROPERTIES: JsonObject = {
    code: { type: 'string' },
    note: { type: 'string' },
    count: { type: ['integer', 'null'] },
    size: { type: 'string', default: 'M' },
    serial: { type: 'string', readOnly: true },
    pin: { type: 'string', writeOnly: true },
    made: { type: 'string', format: 'date-time', generated: 'now' },
    origin: { type: 'string', immutable: true },
  };
  const more = { required: ['code', 'count', 'size'] };

  it('that are read may be null unless they are required and never null; what is write-only is not among them', () => {
    expect(membersOf('Row', PROPERTIES, more)).toEqual([
      ...['id: string;', 'created_at: string;', 'updated_at: string;', 'created_by: string;', 'updated_by: string;'],
      ...['revision: number;', 'code: string;', 'note: string | null;', 'count: number | null;', 'size: string;'],
      ...['serial: string | null;', 'made: string | null;', 'origin: string | null;', ''],
    ]);
  });

  it('that are inserted are what the store does not set; of the system members the id', () => {
    expect(membersOf('Insert', PROPERTIES, more)).toEqual([
      ...['id?: string;', 'code: string;', 'note?: string;', 'count: number | null;', 'size?: string;', 'pin?: string;'],
      ...['origin?: string;', ''],
    ]);
  });

  it('that are updated are optional, null takes away what is, and what is set once is not among them', () => {
    expect(membersOf('Update', PROPERTIES, more)).toEqual([
      ...['code?: string;', 'note?: string | null;', 'count?: number | null;', 'size?: string;', 'pin?: string | null;', ''],
    ]);
  });

  it('are quoted where their names are no identifiers', () => {
    expect(membersOf('Update', { größe: {}, 'a-b': {}, a_b: {}, default: {} })).toEqual([
      ...['"größe"?: Json | null;', '"a-b"?: Json | null;', 'a_b?: Json | null;', 'default?: Json | null;', ''],
    ]);
  });

  it('have no literals where the store keeps the meaning of a text and not its letters', () => {
    const time = { type: 'string', format: 'date-time', enum: ['2026-01-01T00:00:00+01:00'] };
    expect(membersOf('Insert', { time, day: { type: ['string', 'null'], format: 'date' } }).slice(1, 3)).toEqual([
      ...['time?: string;', 'day?: string | null;'],
    ]);
  });

  it('have the type of their values where they are encrypted, and say so', () => {
    const encrypted = true;
    const properties: JsonObject = {
      n: { type: 'integer', encrypted: { searchable: 'equality' } },
      b: { type: 'boolean', encrypted },
      o: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'], encrypted },
      day: { type: 'string', format: 'date', description: 'Of birth', encrypted },
    };
    const sealed = 'Stored encrypted: filtered only by whether there is a value, and never sorted by.';
    expect(membersOf('Update', properties)).toEqual([
      ...['/** Stored encrypted: filtered by equal values only, and never sorted by. */', 'n?: number | null;'],
      ...[`/** ${sealed} */`, 'b?: boolean | null;', `/** ${sealed} */`, 'o?: {', 'a: string;', '} | null;'],
      ...['/**', '* Of birth', `* ${sealed}`, '*/', 'day?: string | null;', ''],
    ]);
  });

  it('declare a system member once, although the document does as well', () => {
    const row = membersOf('Row', { id: { type: 'string', format: 'uuid', title: 'Mine' } });
    expect(row.filter((line) => line.startsWith('id'))).toEqual(['id: string;']);
  });

  it('say what the document says about them', () => {
    expect(membersOf('Update', { a: { title: 'A', description: 'first\nsecond', deprecated: true, type: 'string' } })).toEqual([
      ...['/**', '* A', '* first', '* second', '* @deprecated', '*/', 'a?: string | null;', ''],
    ]);
  });
});

describe('types source', () => {
  const DOCUMENTS: Record<string, JsonObject> = {
    order: {
      description: 'What was sold.',
      type: 'object',
      required: ['customer'],
      properties: {
        customer: { type: 'integer', relation: { entity: 'customer', field: 'number', inverse: 'orders' } },
        follows: { type: 'string', format: 'uuid', unique: true, relation: { entity: 'order' } },
      },
    },
    customer: { type: 'object', required: ['number'], properties: { number: { type: 'integer', unique: true } } },
  };

  it('is this text', () => {
    expect(typesSource(read(DOCUMENTS))).toBe(GOLDEN);
  });

  it('does not depend on the order of the entities', () => {
    expect(typesSource(read(DOCUMENTS).reverse())).toBe(GOLDEN);
  });

  it('leaves out relations to entities that are not there', () => {
    const [order] = read(DOCUMENTS);
    expect(typesSource([order!])).not.toContain('order.customer.fkey');
    expect(typesSource([order!])).toContain('order.follows.fkey');
  });
});

const GOLDEN = `/* Generated from the entity documents of the tenant. Changes made here are lost when it is generated again. */

export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[];

export type Database = {
  __InternalSupabase: { PostgrestVersion: "13" };
  public: {
    Tables: {
      customer: {
        Row: {
          id: string;
          created_at: string;
          updated_at: string;
          created_by: string;
          updated_by: string;
          revision: number;
          number: number;
        };
        Insert: {
          id?: string;
          number: number;
        };
        Update: {
          number?: number;
        };
        Relationships: [];
      };
      /** What was sold. */
      order: {
        Row: {
          id: string;
          created_at: string;
          updated_at: string;
          created_by: string;
          updated_by: string;
          revision: number;
          customer: number;
          follows: string | null;
        };
        Insert: {
          id?: string;
          customer: number;
          follows?: string;
        };
        Update: {
          customer?: number;
          follows?: string | null;
        };
        Relationships: [{
          foreignKeyName: "order.customer.fkey";
          columns: ["customer"];
          isOneToOne: false;
          referencedRelation: "customer";
          referencedColumns: ["number"];
        }, {
          foreignKeyName: "order.follows.fkey";
          columns: ["follows"];
          isOneToOne: true;
          referencedRelation: "order";
          referencedColumns: ["id"];
        }];
      };
    };
    Views: { [_ in never]: never };
    Functions: {
      /** Inverse of a relation: to be embedded by select, not to be called. */
      orders: {
        Args: { "": Database["public"]["Tables"]["customer"]["Row"] };
        Returns: Database["public"]["Tables"]["order"]["Row"][];
        SetofOptions: { from: "customer"; to: "order"; isOneToOne: false; isSetofReturn: true };
      };
    };
    Enums: { [_ in never]: never };
    CompositeTypes: { [_ in never]: never };
  };
};

/** A record of the entity as it is read. */
export type Tables<Name extends keyof Database["public"]["Tables"]> = Database["public"]["Tables"][Name] extends { Row: infer Row } ? Row : never;

/** A record of the entity as an insert takes it. */
export type TablesInsert<Name extends keyof Database["public"]["Tables"]> = Database["public"]["Tables"][Name] extends { Insert: infer Insert } ? Insert : never;

/** What an update of the entity takes. */
export type TablesUpdate<Name extends keyof Database["public"]["Tables"]> = Database["public"]["Tables"][Name] extends { Update: infer Update } ? Update : never;
`;
