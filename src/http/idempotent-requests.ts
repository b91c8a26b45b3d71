import { Inject, Injectable } from '@nestjs/common';
import { RuntimePool } from '../database/runtime-pool.js';
import { problemOf } from '../database/sqlstate.js';
import { TenantTx } from '../database/tenant-tx.js';
import { TenantKeys } from '../keys/tenant-keys.js';
import { UnknownKeyVersion } from '../model/sealed/keyring.js';
import { Fingerprints } from '../platform/fingerprints.js';
import { Problem } from '../platform/problem.js';
import { SETTINGS, type Settings } from '../platform/settings.js';
import { Answer } from './answer.js';
import { hashOfKey, hashOfRequest } from './idempotency-key.js';
import { OneAtATime } from './one-at-a-time.js';
import { accessOf, actorOf, type ServiceRequest, tenantOfRequest } from './request.js';
import { keptAnswer, repeatedAnswer } from './sealed-answers.js';
import {
  AnsweredBefore,
  assertKeepable,
  claimKey,
  findAnswer,
  inProgress,
  type KeptAnswer,
  type KeyedRequest,
  keepAnswer,
} from './stored-answers.js';

type Work = (tx: TenantTx) => Promise<unknown>;

/**
 * Writes that carry an Idempotency-Key: done once, and answered alike every time. The key is claimed with the first statement of the
 * write and its answer kept with the last, in one transaction: a refused request leaves nothing, and an answer lost after COMMIT is there
 * for the repeat. Until its first statement a request holds no connection, with a key as without.
 */
@Injectable()
export class IdempotentRequests {
  private readonly turns: OneAtATime;

  constructor(
    private readonly pool: RuntimePool,
    private readonly keys: TenantKeys,
    private readonly fingerprints: Fingerprints,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {
    this.turns = new OneAtATime(settings.STATEMENT_TIMEOUT_MS, inProgress);
  }

  /** @param run runs work in a writing transaction of the request's tenant, maybe twice. */
  async answer(request: ServiceRequest, key: string, work: Work, run: (work: Work) => Promise<unknown>): Promise<unknown> {
    const keyed = this.keyedRequest(request, key);
    const name = [keyed.tenantId, keyed.keyHash, keyed.subject].join(' ');
    return this.turns.run(name, async () => {
      let isClaimed = false;
      const writing = run((tx) =>
        this.write(tx, keyed, work, () => {
          isClaimed = true;
        }),
      );
      return writing.catch(async (error: unknown) => {
        if (error instanceof AnsweredBefore) return this.repeated(request, keyed, error.answer);
        // What was done once may be refused now, such as a record that does not fit a newer definition: it was done all the same.
        // But what the caller may not do any more, it is not answered with either.
        const status = problemOf(error)?.status ?? 500;
        const answer = status < 500 && status !== 403 && !isClaimed ? await this.find(request, keyed) : null;
        if (answer) return this.repeated(request, keyed, answer);
        throw error;
      });
    });
  }

  private async write(tx: TenantTx, keyed: KeyedRequest, work: Work, onClaim: () => void): Promise<Answer> {
    let claiming: Promise<void> | null = null;
    const claim = (): Promise<void> => {
      claiming ??= claimKey(tx, keyed, this.settings.IDEMPOTENCY_HOURS);
      onClaim();
      return claiming;
    };
    const answer = await work(tx.lend(claim));
    if (!(answer instanceof Answer)) throw new Error('a route that takes an Idempotency-Key answers with an Answer');
    // Whoever wrote nothing, such as no records at all, has not claimed it yet.
    await claim();
    assertKeepable(answer.body);
    await keepAnswer(
      tx,
      keyed,
      keptAnswer(() => this.keys.peek(keyed.tenantId), keyed, answer),
    );
    return answer;
  }

  private find(request: ServiceRequest, keyed: KeyedRequest): Promise<KeptAnswer | null> {
    const { home } = tenantOfRequest(request);
    return TenantTx.run(this.pool, home, actorOf(request), { readOnly: true }, (tx) => findAnswer(tx, keyed));
  }

  /** Behind its transaction, which may wait for no key. @throws Problem key/unavailable; key/destroyed where nobody can open it any more */
  private async repeated(request: ServiceRequest, keyed: KeyedRequest, kept: KeptAnswer): Promise<Answer> {
    const tenant = tenantOfRequest(request);
    try {
      const open = async () => repeatedAnswer(() => this.keys.peek(tenant.id), keyed, kept);
      return await this.keys.having(tenant, open, actorOf(request));
    } catch (error) {
      if (!(error instanceof UnknownKeyVersion)) throw error;
      throw new Problem(
        'key/destroyed',
        'The request was answered before, and what it did stays done. Its answer was kept under a key that is retired since.',
      );
    }
  }

  private keyedRequest(request: ServiceRequest, key: string): KeyedRequest {
    const { method, raw, body, bodyHash } = request;
    if (bodyHash === undefined && body !== undefined && body !== null) throw new Error('the body was read without its hash');
    const asked = hashOfRequest(method, raw.url ?? '', bodyHash ?? '', accessOf(request));
    return {
      tenantId: tenantOfRequest(request).id,
      subject: actorOf(request).subject,
      keyHash: hashOfKey(key),
      // With the key, which the database does not have either, if it cannot be guessed.
      // Last, as it was kept before there were keyed ones: for as long as an answer of then is kept.
      requestHashes: [...this.fingerprints.allOf('request', key, asked), asked],
    };
  }
}
