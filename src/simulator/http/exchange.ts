import { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { Json } from '../wire';
import { parseJson } from '../python-json';
import { readBody } from './body';

/** One request, as a route sees it. */
export class Exchange {
  constructor(
    private readonly request: IncomingMessage,
    readonly path: string,
    readonly query: URLSearchParams,
    readonly params: Readonly<Record<string, string>>,
    private readonly maxBody: number,
  ) {}

  get headers(): IncomingHttpHeaders {
    return this.request.headers;
  }

  /** Throws PayloadTooLarge. */
  body(): Promise<Buffer> {
    return readBody(this.request, this.maxBody);
  }

  /** Throws SyntaxError on anything that is not JSON, whatever its content type says. */
  async json(): Promise<Json> {
    return parseJson((await this.body()).toString());
  }

  /** The connection ends now, without an answer. */
  cut(): void {
    this.request.socket.destroy();
  }
}

export interface Reply {
  status: number;
  headers?: Record<string, string | number>;
  body?: Buffer | string | Readable;
}

/** `undefined`: there is no answer, because the connection is cut or must hang. */
export type Handler = (exchange: Exchange) => Promise<Reply | undefined> | Reply | undefined;
