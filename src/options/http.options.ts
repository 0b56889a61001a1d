import { PositiveNumber, Text, WholeNumber } from './checks';
import { MIB, Setting } from './setting';

/** Where the service listens. */
export class HttpSettings {
  /** Address on which the service listens. It has no login of its own: keep it on loopback, or put a proxy with authentication in front. */
  @Setting('HOST', { flag: 'host' })
  @Text()
  readonly host: string = '127.0.0.1';

  /** Port on which the service listens. */
  @Setting('PORT', { flag: 'port' })
  @WholeNumber(0, 65_535)
  readonly port: number = 8189;

  /** Largest body of a request, in MiB. */
  @Setting('BODY_LIMIT_MIB', { factor: MIB })
  @PositiveNumber()
  readonly bodyLimit: number = 32 * MIB;
}
