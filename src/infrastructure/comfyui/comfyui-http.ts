import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { HttpService } from '@nestjs/axios';
import { Logger } from '@nestjs/common';
import { parsePythonJson, stringifyJson } from '../../shared/json';
import { addAbortSignal } from 'node:stream';
import { text as readText } from 'node:stream/consumers';
import { retryIdempotent } from './retry-idempotent';
import type { HttpResponse } from './http-response';
import { connectionError, responseError } from './http-errors';
import { withConnectTimeout } from './connect-timeout';
import { destroyWhenSilent } from './destroy-when-silent';

export interface ComfyUIHttpOptions {
  readonly baseUrl: string;
  readonly credentials?: { readonly username: string; readonly password: string };
  /** Seconds. */
  readonly connectTimeout: number;
  /** Seconds without a received byte. */
  readonly responseTimeout: number;
}

/** Below the 75 s after which aiohttp and nginx close idle connections, so that no request uses a closing connection. */
const IDLE_CONNECTION_MS = 30_000;

/** The HTTP client of one ComfyUI server: base path, basic auth, keep-alive, timeouts, errors as ComfyUIError. */
export class ComfyUIHttp {
  readonly #logger = new Logger(ComfyUIHttp.name);
  readonly #agents: { httpAgent: HttpAgent; httpsAgent: HttpsAgent };

  constructor(
    private readonly axios: HttpService,
    private readonly options: ComfyUIHttpOptions,
  ) {
    const keepAlive = { keepAlive: true, timeout: IDLE_CONNECTION_MS };
    this.#agents = {
      httpAgent: withConnectTimeout(new HttpAgent(keepAlive), options.connectTimeout * 1000),
      httpsAgent: withConnectTimeout(new HttpsAgent(keepAlive), options.connectTimeout * 1000),
    };
  }

  /** `GET`, retried on connection errors. Returns the parsed JSON. */
  async getJson(path: string, signal?: AbortSignal): Promise<unknown> {
    return retryIdempotent(async () => this.#parse(path, await this.#successful('GET', path, { signal })), signal);
  }

  /** `GET`, retried until the response head arrives. Returns the body as a stream. */
  async getStream(path: string, params: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<HttpResponse> {
    return retryIdempotent(() => this.#successful('GET', path, { params, signal }), signal);
  }

  /** `POST`, without retries. Resolves for every status; rejects only if there is no response. */
  async post(path: string, body: unknown, signal?: AbortSignal): Promise<HttpResponse> {
    return this.#request('POST', path, { data: stringifyJson(body), signal });
  }

  /** `POST`, without retries. Rejects for statuses from 300; ignores the body. */
  async command(path: string, body: unknown, signal?: AbortSignal): Promise<void> {
    const response = await this.post(path, body, signal);
    await this.text(response);
    if (response.status >= 300) throw responseError(path, response);
  }

  /** Streams the bytes of a body; connection errors become ComfyUIErrors. */
  async *bytes(body: IncomingMessage, signal?: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
    if (signal) addAbortSignal(signal, body);
    try {
      yield* body as AsyncIterable<Buffer>;
    } catch (error) {
      signal?.throwIfAborted();
      throw connectionError(error);
    }
  }

  /** The text of a body, for any content type. */
  async text({ body }: HttpResponse): Promise<string> {
    try {
      return await readText(body);
    } catch (error) {
      throw connectionError(error);
    }
  }

  close(): void {
    this.#agents.httpAgent.destroy();
    this.#agents.httpsAgent.destroy();
  }

  async #successful(
    method: 'GET',
    path: string,
    request: { params?: Readonly<Record<string, string>>; signal?: AbortSignal },
  ): Promise<HttpResponse> {
    const response = await this.#request(method, path, request);
    if (response.status < 300) return response;
    response.body.resume();
    throw responseError(path, response);
  }

  async #parse(path: string, response: HttpResponse): Promise<unknown> {
    const text = await this.text(response);
    try {
      return parsePythonJson(text);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw responseError(path, response);
    }
  }

  async #request(
    method: string,
    path: string,
    request: { params?: object; data?: string; signal?: AbortSignal },
  ): Promise<HttpResponse> {
    const started = performance.now();
    try {
      const { status, headers, data } = await this.axios.axiosRef.request<IncomingMessage>({
        ...this.#agents,
        ...request,
        method,
        url: `${this.options.baseUrl}/api${path}`,
        auth: this.options.credentials,
        timeout: this.options.responseTimeout * 1000,
        responseType: 'stream',
        headers: {
          'Content-Type': request.data === undefined ? undefined : 'application/json',
          'Accept-Encoding': 'identity',
        },
        decompress: false,
        maxRedirects: 0,
        maxBodyLength: Infinity,
        proxy: false,
        validateStatus: null,
        transformRequest: [],
      });
      this.#logger.debug(`${method} ${path} -> ${status} in ${Math.round(performance.now() - started)} ms`);
      destroyWhenSilent(data, this.options.responseTimeout * 1000);
      return { status, headers, body: data };
    } catch (error) {
      request.signal?.throwIfAborted();
      throw connectionError(error);
    }
  }
}
