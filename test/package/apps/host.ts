import 'reflect-metadata';
import {
  Body,
  Catch,
  Controller,
  Get,
  HttpException,
  Module,
  NotFoundException,
  Post,
  ValidationPipe,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { HttpAdapterHost, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { IsInt } from 'class-validator';
import { ComfyUIModule } from 'nestjs-comfyui';

class Order {
  @IsInt()
  count!: number;
}

@Controller('orders')
class OrdersController {
  @Post()
  order(@Body() order: Order): Order {
    return order;
  }

  @Get('lost')
  lost(): never {
    throw new NotFoundException('lost');
  }
}

@Catch()
class HostFilter implements ExceptionFilter {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const status = error instanceof HttpException ? error.getStatus() : 500;
    this.adapterHost.httpAdapter.reply(host.switchToHttp().getResponse(), { answeredBy: 'host' }, status);
  }
}

@Module({
  imports: [ComfyUIModule.forRoot({ baseUrl: process.env.COMFYUI_BASE_URL, controllers: true })],
  controllers: [OrdersController],
})
class AppModule {}

async function main(platform: string | undefined): Promise<void> {
  const adapter = platform === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
  const app = await NestFactory.create(AppModule, adapter, { logger: ['error'] });
  app.setGlobalPrefix('api/v1');
  app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true }));
  app.useGlobalFilters(new HostFilter(app.get(HttpAdapterHost)));
  await app.listen(0, '127.0.0.1');
  console.log(await app.getUrl());
}

void main(process.argv[2]);
