import { createReadStream, statSync } from 'node:fs';
import { extname } from 'node:path';
import { Transform } from 'node:stream';
import { SingleBar } from 'cli-progress';
import { Command, Option } from 'commander';
import type { ImportView } from '../imports/import-store.js';
import { counted } from '../platform/counted.js';
import { uuidV7 } from '../platform/uuid.js';
import { refusalOf } from './export.command.js';
import { Refusal, type ServiceClient, type ServiceOptions, speaksToService, tenantClient } from './service-client.js';

interface ImportOptions extends ServiceOptions {
  readonly format?: 'ndjson' | 'csv';
  readonly dryRun?: boolean;
  readonly onError: 'abort' | 'skip';
  readonly onConflict?: string;
  readonly ignore?: string;
  readonly resume?: string;
  readonly json?: boolean;
}

const EVERY_MS = 1_000;
const MEDIA_TYPES = { ndjson: 'application/x-ndjson', csv: 'text/csv' } as const;

/** Sends a file of records to be stored, and shows how far it is. */
export function importCommand(): Command {
  return speaksToService(new Command('import'), 'admin')
    .description('Store the records of a file, batch by batch')
    .argument('<entity>')
    .argument('<file>', 'NDJSON or CSV')
    .addOption(new Option('--format <format>', 'default: csv for a file that ends so, else ndjson').choices(['ndjson', 'csv']))
    .option('--dry-run', 'check every record, its keys and relations included, and store nothing')
    .addOption(
      new Option('--on-error <what>', 'end at the first record that is refused, or go on without it')
        .choices(['abort', 'skip'])
        .default('abort'),
    )
    .option('--on-conflict <members>', 'records with the same unique members are changed, not refused, such as sku')
    .option('--ignore <members>', 'members that are left out, such as color,size')
    .option('--resume <id>', 'go on with an import that was interrupted or aborted, with the same file')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
What is stored stays stored when an import ends early: correct the file from the line named, and resume.
Exit code 1: the import ended early, or records were passed over.

Examples:
  bss import note note.ndjson --dry-run
  bss import note note.csv --on-error skip
  bss import note note.csv --resume 0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b`,
    )
    .action(async (entity: string, file: string, options: ImportOptions) => {
      const { client, base } = await tenantClient(options);
      const id = options.resume ?? uuidV7();
      const view = await send(client, `${base}/imports`, id, entity, file, options).catch((error: unknown) => {
        // What was refused before it began is nothing to go on with.
        if (options.dryRun || (error instanceof Refusal && error.problem.import === undefined)) throw error;
        const reason = error instanceof Error ? error.message : String(error);
        throw new Error(`${reason}\nTo go on: bss import ${entity} ${file} --resume ${id}`);
      });
      process.stdout.write(options.json ? `${JSON.stringify(view, null, 2)}\n` : describe(view, options.dryRun));
      if (view.failed > 0) process.exitCode = 1;
    });
}

async function send(
  client: ServiceClient,
  path: string,
  id: string,
  entity: string,
  file: string,
  options: ImportOptions,
): Promise<ImportView> {
  const { size } = statSync(file);
  const format = options.format ?? (extname(file).toLowerCase() === '.csv' ? 'csv' : 'ndjson');
  const bar = new SingleBar({
    format: '{bar} {percentage} %  {stored} stored  {failed} failed  {eta_formatted} left',
    hideCursor: true,
  });
  bar.start(Math.max(size, 1), 0, { stored: 0, failed: 0 });
  // What has been sent has been stored, but for a batch and what lies in buffers on the way.
  let sent = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _, done) {
      sent += chunk.length;
      bar.update(sent);
      done(null, chunk);
    },
  });
  const looking = setInterval(() => {
    if (options.dryRun) return;
    client
      .get<ImportView>(`${path}/${id}`)
      .then(({ stored, failed }) => bar.update(sent, { stored, failed }))
      // It has not begun, or the answer to it all is on its way.
      .catch(() => {});
  }, EVERY_MS);
  const source = createReadStream(file);
  try {
    const target = `${path}/${encodeURIComponent(entity)}?${queryOf(id, options)}`;
    source.on('error', (error) => meter.destroy(error));
    const answer = await client.open('POST', target, { 'content-type': MEDIA_TYPES[format] }, source.pipe(meter));
    if (answer.statusCode !== 200) throw await refusalOf(answer);
    const chunks: Buffer[] = [];
    for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
    const view = JSON.parse(Buffer.concat(chunks).toString('utf8')) as ImportView;
    bar.update(size, { stored: view.stored, failed: view.failed });
    return view;
  } finally {
    clearInterval(looking);
    bar.stop();
    // What an early answer has left unsent.
    source.destroy();
    meter.destroy();
  }
}

function queryOf(id: string, { resume, dryRun, onError, onConflict, ignore }: ImportOptions): URLSearchParams {
  if (resume !== undefined) return new URLSearchParams({ resume });
  return new URLSearchParams({
    ...{ onError, ...(dryRun ? { dryRun: 'true' } : { id }) },
    ...(onConflict === undefined ? {} : { on_conflict: onConflict }),
    ...(ignore === undefined ? {} : { ignore }),
  });
}

function describe({ entity, stored, failed, errors }: ImportView, dryRun = false): string {
  const places = errors.map(({ line, pointer, message }) => `  line ${line} ${pointer}: ${message}\n`);
  const done = dryRun ? 'would be stored' : 'stored';
  const passed = failed === 0 ? '' : `, ${failed} refused${errors.length < failed ? '; the first faults' : ''}:`;
  return `${entity}: ${counted(stored, 'record')} ${done}${passed}\n${places.join('')}`;
}
