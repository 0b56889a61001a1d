import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { HttpService } from '@nestjs/axios';
import { Logger } from '@nestjs/common';
import { parsePythonJson, stringifyJson } from '../../shared/json';
import { addAbortSignal } from 'node:stream';
import { text as readText } from 'node:stream/consumers';
import { retryIdempotent } from './retry-idempotent';
import type { HttpAnswer } from './http-answer';
import { answerError, connectionError } from './http-errors';
import { withConnectTimeout } from './connect-timeout';
import { destroyWhenSilent } from './destroy-when-silent';

export interface ComfyUIHttpOptions {
  readonly baseUrl: string;
  readonly credentials?: { readonly username: string; readonly password: string };
  /** Seconds. */
  readonly connectTimeout: number;
  /** Seconds without a byte. */
  readonly responseTimeout: number;
}

/** aiohttp keeps an idle connection for 75 s, nginx too: ours are given up first, so that no request meets a closing one. */
const IDLE_CONNECTION_MS = 30_000;

/** HTTP to one ComfyUI server: its base path, basic auth, keep-alive, time-outs, and errors in our words. */
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

  /** `GET`, tried again when ComfyUI did not answer; parsed JSON. */
  async getJson(path: string, signal?: AbortSignal): Promise<unknown> {
    return retryIdempotent(async () => this.#parse(path, await this.#answered('GET', path, { signal })), signal);
  }

  /** `GET`, tried again until its head arrives; the body as a stream. */
  async getStream(path: string, params: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<HttpAnswer> {
    return retryIdempotent(() => this.#answered('GET', path, { params, signal }), signal);
  }

  /** `POST`, sent once. Any status is an answer; only no answer at all is an error. */
  async post(path: string, body: unknown, signal?: AbortSignal): Promise<HttpAnswer> {
    return this.#request('POST', path, { data: stringifyJson(body), signal });
  }

  /** `POST`, sent once, for its effect. */
  async command(path: string, body: unknown, signal?: AbortSignal): Promise<void> {
    const answer = await this.post(path, body, signal);
    await this.text(answer);
    if (answer.status >= 300) throw answerError(path, answer);
  }

  /** The bytes of a body as they come; what goes wrong on the way is said in our words. */
  async *bytes(body: IncomingMessage, signal?: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
    if (signal) addAbortSignal(signal, body);
    try {
      yield* body as AsyncIterable<Buffer>;
    } catch (error) {
      signal?.throwIfAborted();
      throw connectionError(error);
    }
  }

  /** The text of a body, whatever its type. */
  async text({ body }: HttpAnswer): Promise<string> {
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

  async #answered(
    method: 'GET',
    path: string,
    request: { params?: Readonly<Record<string, string>>; signal?: AbortSignal },
  ): Promise<HttpAnswer> {
    const answer = await this.#request(method, path, request);
    if (answer.status < 300) return answer;
    answer.body.resume();
    throw answerError(path, answer);
  }

  async #parse(path: string, answer: HttpAnswer): Promise<unknown> {
    const text = await this.text(answer);
    try {
      return parsePythonJson(text);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw answerError(path, answer);
    }
  }

  async #request(
    method: string,
    path: string,
    request: { params?: object; data?: string; signal?: AbortSignal },
  ): Promise<HttpAnswer> {
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
