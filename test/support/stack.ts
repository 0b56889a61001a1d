import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Module, type INestApplication, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ComfyUIModule } from '../../src/module/comfyui.module';
import type { ComfyUIModuleExtras, ComfyUIOptions } from '../../src/options/comfyui.options';
import { createService } from '../../src/service/bootstrap';
import { startSimulator } from '../../src/simulator';
import type { Simulator, SimulatorOptions } from '../../src/simulator';

export type Platform = 'service' | 'express' | 'fastify';

/**
 * For `describe.each(PLATFORMS)`. All tests of the block run on the service; above its `if (platform !== 'service') return;`
 * are those of what an HTTP adapter does differently: headers, parsers, streams and disconnects.
 */
export const PLATFORMS = ['service', 'express'] as const satisfies readonly Platform[];

export interface Stack {
  readonly app: INestApplication;
  /** Base URL of the endpoints. */
  readonly url: string;
  /** Log lines of the host application; empty for the service, which has its own logger. */
  readonly logs: string[];
  close(): Promise<void>;
}

/** A simulator without delays. */
export function startComfyUI(options: SimulatorOptions = {}): Promise<Simulator> {
  return startSimulator({ speed: 'instant', ...options });
}

/** The standalone service, or a host application with the controllers of the product. */
export async function startStack(options: ComfyUIOptions, platform: Platform = 'express'): Promise<Stack> {
  return platform === 'service' ? startService(options) : startHost(options, platform);
}

async function startService({ baseUrl, username, password, backends, ...rest }: ComfyUIOptions): Promise<Stack> {
  const folder = rest.dataDirectory === undefined ? await temporaryFolder() : undefined;
  const variables: Record<string, string | number | undefined> = {
    COMFYUI_BASE_URL: baseUrl,
    COMFYUI_USERNAME: username,
    COMFYUI_PASSWORD: password,
    COMFYUI_BACKENDS: backends && JSON.stringify(backends),
    COMFYUI_CONCURRENCY: rest.concurrency,
    COMFYUI_PREFETCH: rest.prefetch,
    COMFYUI_CONNECT_TIMEOUT_SECONDS: rest.connectTimeout,
    COMFYUI_RESPONSE_TIMEOUT_SECONDS: rest.responseTimeout,
    GENERATE_TIMEOUT_SECONDS: rest.generateTimeout,
    DATA_DIR: folder ?? rest.dataDirectory,
    DATABASE_URL: rest.databaseUrl,
    MAX_QUEUE: rest.maxQueue,
    QUEUE_TIMEOUT: rest.queueTimeout,
    RUN_TIMEOUT: rest.runTimeout,
    MAX_ATTEMPTS: rest.maxAttempts,
    SHUTDOWN_GRACE: rest.shutdownGrace,
    PUBLIC_URL: rest.publicUrl,
    RETENTION_DAYS: rest.retentionDays,
    COMFYUI_CLEAN_HISTORY: rest.cleanHistory === undefined ? undefined : String(rest.cleanHistory),
    ...storageVariables(rest),
    LOG_LEVEL: 'silent',
  };
  const before = { ...process.env };
  for (const [name, value] of Object.entries(variables)) process.env[name] = value === undefined ? '' : String(value);
  const app = await createService({ timing: rest.timing }).finally(() => {
    process.env = before;
  });
  const stack = await listening(app, '', []);
  const close = async () => {
    await stack.close();
    await removed(folder);
  };
  return { ...stack, close };
}

/** Keeps files in the folder, also with a table in Supabase. */
function storageVariables({ storage, supabaseTable }: ComfyUIOptions): Record<string, string | number | undefined> {
  const table = {
    SUPABASE_URL: supabaseTable?.url,
    SUPABASE_KEY: supabaseTable?.key,
    SUPABASE_TABLE: supabaseTable?.table,
  };
  if (storage?.kind !== 's3') return { STORAGE: 'local', ...table };
  return {
    ...table,
    STORAGE: 's3',
    S3_BUCKET: storage.bucket,
    S3_ENDPOINT: storage.endpoint,
    S3_ACCESS_KEY_ID: storage.accessKeyId,
    S3_SECRET_ACCESS_KEY: storage.secretAccessKey,
  };
}

async function removed(folder: string | undefined): Promise<void> {
  if (folder !== undefined) await rm(folder, { recursive: true });
}

function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'nestjs-comfyui-test-'));
}

/** For hosts: with Node's 5 s a delayed test may reuse a connection that is being closed. */
const KEEP_ALIVE_MS = 75_000;

async function startHost(
  options: ComfyUIOptions & ComfyUIModuleExtras,
  platform: 'express' | 'fastify',
): Promise<Stack> {
  @Module({ imports: [ComfyUIModule.forRoot({ ...options, controllers: true })] })
  class Host {}
  const adapter = platform === 'express' ? new ExpressAdapter() : new FastifyAdapter();
  const logs: string[] = [];
  const app = await NestFactory.create(Host, adapter, { logger: logTo(logs), forceCloseConnections: true });
  app.setGlobalPrefix('host');
  (app.getHttpServer() as Server).keepAliveTimeout = KEEP_ALIVE_MS;
  return listening(app, '/host', logs);
}

async function listening(app: INestApplication | NestFastifyApplication, path: string, logs: string[]): Promise<Stack> {
  await app.listen(0, '127.0.0.1');
  return { app, url: `${await app.getUrl()}${path}`, logs, close: () => app.close() };
}

function logTo(lines: string[]): LoggerService {
  const write =
    (level: string) =>
    (message: unknown, ...rest: unknown[]) =>
      void lines.push([level, message, ...rest].join(' '));
  return {
    log: write('log'),
    warn: write('warn'),
    error: write('error'),
    debug: write('debug'),
    verbose: write('verbose'),
  };
}

export interface GenerateCall {
  readonly accept?: string;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

export function postJson(
  url: string,
  body: unknown,
  { accept, headers = {}, signal }: GenerateCall = {},
): Promise<Response> {
  const all = { 'Content-Type': 'application/json', ...(accept === undefined ? {} : { Accept: accept }), ...headers };
  return fetch(url, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: all,
    signal,
  });
}
