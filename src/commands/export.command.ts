import { once } from 'node:events';
import { SingleBar } from 'cli-progress';
import { Command, Option } from 'commander';
import { collect } from './apply.command.js';
import { RecordCounter } from './record-counter.js';
import { Refusal, type ServiceClient, type ServiceOptions, speaksToService, tenantClient } from './service-client.js';

interface ExportOptions extends ServiceOptions {
  readonly format: 'ndjson' | 'csv';
  readonly filter: string[];
  readonly select?: string;
}

/** Writes all records of an entity to standard output. */
export function exportCommand(): Command {
  return speaksToService(new Command('export'), 'admin')
    .description('Write the records of an entity to standard output')
    .argument('<entity>')
    .addOption(new Option('--format <format>', 'one JSON object a line, or CSV').choices(['ndjson', 'csv']).default('ndjson'))
    .addOption(
      new Option('--filter <filter>', 'property=operator.value as in lists, such as status=eq.active; repeatable')
        .argParser(collect)
        .default([], 'all records'),
    )
    .option('--select <members>', 'as in lists, such as id,title; default: the whole record')
    .addHelpText(
      'after',
      `
Each record is as it was when it was read. Exit code 1: the export broke off, and what was written is not all.

Examples:
  bss export note > note.ndjson
  bss export note --format csv --filter size=gte.10 --select id,title > note.csv`,
    )
    .action(async (entity: string, options: ExportOptions) => {
      const { client, base } = await tenantClient(options);
      const filters = new URLSearchParams(options.filter.map(readFilter));
      const total = await countOf(client, `${base}/records/${encodeURIComponent(entity)}`, filters);
      const query = new URLSearchParams([...filters, ['format', options.format]]);
      if (options.select !== undefined) query.set('select', options.select);
      await write(client, `${base}/exports/${encodeURIComponent(entity)}?${query}`, options.format, total);
    });
}

async function write(client: ServiceClient, path: string, format: 'ndjson' | 'csv', total: number): Promise<void> {
  const answer = await client.open('GET', path, {});
  if (answer.statusCode !== 200) throw await refusalOf(answer);
  const bar = new SingleBar({
    format: '{bar} {percentage} %  {value} of {total} records  {eta_formatted} left',
    hideCursor: true,
  });
  const counter = new RecordCounter(format);
  bar.start(Math.max(total, 1), 0);
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      bar.update(counter.push(chunk));
      // A reader that has seen enough, such as head, is no error.
      if (process.stdout.destroyed) return;
      if (!process.stdout.write(chunk)) await Promise.race([once(process.stdout, 'drain'), once(process.stdout, 'close')]);
    }
  } catch {
    throw new Error('the export broke off: what was written is not all. Run it again');
  } finally {
    bar.stop();
  }
}

/** What is expected, near enough for a bar. */
async function countOf(client: ServiceClient, path: string, filters: URLSearchParams): Promise<number> {
  const query = new URLSearchParams([...filters, ['limit', '0']]);
  const { headers } = await client.call('GET', `${path}?${query}`, undefined, { prefer: 'count=estimated' });
  return Number(headers.get('content-range')?.split('/')[1] ?? 0) || 0;
}

/** The value may hold `=` as well. */
function readFilter(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new Error(`a filter is property=operator.value, such as status=eq.active, and not ${JSON.stringify(text)}`);
  return [text.slice(0, at), text.slice(at + 1)];
}

export async function refusalOf(answer: AsyncIterable<Buffer> & { statusCode?: number }): Promise<Refusal> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  let problem: Record<string, unknown> = {};
  try {
    problem = JSON.parse(text) as Record<string, unknown>;
  } catch {
    // Not of the service: the status says what there is to say.
  }
  return new Refusal(answer.statusCode ?? 0, problem);
}
