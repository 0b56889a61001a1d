import { randomUUID } from 'node:crypto';
import { Module } from '@nestjs/common';
import { ConfigModule, type ConfigType } from '@nestjs/config';
import { APP_FILTER } from '@nestjs/core';
import { LoggerModule, type Params } from 'nestjs-pino';
import { ComfyUIModule } from './comfyui.module';
import { comfyUIConfig } from './config/comfyui.config';
import { httpConfig } from './config/http.config';
import { type LogConfig, logConfig } from './config/log.config';
import { ServiceExceptionFilter } from './presentation/http/errors/service-exception.filter';

/** The standalone service: the module with its endpoints, configured from the environment. */
@Module({
  imports: [
    ConfigModule.forRoot({ isGlobal: true, cache: true, load: [comfyUIConfig, httpConfig, logConfig] }),
    LoggerModule.forRootAsync({ inject: [logConfig.KEY], useFactory: loggerParams }),
    ComfyUIModule.forRootAsync({
      controllers: true,
      inject: [comfyUIConfig.KEY],
      useFactory: (options: ConfigType<typeof comfyUIConfig>) => options,
    }),
  ],
  providers: [{ provide: APP_FILTER, useClass: ServiceExceptionFilter }],
})
export class AppModule {}

/** One line a request, without headers or bodies: those may hold secrets, and failures are logged where they happen. */
function loggerParams({ level, pretty }: LogConfig): Params {
  return {
    pinoHttp: {
      level,
      transport: pretty ? { target: 'pino-pretty', options: { singleLine: true, ignore: 'pid,hostname' } } : undefined,
      genReqId: () => randomUUID(),
      customLogLevel: () => 'info',
      serializers: {
        req: ({ id, method, url }: { id: string; method: string; url: string }) => ({ id, method, url }),
        res: ({ statusCode }: { statusCode: number }) => ({ statusCode }),
      },
    },
  };
}
