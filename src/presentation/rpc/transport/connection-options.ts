import type { NatsOptions, RedisOptions, RmqOptions } from '@nestjs/microservices';
import type { ServiceAddress } from '../../../options/transport.options';

/** Pause between two attempts to reconnect, which never end: callers have time-outs of their own. */
const RETRY_MS = 500;

/** These options are the same for a service and its callers. */
export function tcpOptions({ urls: [url] }: ServiceAddress): { host: string; port: number } {
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) };
}

export function redisOptions({ urls: [url] }: ServiceAddress): NonNullable<RedisOptions['options']> {
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || 6379),
    ...(url.username !== '' && { username: decodeURIComponent(url.username) }),
    ...(url.password !== '' && { password: decodeURIComponent(url.password) }),
    db: Number(url.pathname.slice(1)),
    ...(url.protocol === 'rediss:' && { tls: {} }),
    retryAttempts: Number.MAX_SAFE_INTEGER,
    retryDelay: RETRY_MS,
    disconnectTimeout: RETRY_MS,
  };
}

export function natsOptions({ urls, queue }: ServiceAddress): NonNullable<NatsOptions['options']> {
  const { username, password } = urls[0];
  const [user, pass] = [decodeURIComponent(username), decodeURIComponent(password)];
  return {
    servers: urls.map(({ host }) => host),
    queue,
    ...(pass !== '' ? { user, pass } : user !== '' && { token: user }),
    maxReconnectAttempts: -1,
    reconnectTimeWait: RETRY_MS,
  };
}

export function rmqOptions({ urls, queue }: ServiceAddress): NonNullable<RmqOptions['options']> {
  return {
    urls: urls.map(({ href }) => href),
    queue,
    queueOptions: { durable: true },
    socketOptions: { reconnectTimeInSeconds: RETRY_MS / 1000 },
  };
}
