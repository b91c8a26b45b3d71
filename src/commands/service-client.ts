import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Command, Option } from 'commander';
import { openDevelopmentIssuer } from '../access/development-issuer.js';
import { readSettings } from '../platform/settings.js';
import { isUuid } from '../platform/uuid.js';

/**
 * For commands that speak to a running service through its public API: where it is, who is asking, and what a refusal said.
 * In embedded mode tokens come from the development Auth Service; elsewhere `--token` names one.
 */

export interface ServiceOptions {
  readonly url?: string;
  readonly token?: string;
  /** Id or slug. */
  readonly tenant?: string;
}

/** Adds --url and --token, and for commands inside a tenant --tenant. */
export function speaksToService(command: Command, role: 'admin' | 'system_admin'): Command {
  const options = [
    new Option('--url <url>', 'the service; default: http://127.0.0.1 at PORT'),
    new Option(
      '--token <token>',
      `an access token with role ${role}; default in embedded mode: one of the development Auth Service`,
    ),
    ...(role === 'admin'
      ? [new Option('--tenant <id or slug>', 'the tenant; default: that of --token, in embedded mode the demo tenant')]
      : []),
  ];
  for (const option of options) command.addOption(option);
  return command;
}

/** A client that acts for the platform. */
export async function systemClient(options: ServiceOptions): Promise<ServiceClient> {
  const { baseUrl, sign } = surroundings(options);
  return new ServiceClient(baseUrl, options.token ?? (await sign()));
}

/** A client inside one tenant, and the path all of the tenant's own routes begin with. */
export async function tenantClient(options: ServiceOptions): Promise<{ client: ServiceClient; tenantId: string; base: string }> {
  const { baseUrl, sign } = surroundings(options);
  if (options.token !== undefined) {
    const client = new ServiceClient(baseUrl, options.token);
    const { tenant } = await client.get<{ tenant: { id: string; slug: string } | null }>('/api/v1/session');
    if (!tenant) throw new Error('the token belongs to no tenant: this needs one with role admin in a tenant');
    if (options.tenant !== undefined && ![tenant.id, tenant.slug].includes(options.tenant)) {
      throw new Error(`the token belongs to the tenant ${tenant.slug} (${tenant.id}), not to ${options.tenant}`);
    }
    return { client, tenantId: tenant.id, base: `/api/v1/tenants/${tenant.id}` };
  }
  const tenantId = await findTenant(new ServiceClient(baseUrl, await sign()), options.tenant ?? 'demo');
  return { client: new ServiceClient(baseUrl, await sign(tenantId)), tenantId, base: `/api/v1/tenants/${tenantId}` };
}

/** The id of a tenant by its id or slug; the client acts for the platform. */
export async function findTenant(client: ServiceClient, wanted: string): Promise<string> {
  if (isUuid(wanted)) return wanted.toLowerCase();
  for (let after = ''; ; ) {
    const page = await client.get<{ items: { id: string; slug: string }[]; next: string | null }>(
      `/api/v1/tenants?limit=200${after === '' ? '' : `&after=${after}`}`,
    );
    const found = page.items.find(({ slug }) => slug === wanted);
    if (found) return found.id;
    if (page.next === null) throw new Error(`the service has no tenant ${JSON.stringify(wanted)}: name one by its id or slug`);
    after = page.next;
  }
}

/** What the service refused, in its own words. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    /** The problem document (RFC 9457). */
    readonly problem: Readonly<Record<string, unknown>>,
  ) {
    const { title, detail, errors } = problem as {
      title?: string;
      detail?: string;
      errors?: { line?: number; pointer: string; message: string }[];
    };
    const places = (errors ?? []).map(
      ({ line, pointer, message }) => `\n  ${line === undefined ? '' : `line ${line} `}${pointer || '/'}: ${message}`,
    );
    super(`${title ?? `the service answered ${status}`}${detail ? `. ${detail}` : ''}${places.join('')}`);
    this.name = 'Refusal';
  }
}

export class ServiceClient {
  constructor(
    readonly baseUrl: string,
    private readonly token: string,
  ) {}

  async get<T>(path: string): Promise<T> {
    return (await this.call<T>('GET', path)).body;
  }

  async post<T>(path: string, body: unknown = {}): Promise<T> {
    return (await this.call<T>('POST', path, body)).body;
  }

  /** An answer that is not JSON, as it came. @throws Refusal for every status from 400 on */
  async text(path: string): Promise<string> {
    return (await this.exchange('GET', path)).text;
  }

  /** `body` is undefined when the answer had none. @throws Refusal for every status from 400 on */
  async call<T>(
    method: string,
    path: string,
    body?: unknown,
    more: Readonly<Record<string, string>> = {},
  ): Promise<{ status: number; headers: Headers; body: T }> {
    const { response, text } = await this.exchange(method, path, body, more);
    const read = parsed(text);
    if (text !== '' && read === undefined)
      throw new Error(`${this.baseUrl} is no Business Store: it answered ${text.slice(0, 80)}`);
    return { status: response.status, headers: response.headers, body: read as T };
  }

  /**
   * An answer that is not read yet, and a body that is sent as it comes; neither is bound to any time. An answer that is given before
   * the end of the body is an answer.
   */
  async open(method: string, path: string, headers: Readonly<Record<string, string>>, body?: Readable): Promise<IncomingMessage> {
    const url = new URL(this.baseUrl + path);
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const sent = send(url, { method, headers: { ...headers, authorization: `Bearer ${this.token}` } });
    const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
    if (body) pipeline(body, sent).catch(() => {});
    else sent.end();
    const [answer] = await answered.catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED')
        throw new Error(`nothing answers at ${this.baseUrl}: start the service first (npm start)`);
      throw new Error(`the connection to ${this.baseUrl} broke off (${error.code ?? error.message})`);
    });
    return answer;
  }

  private async exchange(
    method: string,
    path: string,
    body?: unknown,
    more: Readonly<Record<string, string>> = {},
  ): Promise<{ response: Response; text: string }> {
    const headers = {
      ...more,
      authorization: `Bearer ${this.token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    const answer = await fetch(this.baseUrl + path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
    })
      // What was not understood is told by the text, which need not be JSON when something else listens there.
      .then(async (response) => ({ response, text: await response.text() }))
      .catch(() => null);
    if (!answer) throw new Error(`nothing answers at ${this.baseUrl}: start the service first (npm start)`);
    const { response, text } = answer;
    if (response.status >= 400) throw new Refusal(response.status, (parsed(text) ?? {}) as Record<string, unknown>);
    return answer;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function surroundings({ url, token }: ServiceOptions): { baseUrl: string; sign: (tenantId?: string) => Promise<string> } {
  const settings = readSettings(process.env);
  if (token === undefined && (settings.DATABASE_URL || settings.AUTH_ISSUER)) {
    throw new Error('tokens come from your Auth Service (AUTH_ISSUER): name one with --token');
  }
  return {
    baseUrl: (url ?? `http://127.0.0.1:${settings.PORT}`).replace(/\/+$/, ''),
    sign: async (tenantId) => {
      const issuer = await openDevelopmentIssuer(settings.DATA_DIR);
      return issuer.sign({ subject: 'bss', tenantId, roles: [tenantId === undefined ? 'system_admin' : 'admin'] });
    },
  };
}
