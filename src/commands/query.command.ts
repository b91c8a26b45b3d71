import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { Command, InvalidArgumentError } from 'commander';
import { counted } from '../platform/counted.js';
import { commaSeparated } from './comma-separated.js';
import { refusalOf } from './export.command.js';
import { findTenant, Refusal, type ServiceOptions, speaksToService, systemClient } from './service-client.js';

interface QueryOptions extends ServiceOptions {
  readonly grant: string;
  readonly tenants?: string[];
  readonly query?: string;
  readonly limit?: number;
  readonly concurrency?: number;
}

/** A line of the service's answer. */
interface Line {
  readonly type: string;
  readonly tenantId?: string;
  readonly slug?: string;
  readonly problem?: Readonly<Record<string, unknown>>;
  readonly complete?: boolean;
  readonly done?: number;
  readonly of?: number;
  readonly records?: number;
  readonly errors?: number;
}

/** Records of many tenants to stdout, one a line with the tenant it belongs to; what else there is to say, to stderr. */
export function queryCommand(): Command {
  return speaksToService(new Command('query'), 'system_admin')
    .description('Ask the tenants of an access grant for records, as NDJSON')
    .argument('<entity>')
    .requiredOption('--grant <id>', 'an access grant of yours, see bss grants create')
    .option('--tenants <tenants>', 'comma-separated ids or slugs; default: all that the grant names', commaSeparated)
    .option('--query <query>', 'as in lists, such as "select=number,total&status=eq.open"')
    .option('--limit <records>', 'most records of one tenant', readNumber)
    .option('--concurrency <tenants>', 'tenants that are asked at a time; default: 4', readNumber)
    .addHelpText('after', '\nExit code 1: the answer is not complete, or a tenant could not be asked.')
    .action(async (entity: string, { grant, tenants, query, limit, concurrency, ...options }: QueryOptions) => {
      const client = await systemClient(options);
      const ids: string[] = [];
      for (const tenant of tenants ?? []) ids.push(await findTenant(client, tenant));
      const body = { grant, entity, query, limit, concurrency, ...(tenants && { tenants: ids }) };
      const headers = { 'content-type': 'application/json' };
      const answer = await client.open('POST', '/api/v1/admin/query', headers, Readable.from([JSON.stringify(body)]));
      if (answer.statusCode !== 200) throw await refusalOf(answer);
      await write(answer);
    });
}

async function write(answer: Readable): Promise<void> {
  const slugs = new Map<string | undefined, string | undefined>();
  let end: Line | null = null;
  for await (const text of createInterface({ input: answer, crlfDelay: Number.POSITIVE_INFINITY })) {
    // Most lines are records, which need no reading here.
    if (text.startsWith('{"type":"record"')) {
      // A reader that has seen enough, such as head, is no error.
      if (process.stdout.destroyed) return;
      if (!process.stdout.write(`${text}\n`)) {
        await Promise.race([once(process.stdout, 'drain'), once(process.stdout, 'close')]);
      }
      continue;
    }
    const line = JSON.parse(text) as Line;
    if (line.type === 'tenant') slugs.set(line.tenantId, line.slug);
    if (line.type === 'error') process.stderr.write(`${slugs.get(line.tenantId) ?? line.tenantId}: ${told(line.problem)}\n`);
    if (line.type === 'end') end = line;
  }
  if (!end) throw new Error('the answer broke off: what was written is not all. Run it again');
  process.stderr.write(`${counted(end.records ?? 0, 'record')} of ${end.done} of ${counted(end.of ?? 0, 'tenant')}\n`);
  if (!end.complete) throw new Error(`the answer is not complete. ${told(end.problem)}`);
  if (end.errors) throw new Error(`${counted(end.errors, 'tenant')} could not be asked`);
}

function told(problem: Line['problem']): string {
  return new Refusal(0, problem ?? {}).message;
}

function readNumber(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('must be a whole number, 1 or more');
  return number;
}
