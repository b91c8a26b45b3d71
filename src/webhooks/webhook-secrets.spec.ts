import { WebhookSecrets } from './webhook-secrets.js';

const [TENANT, OTHER] = ['0190f3c0-7a1e-7c3b-8f00-00000000000a', '0190f3c0-7a1e-7c3b-8f00-00000000000b'];
const [HOOK, ANOTHER] = ['0190f3c0-7a1e-7c3b-8f00-000000000001', '0190f3c0-7a1e-7c3b-8f00-000000000002'];
const [FIRST, SECOND] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
const secret = Buffer.from('a secret of thirty-two bytes ...');
const secrets = new WebhookSecrets([FIRST]);

describe('a sealed secret', () => {
  const sealed = secrets.seal(TENANT, HOOK, secret);

  it('does not open for another tenant, another webhook, another key, nor with a bit changed', () => {
    expect(secrets.open(OTHER, HOOK, sealed)).toBeNull();
    expect(secrets.open(TENANT, ANOTHER, sealed)).toBeNull();
    expect(secrets.open(HOOK, TENANT, sealed)).toBeNull();
    expect(new WebhookSecrets([SECOND]).open(TENANT, HOOK, sealed)).toBeNull();
    expect(new WebhookSecrets([]).open(TENANT, HOOK, sealed)).toBeNull();
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] as number) ^ 1;
      expect([at, secrets.open(TENANT, HOOK, changed)]).toEqual([at, null]);
    }
    for (let length = 0; length < sealed.length; length++) {
      expect(secrets.open(TENANT, HOOK, sealed.subarray(0, length))).toBeNull();
    }
  });

  it('holds nothing of the secret, and is another each time', () => {
    expect(sealed.includes(secret.subarray(0, 8))).toBe(false);
    expect(secrets.seal(TENANT, HOOK, secret)).not.toEqual(sealed);
  });

  it('opens for whom it was sealed, in whatever case ids are written', () => {
    expect(secrets.open(TENANT.toUpperCase(), HOOK, sealed)?.export()).toEqual(secret);
  });

  it('opens with a former key as long as that is named', () => {
    const rotated = new WebhookSecrets([SECOND, FIRST]);
    expect(rotated.open(TENANT, HOOK, sealed)?.export()).toEqual(secret);
    expect(secrets.open(TENANT, HOOK, rotated.seal(TENANT, HOOK, secret))).toBeNull();
  });
});

describe('an installation without a key', () => {
  it('seals nothing', () => {
    const none = new WebhookSecrets([]);
    expect(none.areConfigured).toBe(false);
    expect(() => none.seal(TENANT, HOOK, secret)).toThrow('there is no WEBHOOK_KEY');
  });
});
