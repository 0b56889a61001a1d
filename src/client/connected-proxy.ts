import { type ClientOptions, type ClientProxy, ClientProxyFactory, Transport } from '@nestjs/microservices';
import { OptionError } from '../options/option-error';
import { natsOptions, redisOptions, rmqOptions, tcpOptions } from '../presentation/rpc/transport/connection-options';
import { TransportLogger } from '../presentation/rpc/transport/transport-logger';
import { resolveAddress, type ServiceAddress, type TransportName } from '../options/transport.options';
import type { ComfyUIClientOptions } from './client-options';

const MODULE = 'ComfyUIClientModule';

/**
 * Nest's own client for the transport, which connects with the first call.
 * @throws OptionError that names the option, without credentials
 */
export function connectedProxy(options: ComfyUIClientOptions): ClientProxy {
  const { silence = 1 } = options;
  if (typeof silence !== 'number' || !(silence > 0 && silence <= 86_400))
    throw new OptionError([{ option: 'silence', problem: 'must be a number of seconds above 0' }], MODULE);
  const address = resolveAddress(options, MODULE);
  // Nest's loggers write whole errors, with the data that drivers attach.
  return Object.assign(ClientProxyFactory.create(CLIENT_OPTIONS[address.transport](address)), {
    logger: new TransportLogger(),
  });
}

const CLIENT_OPTIONS: Readonly<Record<TransportName, (address: ServiceAddress) => ClientOptions>> = {
  tcp: (address) => ({ transport: Transport.TCP, options: tcpOptions(address) }),
  redis: (address) => ({ transport: Transport.REDIS, options: redisOptions(address) }),
  nats: (address) => ({ transport: Transport.NATS, options: natsOptions(address) }),
  rmq: (address) => ({ transport: Transport.RMQ, options: rmqOptions(address) }),
};
