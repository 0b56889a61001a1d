import { type DynamicModule, Module } from '@nestjs/common';
import { ConfigModule, type ConfigType } from '@nestjs/config';
import { APP_FILTER } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { LoggerModule } from 'nestjs-pino';
import { ComfyUIModule } from '../module/comfyui.module';
import type { ComfyUIOptions } from '../options/comfyui.options';
import type { Role } from '../options/role';
import { comfyUIConfig, httpConfig, logConfig, microserviceConfig } from '../options/service.config';
import { ServiceExceptionFilter } from '../presentation/rest/errors/service-exception.filter';
import { HealthController } from '../presentation/rest/health/health.controller';
import { loggerParams } from './logging';

/** The standalone service: the module with all its APIs, configured from the environment. */
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
  /** A worker serves health probes only. */
  static for(role: Role, overrides: Pick<ComfyUIOptions, 'timing'> = {}): DynamicModule {
    const hasApis = role !== 'worker';
    const comfyUI = ComfyUIModule.forRootAsync({
      controllers: hasApis,
      microservice: hasApis,
      inject: [comfyUIConfig.KEY],
      useFactory: (options: ConfigType<typeof comfyUIConfig>) => ({ ...options, ...overrides }),
    });
    return { module: AppModule, imports: [comfyUI] };
  }
}
