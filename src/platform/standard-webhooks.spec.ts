import { createSecretKey } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { newWebhookSecret, parseWebhookSecret, webhookHeaders, webhookSecretText } from './standard-webhooks.js';

const now = () => Math.floor(Date.now() / 1000);

function sent(secrets: readonly Buffer[], body: string) {
  return webhookHeaders({ id: 'msg-1', timestamp: now(), body }, secrets.map(createSecretKey));
}

describe('a signed message', () => {
  const body = JSON.stringify({ text: 'ä 😀' });

  it('is not accepted with another secret, body, id or time', () => {
    const secret = newWebhookSecret();
    const headers = sent([secret], body);
    const receiver = new Webhook(webhookSecretText(secret));
    expect(() => new Webhook(webhookSecretText(newWebhookSecret())).verify(body, headers)).toThrow('No matching signature');
    expect(() => receiver.verify(`${body} `, headers)).toThrow('No matching signature');
    expect(() => receiver.verify(body, { ...headers, 'webhook-id': 'msg-2' })).toThrow('No matching signature');
    expect(() => receiver.verify(body, { ...headers, 'webhook-timestamp': String(now() - 9) })).toThrow('No matching');
  });

  it('is accepted by the library of the scheme, with either secret during a rotation', () => {
    const [former, current] = [newWebhookSecret(), newWebhookSecret()];
    const headers = sent([current, former], body);
    expect(headers['webhook-signature']).toMatch(/^v1,[A-Za-z0-9+/]{43}= v1,[A-Za-z0-9+/]{43}=$/);
    for (const secret of [former, current]) {
      expect(new Webhook(webhookSecretText(secret)).verify(body, headers)).toEqual(JSON.parse(body));
    }
  });

  it('is signed as the example of the scheme is', () => {
    const secret = parseWebhookSecret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw') as Buffer;
    const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1614265330, body: '{"test": 2432232314}' };
    expect(webhookHeaders(message, [createSecretKey(secret)])['webhook-signature']).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    );
  });
});

describe('a secret', () => {
  it('that is too short, too long, without its prefix or not base64 is none', () => {
    const of = (bytes: number) => `whsec_${Buffer.alloc(bytes, 1).toString('base64')}`;
    for (const text of ['', 'whsec_', of(23), of(65), of(32).slice(6), `${of(32)}!`, 'whsec_****']) {
      expect([text, parseWebhookSecret(text)]).toEqual([text, null]);
    }
    for (const bytes of [24, 32, 64]) expect(parseWebhookSecret(of(bytes))).toEqual(Buffer.alloc(bytes, 1));
  });
});
