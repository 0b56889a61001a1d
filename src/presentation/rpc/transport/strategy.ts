import type { CustomStrategy } from '@nestjs/microservices';
import { natsOptions, redisOptions, rmqOptions, tcpOptions } from './connection-options';
import { NatsServer } from './nats-server';
import { RedisServer } from './redis-server';
import { RmqServer } from './rmq-server';
import type { ServiceAddress, TransportName } from '../../../options/transport.options';
import { TcpServer } from './tcp-server';

type Strategy = CustomStrategy['strategy'];

const STRATEGIES: Readonly<Record<TransportName, (address: ServiceAddress, maxLength?: number) => Strategy>> = {
  tcp: (address, maxBufferSize) => new TcpServer({ ...tcpOptions(address), maxBufferSize }),
  redis: (address) => new RedisServer(redisOptions(address)),
  nats: (address) => new NatsServer(natsOptions(address)),
  // One attempt: a service that cannot be reached must not look available.
  rmq: (address) => new RmqServer({ ...rmqOptions(address), maxConnectionAttempts: 1 }),
};

/**
 * Nest's transport for the address, as `app.connectMicroservice` takes it.
 * @param maxLength characters a message may have over TCP, where nothing else limits it; one that is longer ends the connection
 */
export function strategyFor(address: ServiceAddress, maxLength?: number): CustomStrategy {
  return { strategy: STRATEGIES[address.transport](address, maxLength) };
}
