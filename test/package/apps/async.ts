import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ComfyUIModule, StatusService, type ComfyUIOptions } from 'nestjs-comfyui';

@Injectable()
class Settings {
  readonly baseUrl = process.env.COMFYUI_BASE_URL;
}

@Module({ providers: [Settings], exports: [Settings] })
class SettingsModule {}

@Module({
  imports: [
    ComfyUIModule.forRootAsync({
      imports: [SettingsModule],
      inject: [Settings],
      useFactory: ({ baseUrl }: Settings): ComfyUIOptions => ({ baseUrl, generateTimeout: 60 }),
    }),
  ],
})
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
  const { reachable, backends } = await app.get(StatusService).status();
  console.log(JSON.stringify({ reachable, url: backends[0]?.url }));
  await app.close();
}

void main();
