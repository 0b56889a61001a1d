import { Check, Name, Needed, OneOf } from './checks';
import { resolve } from './resolve';
import { type Given, Setting } from './setting';

export const TRANSPORTS = ['tcp', 'redis', 'nats', 'rmq'] as const;

export type TransportName = (typeof TRANSPORTS)[number];

/** Transport between a service and its callers. */
export class TransportSettings {
  /** Transport of Nest for messages: `tcp`, `redis`, `nats` or `rmq`. Callers use `ComfyUIClientModule` with the same URL. */
  @Setting('MICROSERVICE_TRANSPORT')
  @Needed()
  @OneOf(TRANSPORTS)
  readonly transport!: TransportName;

  /**
   * `tcp://host:port` of the service; or of the broker: `redis://[user:password@]host[:port][/database]` or `rediss://`,
   * `nats://[user:password@]host[:port]`, `amqp://[user:password@]host[:port][/vhost]` or `amqps://`. Several brokers of one
   * cluster of NATS or RabbitMQ: separated by commas.
   */
  @Setting('MICROSERVICE_URL')
  @Needed()
  @Check(urlProblem)
  readonly url!: string;

  /** Queue of RabbitMQ, or queue group of NATS, that the replicas of the service share. */
  @Setting('MICROSERVICE_QUEUE')
  @Name(/^[\w.-]{1,100}$/, 'must be a name of letters, digits, dots, dashes and underscores')
  readonly queue: string = 'comfyui';
}

export type TransportOptions = Given<TransportSettings, 'transport' | 'url'>;

/** Checked transport options. */
export interface ServiceAddress {
  readonly transport: TransportName;
  /** At least one; only brokers may be several. */
  readonly urls: readonly [URL, ...URL[]];
  readonly queue: string;
}

interface UrlRule {
  readonly pattern: RegExp;
  readonly example: string;
  readonly mayBeSeveral?: boolean;
}

const RULES: Readonly<Record<TransportName, UrlRule>> = {
  tcp: { pattern: /^tcp:\/\/(?:\[[\da-f:.]+\]|[^/:@?#[\]\s]+):\d+\/?$/i, example: 'tcp://127.0.0.1:8190' },
  redis: { pattern: /^rediss?:\/\/[^/?#\s,]+(?:\/\d{0,3})?$/, example: 'redis://user:password@host:6379/0' },
  nats: { pattern: /^nats:\/\/[^/?#\s]+\/?$/, example: 'nats://user:password@host:4222', mayBeSeveral: true },
  rmq: {
    pattern: /^amqps?:\/\/[^/#\s]+(?:\/[^/#\s]*)?$/,
    example: 'amqp://user:password@host:5672',
    mayBeSeveral: true,
  },
};

/**
 * @param module name of the module or function that takes the options, for the message
 * @throws OptionError that names the option, without credentials
 */
export function resolveAddress(options: TransportOptions, module?: string): ServiceAddress {
  const { transport, url, queue } = resolve(TransportSettings, options, { module });
  const [first, ...others] = addressesOf(RULES[transport], url).map((address) => new URL(address));
  return { transport, urls: [first!, ...others], queue };
}

/** The address without credentials, for a log. */
export function addressText({ urls }: ServiceAddress): string {
  return urls.map(({ protocol, host, pathname }) => `${protocol}//${host}${pathname}`.replace(/\/$/, '')).join(', ');
}

function urlProblem(url: unknown, { transport }: TransportSettings): string | undefined {
  const rule = Object.hasOwn(RULES, transport) ? RULES[transport] : undefined;
  if (!rule) return undefined;
  const isValid = (address: string) => rule.pattern.test(address) && URL.canParse(address);
  if (typeof url === 'string' && addressesOf(rule, url).every(isValid)) return undefined;
  return `must be such as ${rule.example} for the transport ${transport}`;
}

function addressesOf({ mayBeSeveral = false }: UrlRule, url: string): string[] {
  return mayBeSeveral ? url.split(',').map((address) => address.trim()) : [url];
}
