import { registerAs } from '@nestjs/config';
import { Expose } from 'class-transformer';
import { IsIn, IsString } from 'class-validator';
import { OptionError } from './option-error';
import { resolveAddress, type ServiceAddress, TRANSPORTS, type TransportName } from './transport.options';
import { readEnvironment } from './environment';

class MicroserviceEnvironment {
  @Expose()
  @IsIn(TRANSPORTS)
  MICROSERVICE_TRANSPORT?: TransportName;

  @Expose()
  @IsString()
  MICROSERVICE_URL?: string;

  @Expose()
  @IsString()
  MICROSERVICE_QUEUE?: string;
}

const VARIABLES: Readonly<Record<string, string>> = {
  transport: 'MICROSERVICE_TRANSPORT',
  url: 'MICROSERVICE_URL',
  queue: 'MICROSERVICE_QUEUE',
};

export interface MicroserviceConfig {
  /** Undefined: HTTP is all there is. */
  readonly address?: ServiceAddress;
}

/** Where the service takes messages beside HTTP. */
export const microserviceConfig = registerAs('microservice', (): MicroserviceConfig => {
  const env = readEnvironment(MicroserviceEnvironment);
  const { MICROSERVICE_TRANSPORT: transport, MICROSERVICE_URL: url, MICROSERVICE_QUEUE: queue } = env;
  if (transport === undefined && url === undefined) return {};
  if (transport === undefined || url === undefined)
    throw new Error('Configuration: MICROSERVICE_TRANSPORT and MICROSERVICE_URL go together: set both, or none.');
  try {
    return { address: resolveAddress({ transport, url, queue }) };
  } catch (error) {
    const told = error instanceof OptionError ? error.told((option) => VARIABLES[option] ?? option) : undefined;
    throw told === undefined ? error : new Error(`Configuration: ${told}`);
  }
});
