import { OptionError } from './option-error';

export const TRANSPORTS = ['tcp', 'redis', 'nats', 'rmq'] as const;

export type TransportName = (typeof TRANSPORTS)[number];

/** Where a service and its callers meet. */
export interface TransportOptions {
  readonly transport: TransportName;
  /**
   * `tcp://host:port` of the service; or of the broker: `redis://[user:password@]host[:port][/database]` or `rediss://`,
   * `nats://[user:password@]host[:port]`, `amqp://[user:password@]host[:port][/vhost]` or `amqps://`. Several brokers of one
   * cluster of NATS or RabbitMQ: separated by commas.
   */
  readonly url: string;
  /** The queue of RabbitMQ, or the queue group of NATS, that the replicas of the service share; default `comfyui`. */
  readonly queue?: string;
}

/** The options as checked. */
export interface ServiceAddress {
  readonly transport: TransportName;
  /** At least one; only brokers may be several. */
  readonly urls: readonly [URL, ...URL[]];
  readonly queue: string;
}

interface UrlRule {
  readonly pattern: RegExp;
  readonly example: string;
}

const RULES: Readonly<Record<TransportName, UrlRule>> = {
  tcp: { pattern: /^tcp:\/\/(?:\[[\da-f:.]+\]|[^/:@?#[\]\s]+):\d+\/?$/i, example: 'tcp://127.0.0.1:8190' },
  redis: { pattern: /^rediss?:\/\/[^/?#\s,]+(?:\/\d{0,3})?$/, example: 'redis://user:password@host:6379/0' },
  nats: { pattern: /^nats:\/\/[^/?#\s]+\/?$/, example: 'nats://user:password@host:4222' },
  rmq: { pattern: /^amqps?:\/\/[^/#\s]+(?:\/[^/#\s]*)?$/, example: 'amqp://user:password@host:5672' },
};

const QUEUE = /^[\w.-]{1,100}$/;

/** @throws OptionError that names the option, and never tells a credential */
export function resolveAddress(options: TransportOptions, module?: string): ServiceAddress {
  const { transport, url, queue = 'comfyui' } = options;
  const rule = Object.hasOwn(RULES, transport) ? RULES[transport] : undefined;
  if (!rule) throw new OptionError('transport', `must be one of ${TRANSPORTS.join(', ')}`, module);
  if (typeof queue !== 'string' || !QUEUE.test(queue))
    throw new OptionError('queue', 'must be a name of letters, digits, dots, dashes and underscores', module);
  const mayBeSeveral = transport === 'nats' || transport === 'rmq';
  const texts = typeof url === 'string' ? (mayBeSeveral ? url.split(',').map((text) => text.trim()) : [url]) : [];
  const urls = texts.filter((text) => rule.pattern.test(text) && URL.canParse(text)).map((text) => new URL(text));
  const [first, ...others] = urls;
  if (!first || urls.length < texts.length)
    throw new OptionError('url', `must be such as ${rule.example} for the transport ${transport}`, module);
  return { transport, urls: [first, ...others], queue };
}

/** The address as it may be told: without credentials. */
export function toldAddress({ urls }: ServiceAddress): string {
  return urls.map(({ protocol, host, pathname }) => `${protocol}//${host}${pathname}`.replace(/\/$/, '')).join(', ');
}
