import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An HTTP server on loopback that stands for a key service: each request goes to `answer`, which a test may exchange. */

export interface KeyRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface KeyReply {
  readonly status: number;
  /** An object is sent as JSON, a text or bytes as they are. */
  readonly body?: object | string;
  readonly headers?: Record<string, string>;
}

export class KeyServer {
  readonly requests: KeyRequest[] = [];
  private readonly server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', async () => {
      const { method = '', url: path = '', headers } = request;
      const asked = { method, path, headers, text: Buffer.concat(chunks).toString() };
      this.requests.push(asked);
      const { status, body, headers: more } = await this.answer(asked);
      const raw = typeof body === 'string' || Buffer.isBuffer(body) ? body : body && JSON.stringify(body);
      response.writeHead(status, { 'content-type': 'application/json', ...more }).end(raw);
    });
  });

  private constructor(public answer: (request: KeyRequest) => KeyReply | Promise<KeyReply>) {}

  static async start(answer: KeyServer['answer']): Promise<KeyServer> {
    const started = new KeyServer(answer);
    await new Promise<void>((resolve) => {
      started.server.listen(0, '127.0.0.1', resolve);
    });
    return started;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => {
      this.server.close(resolve);
    });
  }
}
