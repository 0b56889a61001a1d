import 'reflect-metadata';
import { readFile, writeFile } from 'node:fs/promises';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ComfyUIModule, GenerationService } from 'nestjs-comfyui';

@Injectable()
class Painter {
  constructor(private readonly generation: GenerationService) {}

  /** Runs the workflow, writes its first picture and says what it is. */
  async paint(workflow: unknown, path: string): Promise<string> {
    const result = await this.generation.generate({ workflow }, { timeoutSeconds: 300 });
    try {
      const [picture] = result.images;
      if (!picture) throw new Error('The workflow made no picture.');
      await writeFile(path, picture.stream());
      return `${path}: ${picture.mediaType}, ${picture.width}x${picture.height}, ${result.durationMs} ms`;
    } finally {
      result.discard();
    }
  }
}

@Module({ imports: [ComfyUIModule.forRoot({ baseUrl: process.env.COMFYUI_BASE_URL })], providers: [Painter] })
class AppModule {}

async function main([workflowFile = 'txt2img.json', pictureFile = 'picture.png']: string[]): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['warn', 'error'] });
  const { prompt } = JSON.parse(await readFile(workflowFile, 'utf8')) as { prompt: unknown };
  console.log(await app.get(Painter).paint(prompt, pictureFile));
  await app.close();
}

void main(process.argv.slice(2));
