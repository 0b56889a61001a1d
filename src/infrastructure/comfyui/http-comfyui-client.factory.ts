import type { HttpService } from '@nestjs/axios';
import { Logger } from '@nestjs/common';
import {
  type BackendConnection,
  type ComfyUIClient,
  ComfyUIClientFactory,
} from '../../application/backends/comfyui-client';
import type { SocketTiming } from '../../options/timing';
import { ComfyUIHttp } from './comfyui-http';
import { ComfyUISocket } from './comfyui-socket';
import { HttpComfyUIClient } from './http-comfyui-client';

/** Clients that speak ComfyUI's own HTTP and WebSocket protocol; connections are opened when they are first needed. */
export class HttpComfyUIClientFactory extends ComfyUIClientFactory {
  readonly #logger = new Logger('ComfyUI');

  constructor(
    private readonly axios: HttpService,
    private readonly timing: SocketTiming,
  ) {
    super();
  }

  create({ url: baseUrl, ...options }: BackendConnection): ComfyUIClient {
    this.#logger.log(`ComfyUI at ${baseUrl}`);
    if (!options.credentials)
      this.#logger.warn(
        `No credentials for ComfyUI at ${baseUrl}: it has no authentication of its own, so make sure that only this service can reach it.`,
      );
    const http = new ComfyUIHttp(this.axios, { baseUrl, ...options });
    return new HttpComfyUIClient(http, new ComfyUISocket({ baseUrl, ...options }, this.timing));
  }
}
