import { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { Json } from '../wire';
import { parseJson } from '../python-json';
import { readBody } from './body';

/** A request, for its route. */
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

  /** Parses the body as JSON, for any content type. Throws SyntaxError. */
  async json(): Promise<Json> {
    return parseJson((await this.body()).toString());
  }

  /** Closes the connection without a response. */
  cut(): void {
    this.request.socket.destroy();
  }
}

export interface Reply {
  status: number;
  headers?: Record<string, string | number>;
  body?: Buffer | string | Readable;
}

/** `undefined`: there is no response, because the connection is closed or hangs. */
export type Handler = (exchange: Exchange) => Promise<Reply | undefined> | Reply | undefined;
