import type { ServerResponse } from 'node:http';
import helmet from '@fastify/helmet';
import { Logger as NestLogger } from '@nestjs/common';
import type { ConfigType } from '@nestjs/config';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import { Logger } from 'nestjs-pino';
import type { ComfyUIOptions } from '../options/comfyui.options';
import { ComfyUIError } from '../domain/errors';
import { variablesOf } from '../options/environment';
import { comfyUIConfig, httpConfig, logConfig, microserviceConfig } from '../options/service.config';
import { addressText, TransportSettings } from '../options/transport.options';
import { parseJsonBody } from '../presentation/rest/json-body';
import { faultText } from '../presentation/rpc/transport/fault-text';
import { strategyFor } from '../presentation/rpc/transport/strategy';
import { toHttpException } from '../presentation/shared/errors/http-exceptions';
import { describeApi } from './api-description';
import { AppModule } from './app.module';
import { SECURITY_HEADERS } from './security-headers';

/** The standalone service, ready to listen. @param overrides what no variable sets */
export async function createService(overrides: Pick<ComfyUIOptions, 'timing'> = {}): Promise<NestFastifyApplication> {
  const { role = 'all' } = comfyUIConfig();
  // Nest reports an error of the others with its log so far and a stack trace.
  for (const config of [httpConfig, logConfig, microserviceConfig]) config();
  const adapter = new FastifyAdapter({ forceCloseConnections: true, frameworkErrors: refusePath });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.for(role, overrides), adapter, {
    abortOnError: false,
    bufferLogs: true,
    bodyParser: false,
  });
  app.useLogger(app.get(Logger));
  const { bodyLimit } = app.get<ConfigType<typeof httpConfig>>(httpConfig.KEY);
  app.useBodyParser('application/json', { bodyLimit }, parseJsonBody);
  await app.register(helmet, SECURITY_HEADERS);
  if (role === 'worker') return app;
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, describeApi()));
  const { address } = app.get<ConfigType<typeof microserviceConfig>>(microserviceConfig.KEY);
  if (address) app.connectMicroservice<MicroserviceOptions>(strategyFor(address, bodyLimit));
  return app;
}

/** Fastify reports a path that it cannot route here, not to the exception filters. */
function refusePath(_error: Error, _request: unknown, { raw }: { raw: ServerResponse }): void {
  const exception = toHttpException(
    new ComfyUIError('invalid_request', 'The path of the URL is malformed or too long.'),
  );
  raw.writeHead(exception.getStatus(), { 'Content-Type': 'application/json; charset=utf-8' });
  raw.end(JSON.stringify(exception.getResponse()));
}

/**
 * Starts to serve HTTP, and messages where a transport is set.
 * @throws Error when a port or a broker cannot be used; the application is closed then
 */
export async function startService(app: NestFastifyApplication): Promise<void> {
  const { host, port } = app.get<ConfigType<typeof httpConfig>>(httpConfig.KEY);
  try {
    await app.init();
    await startMicroservice(app);
    await app.listen(port, host);
    await logAddress(app);
  } catch (error) {
    await app.close();
    throw error;
  }
}

async function logAddress(app: NestFastifyApplication): Promise<void> {
  const url = await app.getUrl();
  const { role } = app.get<ConfigType<typeof comfyUIConfig>>(comfyUIConfig.KEY);
  const what = role === 'worker' ? 'as a worker: it serves /health only' : `API description at ${url}/docs`;
  new NestLogger('Service').log(`Listening on ${url}, ${what}`);
}

async function startMicroservice(app: NestFastifyApplication): Promise<void> {
  const { address } = app.get<ConfigType<typeof microserviceConfig>>(microserviceConfig.KEY);
  if (!address || app.getMicroservices().length === 0) return;
  try {
    await app.startAllMicroservices();
  } catch (error) {
    const variable = variablesOf(TransportSettings).get('url');
    const message = `The microservice transport ${addressText(address)} (${variable}) does not start: ${faultText(error)}`;
    throw new Error(message, { cause: error });
  }
  new NestLogger('Service').log(`Taking messages on ${addressText(address)}`);
}
