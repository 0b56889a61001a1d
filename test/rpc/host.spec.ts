import { type ArgumentsHost, Catch, Controller, Module, UnauthorizedException, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  BaseRpcExceptionFilter,
  ClientProxyFactory,
  MessagePattern,
  type MicroserviceOptions,
  Transport,
} from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { firstValueFrom, throwError } from 'rxjs';
import { ComfyUIModule } from '../../src/module/comfyui.module';
import { microserviceOptions } from '../../src/presentation/rpc/microservice';
import type { Simulator } from '../../src/simulator';
import { startComfyUI } from '../support/stack';
import { flatPicture } from '../support/workflows';
import { failure } from './calls.contract';
import { portOf, startCaller } from './service';

@Controller()
class Orders {
  @MessagePattern('orders.refuse')
  refuse(): never {
    throw new UnauthorizedException('theirs');
  }
}

/** The host's own filter, for all its responses. */
@Catch()
class HostFilter extends BaseRpcExceptionFilter {
  override catch(_thrown: unknown, _host: ArgumentsHost) {
    return throwError(() => ({ handledBy: 'host' }));
  }
}

describe.each<[string, MicroserviceOptions]>([
  ['its own options', { transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } }],
  ['ours', microserviceOptions({ transport: 'tcp', url: 'tcp://127.0.0.1:0' })],
])('a host application with microservice: true, connected with %s', (_name, options) => {
  let comfyUI: Simulator;
  let app: NestFastifyApplication;
  let port: number;

  beforeAll(async () => {
    comfyUI = await startComfyUI();
    @Module({
      imports: [ComfyUIModule.forRoot({ baseUrl: comfyUI.url, microservice: true })],
      controllers: [Orders],
    })
    class Host {}
    app = await NestFactory.create(Host, new FastifyAdapter(), { logger: false });
    app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true }));
    app.useGlobalFilters(new HostFilter());
    const microservice = app.connectMicroservice(options, { inheritAppConfig: true });
    await app.init();
    await app.startAllMicroservices();
    await app.listen(0, '127.0.0.1');
    port = portOf(microservice);
  });

  afterAll(async () => {
    await app.close();
    await comfyUI.close();
  });

  it('handles our messages, whatever its pipes and filters', async () => {
    const caller = await startCaller({ transport: 'tcp', url: `tcp://127.0.0.1:${port}` });
    const { id, images } = await caller.remote.result({ prompt: flatPicture(1) });
    expect(images).toMatchObject([{ mediaType: 'image/png' }]);
    expect(await caller.remote.job(id)).toMatchObject({ status: 'succeeded' });
    expect(await failure(caller.remote.result({ prompt: {} }))).toMatchObject({ code: 'invalid_request' });
    await caller.close();
  });

  it('handles its own messages with its own filter', async () => {
    const proxy = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
    const error: unknown = await firstValueFrom(proxy.send('orders.refuse', {})).catch((thrown: unknown) => thrown);
    expect(error).toEqual({ handledBy: 'host' });
    await proxy.close();
  });

  it('has no endpoints of ours', async () => {
    expect((await fetch(`${await app.getUrl()}/jobs`)).status).toBe(404);
  });
});
