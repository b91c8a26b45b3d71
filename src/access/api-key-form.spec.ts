import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { ApiKeyForm } from './api-key-form.js';

/** Which texts are keys of this installation, before anybody is asked about them. */

const PEPPER = Buffer.alloc(32, 5);
const ID = '0190f3c0-7a1e-7c3b-8f00-0123456789ab';
const form = new ApiKeyForm('live', PEPPER);
const made = (id = ID) => form.make(id) ?? fail('no key was made');
const CHARACTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-. \n\u00e4';

function fail(message: string): never {
  throw new Error(message);
}

describe('an API key', () => {
  it('is refused when any one of its characters is another, is missing or is there twice', () => {
    const { text } = made();
    const accepted: string[] = [];
    for (let at = 0; at < text.length; at++) {
      const [before, after] = [text.slice(0, at), text.slice(at + 1)];
      const others = [...CHARACTERS].filter((character) => character !== text[at]);
      const changed = [before + after, before + text[at] + text[at] + after, ...others.map((other) => before + other + after)];
      accepted.push(...changed.filter((each) => form.read(each) !== null));
    }
    expect(accepted).toEqual([]);
  });

  it('is refused when it is cut off or goes on, in other letters, or two characters have changed places', () => {
    const { text } = made();
    for (let length = 0; length < text.length; length++) expect(form.read(text.slice(0, length))).toBeNull();
    for (const other of [`${text}0`, ` ${text}`, `${text} `, `${text}\n`, text.toUpperCase(), text.toLowerCase(), text + text]) {
      expect(form.read(other)).toBeNull();
    }
    for (let at = 1; at < text.length; at++) {
      if (text[at] === text[at - 1]) continue;
      const swapped = text.slice(0, at - 1) + text[at] + text[at - 1] + text.slice(at + 1);
      expect(form.read(swapped)).toBeNull();
    }
  });

  it('is refused by an installation of another environment, and by one without a pepper', () => {
    const { text } = made();
    for (const environment of ['test', 'liv', 'live1', 'liv3']) expect(new ApiKeyForm(environment, PEPPER).read(text)).toBeNull();
    expect(new ApiKeyForm('live', null).read(text)).toBeNull();
    expect(new ApiKeyForm('live', null).make(ID)).toBeNull();
  });

  it('has another hash under another pepper', () => {
    const { text, hash } = made();
    const other = new ApiKeyForm('live', Buffer.alloc(32, 6)).read(text);
    expect(other?.id).toBe(ID);
    expect(other?.hash.equals(hash)).toBe(false);
  });

  it('is refused quickly, however long it is', () => {
    const started = performance.now();
    for (const junk of ['bss_'.repeat(1 << 18), `bss_live_${'0'.repeat(1 << 20)}`]) expect(form.read(junk)).toBeNull();
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  it('is read as what it was made of, whatever the id and the environment', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.stringMatching(/^[a-z0-9]{1,16}$/), (id, environment) => {
        const one = new ApiKeyForm(environment, PEPPER);
        const { text, hash } = one.make(id) ?? fail('no key was made');
        const read = one.read(text);
        expect([read?.id, read?.hash.equals(hash), hash.length]).toEqual([id, true, 32]);
      }),
    );
  });

  it('has a secret of 256 bits, never the same twice, of which only a keyed hash is given away', () => {
    const keys = Array.from({ length: 2_000 }, () => made());
    const secrets = keys.map(({ text }) => text.split('_')[3] as string);
    expect(new Set(secrets).size).toBe(2_000);
    expect(new Set(secrets.map(({ length }) => length))).toEqual(new Set([43]));
    expect(keys[0]?.hash).toEqual(
      createHmac('sha256', PEPPER)
        .update(secrets[0] as string)
        .digest(),
    );
    // Every digit but the first, which 256 bits fill by a part, takes all of its values.
    for (let at = 1; at < 43; at++) expect(new Set(secrets.map((secret) => secret[at])).size).toBe(62);
  });
});
