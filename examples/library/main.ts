import 'reflect-metadata';
import { readFile, writeFile } from 'node:fs/promises';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ComfyUIModule, GenerationService } from 'nestjs-comfyui';

@Injectable()
class Painter {
  constructor(private readonly generation: GenerationService) {}

  /** Runs the workflow, writes its first image to a file and returns a line about it. */
  async paint(workflow: unknown, path: string): Promise<string> {
    const result = await this.generation.generate({ workflow }, { timeoutSeconds: 300 });
    try {
      const [image] = result.images;
      if (!image) throw new Error('The workflow produced no image.');
      await writeFile(path, image.stream());
      return `${path}: ${image.mediaType}, ${image.width}x${image.height}, ${result.durationMs} ms`;
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
