import 'reflect-metadata';
import { readFile } from 'node:fs/promises';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ComfyUIClientModule, ComfyUIRemote, type GenerationEvent } from 'nestjs-comfyui/client';
import { lastValueFrom, tap } from 'rxjs';

const { MICROSERVICE_URL = 'tcp://127.0.0.1:8190' } = process.env;

@Injectable()
class Painter {
  constructor(private readonly comfyUI: ComfyUIRemote) {}

  /** Runs the workflow, prints its progress and the URLs of its images. */
  async paint(workflow: unknown): Promise<void> {
    const call = { prompt: workflow, label: 'example', cancelOnDisconnect: true };
    await lastValueFrom(this.comfyUI.generate(call).pipe(tap((event) => console.log(sentence(event)))));
  }
}

function sentence(event: GenerationEvent): string {
  if (event.kind === 'job') return `Job ${event.job.id} is ${event.job.status}`;
  if (event.kind === 'output') return `${event.output.filename}: ${event.output.url}`;
  if (event.kind === 'result') return `Done in ${event.result.durationMs} ms`;
  const { value, currentNodeClass, status } = event.progress;
  return `${Math.round(value * 100)}% ${currentNodeClass ?? status}`;
}

@Module({
  imports: [ComfyUIClientModule.register({ transport: 'tcp', url: MICROSERVICE_URL })],
  providers: [Painter],
})
class AppModule {}

async function main([workflowFile = 'txt2img.json']: string[]): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['warn', 'error'] });
  const { prompt } = JSON.parse(await readFile(workflowFile, 'utf8')) as { prompt: unknown };
  await app.get(Painter).paint(prompt);
  await app.close();
}

void main(process.argv.slice(2));
