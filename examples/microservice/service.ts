import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ComfyUIModule } from 'nestjs-comfyui';
import { microserviceOptions } from 'nestjs-comfyui/microservice';

const { PORT = '8189', MICROSERVICE_URL = 'tcp://127.0.0.1:8190', COMFYUI_BASE_URL } = process.env;

@Module({
  imports: [
    ComfyUIModule.forRoot({
      baseUrl: COMFYUI_BASE_URL,
      publicUrl: `http://127.0.0.1:${PORT}`,
      controllers: true,
      microservice: true,
    }),
  ],
})
class AppModule {}

/** Serves messages over TCP, and over HTTP the files of their links. */
async function main(): Promise<void> {
  const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: ['warn', 'error'] });
  app.connectMicroservice(microserviceOptions({ transport: 'tcp', url: MICROSERVICE_URL }));
  app.enableShutdownHooks(undefined, { useProcessExit: true });
  await app.init();
  await app.startAllMicroservices();
  await app.listen(Number(PORT), '127.0.0.1');
}

void main();
