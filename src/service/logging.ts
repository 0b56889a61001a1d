import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Params } from 'nestjs-pino';
import type { LogConfig } from '../options/service.config';

/**
 * One line per request, without headers and bodies, which may contain secrets; failures are logged where they happen. No line
 * for health probes. The default route of nestjs-pino matches nothing on Fastify.
 */
export function loggerParams({ level, isPretty }: LogConfig): Params {
  return {
    forRoutes: ['{*splat}'],
    pinoHttp: {
      level,
      transport: isPretty
        ? { target: 'pino-pretty', options: { singleLine: true, ignore: 'pid,hostname' } }
        : undefined,
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

/** `url` is relative to the mount point of Fastify's middleware, which is every path. */
function isProbe({ url = '', originalUrl = url }: IncomingMessage & { readonly originalUrl?: string }): boolean {
  return originalUrl.startsWith('/health/');
}
