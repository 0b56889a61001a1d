import { type CanActivate, Injectable, Module, ValidationPipe, Controller, Get } from '@nestjs/common';
import { APP_GUARD, APP_PIPE, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { ComfyUIClient, ComfyUIModule, GenerationService, type ComfyUIOptions } from '../../src';
import type { Simulator } from '../../src/simulator';
import { postJson, startComfyUI } from '../support/stack';
import { flatPicture } from '../support/workflows';

let comfyUI: Simulator;

beforeAll(async () => {
  comfyUI = await startComfyUI();
});

afterAll(() => comfyUI.close());

describe('ComfyUIModule in another application', () => {
  it('provides the client and the generation service, and endpoints only with the option', async () => {
    @Module({ imports: [ComfyUIModule.forRoot({ baseUrl: comfyUI.url })] })
    class Host {}
    const app = await NestFactory.create(Host, new ExpressAdapter(), { logger: false });
    await app.listen(0, '127.0.0.1');
    expect((await fetch(`${await app.getUrl()}/comfyui/status`)).status).toBe(404);
    expect((await app.get(ComfyUIClient).status()).version).toBe('0.3.64');
    const result = await app.get(GenerationService).generate({ workflow: flatPicture(11) });
    expect((await result.images[0]?.bytes())?.subarray(1, 4).toString()).toBe('PNG');
    result.discard();
    await app.close();
  });

  it('is configured asynchronously by providers of the host', async () => {
    @Injectable()
    class Settings {
      readonly address = comfyUI.url;
    }
    @Module({ providers: [Settings], exports: [Settings] })
    class SettingsModule {}
    @Module({
      imports: [
        ComfyUIModule.forRootAsync({
          imports: [SettingsModule],
          inject: [Settings],
          useFactory: async ({ address }: Settings): Promise<ComfyUIOptions> => ({ baseUrl: address }),
        }),
      ],
    })
    class Host {}
    const app = await NestFactory.createApplicationContext(Host, { logger: false });
    expect((await app.get(ComfyUIClient, { strict: false }).status()).version).toBe('0.3.64');
    await app.close();
  });

  it('respects the guards and pipes of the host, and works with them', async () => {
    @Injectable()
    class OnlyFriends implements CanActivate {
      canActivate(context: { switchToHttp(): { getRequest(): { headers: Record<string, string> } } }): boolean {
        return context.switchToHttp().getRequest().headers['x-friend'] === 'yes';
      }
    }
    @Module({
      imports: [ComfyUIModule.forRoot({ baseUrl: comfyUI.url, controllers: true })],
      providers: [
        { provide: APP_GUARD, useClass: OnlyFriends },
        {
          provide: APP_PIPE,
          useValue: new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true }),
        },
      ],
    })
    class Host {}
    const app = await NestFactory.create(Host, new ExpressAdapter(), { logger: false });
    await app.listen(0, '127.0.0.1');
    const url = `${await app.getUrl()}/generate`;
    expect((await postJson(url, { prompt: flatPicture(12) })).status).toBe(403);
    expect((await postJson(url, { prompt: flatPicture(12) }, { headers: { 'x-friend': 'yes' } })).status).toBe(200);
    await app.close();
  });

  it('does not handle errors of the host', async () => {
    @Controller('own')
    class Own {
      @Get()
      fail(): never {
        throw new Error('own');
      }
    }
    @Module({ imports: [ComfyUIModule.forRoot({ baseUrl: comfyUI.url, controllers: true })], controllers: [Own] })
    class Host {}
    const app = await NestFactory.create(Host, new ExpressAdapter(), { logger: false });
    await app.listen(0, '127.0.0.1');
    expect(await (await fetch(`${await app.getUrl()}/own`)).json()).toEqual({
      statusCode: 500,
      message: 'Internal server error',
    });
    await app.close();
  });

  it.each<[string, ComfyUIOptions]>([
    ['baseUrl', { baseUrl: 'comfy' }],
    ['baseUrl', { baseUrl: 'ftp://host' }],
    ['baseUrl', { baseUrl: 'http://user:hidden@host' }],
    ['baseUrl', { baseUrl: 'http://host/?a=b' }],
    ['username', { password: 'hidden' }],
    ['password', { username: 'me' }],
    ['username', { username: 'a:b', password: 'hidden' }],
    ['connectTimeout', { connectTimeout: 0 }],
    ['responseTimeout', { responseTimeout: NaN }],
    ['generateTimeout', { generateTimeout: -1 }],
    ['spoolMemory', { spoolMemory: -1 }],
  ])('does not start with an invalid %s, and has no secret in the error', async (name, options) => {
    @Module({ imports: [ComfyUIModule.forRoot(options)] })
    class Host {}
    const starting = NestFactory.createApplicationContext(Host, { logger: false, abortOnError: false });
    await expect(starting).rejects.toThrow(new RegExp(`option ${name} `));
    await expect(starting).rejects.not.toThrow(/hidden/);
  });
});
