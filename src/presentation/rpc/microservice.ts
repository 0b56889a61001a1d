import type { CustomStrategy } from '@nestjs/microservices';
import { strategyFor } from './transport/strategy';
import { resolveAddress, type TransportOptions } from '../../options/transport.options';

export type { TransportName, TransportOptions } from '../../options/transport.options';

/**
 * For a host application that imports `ComfyUIModule` with `microservice: true`:
 * `app.connectMicroservice(microserviceOptions({ transport: 'redis', url }))`. Nest's own options work as well; these share
 * the work between replicas over Redis too, and limit the memory of slow callers.
 * @throws OptionError that names the option, without credentials
 * @publicApi
 */
export function microserviceOptions(options: TransportOptions): CustomStrategy {
  return strategyFor(resolveAddress(options, 'microserviceOptions'));
}
