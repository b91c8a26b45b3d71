import type { JsonObject } from '../../platform/json-value.js';
import type { SystemMember } from '../entity.js';
import { readReferences } from './references.js';
import { systemMemberFaults } from './system-members.js';

const references = readReferences({ $defs: { id: { type: 'string', format: 'uuid' } } });
const said = (name: SystemMember, schema: JsonObject | boolean) =>
  systemMemberFaults(name, schema, references).map(({ message }) => message);

describe('systemMemberFaults', () => {
  it.each<[SystemMember, JsonObject | boolean, string]>([
    ['id', { type: 'integer' }, 'as a string with "format": "uuid", never null'],
    ['id', { type: 'string' }, 'as a string with "format": "uuid"'],
    ['id', {}, 'as a string with "format": "uuid"'],
    ['id', true, 'as a string with "format": "uuid"'],
    ['id', { type: ['string', 'null'], format: 'uuid' }, 'never null'],
    ['created_at', { type: 'string', format: 'date' }, 'as a string with "format": "date-time"'],
    ['created_by', { type: 'string', format: 'uuid' }, 'as a string, never null'],
    ['revision', { type: 'string' }, 'as an integer'],
    ['id', { type: 'string', format: 'uuid', unique: true }, 'pays no heed to "unique"'],
    ['created_by', { type: 'string', maxLength: 3 }, 'pays no heed to "maxLength"'],
    ['updated_at', { type: 'string', format: 'date-time', encrypted: true }, 'pays no heed to "encrypted"'],
  ])('refuses %s as %j', (name, schema, message) => {
    expect(said(name, schema)).toEqual([expect.stringContaining(message)]);
  });

  it.each<[SystemMember, JsonObject]>([
    ['id', { type: 'string', format: 'uuid', title: 'Id', readOnly: true }],
    ['id', { $ref: '#/$defs/id' }],
    ['created_at', { type: 'string', format: 'date-time', description: 'd' }],
    ['updated_by', { type: ['string'] }],
    ['revision', { type: 'integer' }],
  ])('accepts %s as %j', (name, schema) => expect(said(name, schema)).toEqual([]));
});
