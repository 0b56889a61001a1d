import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type DynamicModule, Module } from '@nestjs/common';
import { ConfigModule, type ConfigType } from '@nestjs/config';
import { APP_FILTER } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { LoggerModule, type Params } from 'nestjs-pino';
import type { Role } from '../options/role';
import { ComfyUIModule } from '../module/comfyui.module';
import { comfyUIConfig } from '../options/comfyui.config';
import { httpConfig } from '../options/http.config';
import { type LogConfig, logConfig } from '../options/log.config';
import { microserviceConfig } from '../options/microservice.config';
import { ServiceExceptionFilter } from '../presentation/rest/errors/service-exception.filter';
import { HealthController } from '../presentation/rest/health/health.controller';

/** The standalone service: the module with all its faces, configured from the environment. */
@Module({
  imports: [
    ConfigModule.forRoot({
      isGlobal: true,
      cache: true,
      load: [comfyUIConfig, httpConfig, logConfig, microserviceConfig],
    }),
    LoggerModule.forRootAsync({ inject: [logConfig.KEY], useFactory: loggerParams }),
    TerminusModule.forRoot({ logger: false }),
  ],
  controllers: [HealthController],
  providers: [{ provide: APP_FILTER, useClass: ServiceExceptionFilter }],
})
export class AppModule {
  /** A worker is asked by nobody but those who look whether it is well. */
  static for(role: Role): DynamicModule {
    const hasFaces = role !== 'worker';
    const comfyUI = ComfyUIModule.forRootAsync({
      controllers: hasFaces,
      microservice: hasFaces,
      inject: [comfyUIConfig.KEY],
      useFactory: (options: ConfigType<typeof comfyUIConfig>) => options,
    });
    return { module: AppModule, imports: [comfyUI] };
  }
}

/**
 * One line a request, without headers or bodies: those may hold secrets, and failures are logged where they happen.
 * None for the probes that come every few seconds. The route is told because nestjs-pino's own default matches nothing on Fastify.
 */
function loggerParams({ level, pretty }: LogConfig): Params {
  return {
    forRoutes: ['{*splat}'],
    pinoHttp: {
      level,
      transport: pretty ? { target: 'pino-pretty', options: { singleLine: true, ignore: 'pid,hostname' } } : undefined,
      genReqId: () => randomUUID(),
      customLogLevel: () => 'info',
      autoLogging: { ignore: isProbe },
      serializers: {
        req: ({ id, method, url }: { id: string; method: string; url: string }) => ({ id, method, url }),
        res: ({ statusCode }: { statusCode: number }) => ({ statusCode }),
      },
    },
  };
}

/** Fastify's middleware sees the address below where it is mounted, which is everywhere. */
function isProbe({ url = '', originalUrl = url }: IncomingMessage & { readonly originalUrl?: string }): boolean {
  return originalUrl.startsWith('/health/');
}
