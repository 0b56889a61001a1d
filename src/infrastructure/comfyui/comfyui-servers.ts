import type { HttpService } from '@nestjs/axios';
import { Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { ComfyUIHttp } from './comfyui-http';
import { ComfyUINodeCatalog } from './comfyui-node-catalog';
import { ComfyUIPromptHistory } from './comfyui-prompt-history';
import { ComfyUIServer } from './comfyui-server';
import { ComfyUISocket } from './comfyui-socket';

export interface ComfyUIServerOptions {
  readonly url: string;
  readonly credentials?: { readonly username: string; readonly password: string };
  /** Seconds. */
  readonly connectTimeout: number;
  /** Seconds without a byte. */
  readonly responseTimeout: number;
}

/** A server and what it is reached through. */
export interface ConnectedServer {
  readonly url: string;
  readonly client: ComfyUIServer;
  readonly catalog: ComfyUINodeCatalog;
  readonly history: ComfyUIPromptHistory;
}

/** The connections to the configured servers, opened when first needed and closed with the application. */
export class ComfyUIServers implements OnModuleInit, OnApplicationShutdown {
  readonly #logger = new Logger(ComfyUIServers.name);
  readonly servers: readonly ConnectedServer[];

  constructor(
    axios: HttpService,
    private readonly options: readonly ComfyUIServerOptions[],
  ) {
    this.servers = options.map((server) => connect(axios, server));
  }

  onModuleInit(): void {
    for (const { url, credentials } of this.options) {
      this.#logger.log(`ComfyUI at ${url}`);
      if (credentials) continue;
      this.#logger.warn(
        `No credentials for ComfyUI at ${url} (COMFYUI_USERNAME, COMFYUI_PASSWORD): it has none of its own, see that nobody else can reach it.`,
      );
    }
  }

  onApplicationShutdown(): void {
    for (const { client } of this.servers) client.close();
  }
}

function connect(axios: HttpService, { url: baseUrl, ...options }: ComfyUIServerOptions): ConnectedServer {
  const http = new ComfyUIHttp(axios, { baseUrl, ...options });
  const client = new ComfyUIServer(http, new ComfyUISocket({ baseUrl, ...options }));
  return { url: baseUrl, client, catalog: new ComfyUINodeCatalog(http), history: new ComfyUIPromptHistory(http) };
}
