import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ComfyUIClientModule, type ComfyUIClientOptions, ComfyUIRemote } from '../../src/client';
import { createService, startService } from '../../src/service/bootstrap';
import type { TransportOptions } from '../../src/options/transport.options';

export interface RunningService {
  readonly app: NestFastifyApplication;
  /** URL of the HTTP endpoints. */
  readonly url: string;
  /** Address for messages. */
  readonly address: TransportOptions;
  close(): Promise<void>;
}

/** The hybrid service as `main.ts` starts it, on free ports. */
export async function startHybrid(
  address: TransportOptions,
  variables: Readonly<Record<string, string>>,
): Promise<RunningService> {
  const folder = await mkdtemp(join(tmpdir(), 'rpc-spec-'));
  const { transport, url, queue = '' } = address;
  const before = { ...process.env };
  Object.assign(process.env, {
    DATA_DIR: folder,
    STORAGE: 'local',
    LOG_LEVEL: 'silent',
    HOST: '127.0.0.1',
    PORT: '0',
    MICROSERVICE_TRANSPORT: transport,
    MICROSERVICE_URL: url,
    MICROSERVICE_QUEUE: queue,
    ...variables,
  });
  const app = await createService().finally(() => {
    process.env = before;
  });
  await startService(app).catch(async (error: unknown) => {
    await rm(folder, { recursive: true });
    throw error;
  });
  const close = async () => {
    await app.close();
    await rm(folder, { recursive: true });
  };
  return { app, url: await app.getUrl(), address: { ...address, url: listening(app, address) }, close };
}

/** The address with the port that the system has chosen. */
function listening(app: NestFastifyApplication, { transport, url }: TransportOptions): string {
  if (transport !== 'tcp') return url;
  const [microservice] = app.getMicroservices();
  return `tcp://127.0.0.1:${portOf(microservice)}`;
}

/** The port of a microservice over TCP. */
export function portOf(microservice: unknown): number {
  return (microservice as { unwrap(): Server }).unwrap().address().port;
}

interface Server {
  address(): { readonly port: number };
}

export interface Caller {
  readonly remote: ComfyUIRemote;
  close(): Promise<void>;
}

/** Another Nest service, with the client module. */
export async function startCaller(options: ComfyUIClientOptions): Promise<Caller> {
  const app = await NestFactory.createApplicationContext(ComfyUIClientModule.register({ silence: 10, ...options }), {
    logger: false,
  });
  return { remote: app.get(ComfyUIRemote), close: () => app.close() };
}
