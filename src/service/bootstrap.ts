import helmet from '@fastify/helmet';
import { Logger as NestLogger } from '@nestjs/common';
import type { ConfigType } from '@nestjs/config';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { Logger } from 'nestjs-pino';
import { AppModule } from './app.module';
import { comfyUIConfig } from '../options/comfyui.config';
import { httpConfig } from '../options/http.config';
import { microserviceConfig } from '../options/microservice.config';
import { parseJsonBody } from '../presentation/rest/json-body';
import { faultText } from '../presentation/rpc/transport/fault-text';
import { strategyFor } from '../presentation/rpc/transport/strategy';
import { toldAddress } from '../options/transport.options';

/** Swagger UI styles itself inline; the rest of helmet's defaults stand, but for HTTPS, which is for a proxy in front to demand. */
const CONTENT_SECURITY_POLICY = {
  directives: {
    'style-src': ["'self'", "'unsafe-inline'"],
    'img-src': ["'self'", 'data:', 'blob:'],
    'upgrade-insecure-requests': null,
  },
};

/** The standalone service, ready to listen. */
export async function createService(): Promise<NestFastifyApplication> {
  const { role = 'all' } = comfyUIConfig();
  const adapter = new FastifyAdapter({ forceCloseConnections: true });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.for(role), adapter, {
    abortOnError: false,
    bufferLogs: true,
    bodyParser: false,
  });
  app.useLogger(app.get(Logger));
  const { bodyLimit } = app.get<ConfigType<typeof httpConfig>>(httpConfig.KEY);
  app.useBodyParser('application/json', { bodyLimit }, parseJsonBody);
  await app.register(helmet, { contentSecurityPolicy: CONTENT_SECURITY_POLICY, strictTransportSecurity: false });
  if (role === 'worker') return app;
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, describeApi()));
  const { address } = app.get<ConfigType<typeof microserviceConfig>>(microserviceConfig.KEY);
  if (address) app.connectMicroservice<MicroserviceOptions>(strategyFor(address, bodyLimit));
  return app;
}

/**
 * Takes requests over HTTP, and messages where a transport is set.
 * @throws Error when it can not; then it is closed
 */
export async function startService(app: NestFastifyApplication): Promise<void> {
  const { host, port } = app.get<ConfigType<typeof httpConfig>>(httpConfig.KEY);
  try {
    await app.init();
    await startMicroservice(app);
    await app.listen(port, host);
    await tellAddress(app);
  } catch (error) {
    await app.close();
    throw error;
  }
}

async function tellAddress(app: NestFastifyApplication): Promise<void> {
  const url = await app.getUrl();
  const { role } = app.get<ConfigType<typeof comfyUIConfig>>(comfyUIConfig.KEY);
  const what = role === 'worker' ? 'as a worker: only /health is answered' : `API description on ${url}/docs`;
  new NestLogger('Service').log(`Listening on ${url}, ${what}`);
}

async function startMicroservice(app: NestFastifyApplication): Promise<void> {
  const { address } = app.get<ConfigType<typeof microserviceConfig>>(microserviceConfig.KEY);
  if (!address || app.getMicroservices().length === 0) return;
  try {
    await app.startAllMicroservices();
  } catch (error) {
    const told = `${toldAddress(address)} (MICROSERVICE_URL) does not start: ${faultText(error)}`;
    throw new Error(`The microservice transport ${told}`, { cause: error });
  }
  new NestLogger('Service').log(`Taking messages on ${toldAddress(address)}`);
}

function describeApi(): ReturnType<DocumentBuilder['build']> {
  return new DocumentBuilder()
    .setTitle('nestjs-comfyui')
    .setDescription('The dependable front door to ComfyUI: a workflow in, the picture out.')
    .setVersion('0.1.0')
    .addTag('generate', 'A workflow in, the picture out')
    .addTag('jobs', 'What became of it: every generation is a job')
    .addTag('assets', 'The files that came of it')
    .addTag('comfyui', 'The ComfyUI servers behind this service')
    .addTag('health', 'For what runs this service')
    .build();
}
