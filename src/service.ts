import helmet from '@fastify/helmet';
import type { ConfigType } from '@nestjs/config';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { Logger } from 'nestjs-pino';
import { AppModule } from './app.module';
import { httpConfig } from './config/http.config';
import { parseJsonBody } from './presentation/http/json-body';

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
  const adapter = new FastifyAdapter({ forceCloseConnections: true });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule, adapter, {
    abortOnError: false,
    bufferLogs: true,
    bodyParser: false,
  });
  app.useLogger(app.get(Logger));
  const { bodyLimit } = app.get<ConfigType<typeof httpConfig>>(httpConfig.KEY);
  app.useBodyParser('application/json', { bodyLimit }, parseJsonBody);
  await app.register(helmet, { contentSecurityPolicy: CONTENT_SECURITY_POLICY, strictTransportSecurity: false });
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, describeApi()));
  return app;
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
