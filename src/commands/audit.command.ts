import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { Command } from 'commander';
import { BundleVerifier } from '../model/audit/bundle.js';
import type { ChainReport } from '../model/audit/chain-report.js';
import { SentCheckpoints } from '../model/audit/sent-checkpoints.js';
import { type PublicKey, readPublicKeys } from '../model/audit/signing-key.js';
import { eraseCommand } from './audit-erase.command.js';
import { refusalOf } from './export.command.js';
import { type ServiceOptions, speaksToService, tenantClient } from './service-client.js';

interface VerifyOptions extends ServiceOptions {
  readonly publicKey?: string;
  readonly checkpoints?: string;
  readonly from?: string;
  readonly unvouched?: boolean;
  readonly json?: boolean;
}

type Report = ChainReport & {
  readonly ended?: { readonly upTo: number; readonly before: string } | null;
  /** Of a bundle. */
  readonly exportedAt?: string;
};

/** The chain of a tenant's trail: taken away, and verified with the service or without it. */
export function auditCommand(): Command {
  return new Command('audit')
    .description('Export the audit trail, verify its chain, and erase personal values from it')
    .addCommand(exportTrail())
    .addCommand(verify())
    .addCommand(eraseCommand());
}

function exportTrail(): Command {
  return speaksToService(new Command('export'), 'admin')
    .description('Write the trail with its chain and its checkpoints to standard output, to be verified anywhere')
    .addHelpText('after', '\nExample:\n  bss audit export > trail.ndjson')
    .action(async (options: ServiceOptions) => {
      const { client, base } = await tenantClient(options);
      const answer = await client.open('GET', `${base}/audit/export`, {});
      if (answer.statusCode !== 200) throw await refusalOf(answer);
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        // A reader that has seen enough, such as head, is no error.
        if (process.stdout.destroyed) return;
        if (!process.stdout.write(chunk)) await Promise.race([once(process.stdout, 'drain'), once(process.stdout, 'close')]);
      }
    });
}

function verify(): Command {
  return speaksToService(new Command('verify'), 'admin')
    .description('Recompute the chain of a trail: that of the service, or that in a bundle, for which no service is needed')
    .argument('[bundle]', 'a file of bss audit export')
    .option('--public-key <file>', 'for a bundle: PEM, JWK or JWK Set of the keys that sign checkpoints (GET /api/v1/audit/keys)')
    .option(
      '--checkpoints <file>',
      'for a bundle: the checkpoints that were sent, JSON lines; only they tell that the end was cut off',
    )
    .option('--unvouched', 'for a bundle: its events may be without any checkpoint, which is what a forged one would be')
    .option('--from <seq>', 'with the service: the first event to verify')
    .option('--json', 'the report as JSON')
    .addHelpText(
      'after',
      `
Exit code 1: something is wrong, and the number of the first bad event is named; or no checkpoint vouches for a bundle.

Examples:
  bss audit verify
  bss audit verify trail.ndjson --public-key keys.json --checkpoints checkpoints.jsonl`,
    )
    .action(async (bundle: string | undefined, options: VerifyOptions) => {
      const report = bundle === undefined ? await verifyOnline(options) : await verifyBundle(bundle, options);
      process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : `${told(report)}\n`);
      const isVouched = bundle === undefined || options.unvouched || report.checkpoint !== null || report.events === 0;
      if (!report.valid || !isVouched) process.exitCode = 1;
    });
}

async function verifyOnline(options: VerifyOptions): Promise<Report> {
  if (options.publicKey ?? options.checkpoints) throw new Error('--public-key and --checkpoints are for a bundle: name its file');
  const { client, base } = await tenantClient(options);
  const query = options.from === undefined ? '' : `?from=${encodeURIComponent(options.from)}`;
  const answer = await client.open('GET', `${base}/audit/verify${query}`, { accept: 'application/x-ndjson' });
  if (answer.statusCode !== 200) throw await refusalOf(answer);
  let report: Report | null = null;
  for await (const lines of linesOf(answer)) {
    const step = JSON.parse(lines.at(-1) as string) as Report | { readonly verified: number };
    if (!('verified' in step)) report = step;
    else if (process.stderr.isTTY) process.stderr.write(`\r${step.verified} events verified `);
  }
  if (process.stderr.isTTY) process.stderr.write('\r');
  if (!report) throw new Error('the verification broke off: run it again');
  return report;
}

async function verifyBundle(file: string, { publicKey, checkpoints, from }: VerifyOptions): Promise<Report> {
  if (publicKey === undefined)
    throw new Error('a bundle is verified with the public keys of its checkpoints: name them with --public-key');
  if (from !== undefined) throw new Error('a bundle is verified from its beginning on');
  const keys = readPublicKeys(await readFile(publicKey, 'utf8'));
  const sent = checkpoints === undefined ? null : await readCheckpoints(checkpoints, keys);
  const verifier = new BundleVerifier(keys, sent);
  let read = 0;
  for await (const lines of linesOf(createReadStream(file, { highWaterMark: 1 << 18 }))) {
    for (const line of lines) {
      read++;
      try {
        verifier.line(line);
      } catch (error) {
        throw new Error(`line ${read} of ${file}: ${(error as Error).message}`);
      }
    }
  }
  const { header, ...report } = verifier.finish();
  const ended =
    header.endedBefore === null || header.after.seq === 0 ? null : { upTo: header.after.seq, before: header.endedBefore };
  return { ...report, ended, exportedAt: header.exportedAt };
}

/** @throws when they do not follow from each other, or the last is not signed */
async function readCheckpoints(file: string, keys: readonly PublicKey[]): Promise<SentCheckpoints> {
  const sent = new SentCheckpoints();
  for await (const lines of linesOf(createReadStream(file))) {
    for (const jws of lines.flatMap((line) => jwsOf(line) ?? [])) sent.add(jws);
  }
  sent.check(keys);
  return sent;
}

/** null: half a line, where a process died; what it was about to say comes again behind it. */
function jwsOf(line: string): string | null {
  try {
    return (JSON.parse(line) as { checkpoint: string }).checkpoint;
  } catch {
    return null;
  }
}

/** Without those that are empty. readline took as long as all of the hashing. */
async function* linesOf(stream: Readable): AsyncGenerator<readonly string[]> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = bytes.lastIndexOf(0x0a) + 1;
    rest = bytes.subarray(end);
    if (end > 0)
      yield bytes
        .toString('utf8', 0, end)
        .split('\n')
        .filter((line) => line !== '');
  }
  if (rest.length > 0) yield [rest.toString('utf8')];
}

function told(report: Report): string {
  const { valid, from, events, head, checkpoints, checkpoint, firstBad, ended, tenantId, exportedAt } = report;
  const range = events === 0 ? 'no events' : `events ${from} to ${head.seq}`;
  const lines = [
    valid ? `valid: ${range}` : `NOT VALID at ${firstBad?.seq}: ${firstBad?.reason}. ${firstBad?.detail}`,
    ...(valid ? [] : [`${range} are as they were sealed`]),
    ...(ended ? [`events up to ${ended.upTo}, sealed before ${ended.before}, have ended by retention`] : []),
    checkpoint === null
      ? 'NOT VOUCHED FOR: no checkpoint says that these are the events there were'
      : `${checkpoints} checkpoints; the last is ${checkpoint.number} of ${checkpoint.time}, up to event ${checkpoint.seq}`,
    `head ${head.seq} ${head.hash}`,
    `tenant ${tenantId}${exportedAt === undefined ? '' : `, exported at ${exportedAt}`}`,
  ];
  return lines.join('\n');
}
