import { microserviceConfig } from '../../../src/options/service.config';
import { addressText, resolveAddress, type TransportOptions } from '../../../src/options/transport.options';

const before = { ...process.env };

afterEach(() => {
  process.env = { ...before };
});

function configured(variables: Record<string, string>) {
  process.env = { ...variables };
  return microserviceConfig();
}

describe('the microservice transport in the environment', () => {
  it('is none without a word of it', () => {
    expect(configured({})).toEqual({});
    expect(configured({ MICROSERVICE_TRANSPORT: '', MICROSERVICE_URL: '', MICROSERVICE_QUEUE: '' })).toEqual({});
  });

  it('is what the variables say', () => {
    const { address } = configured({
      MICROSERVICE_TRANSPORT: 'rmq',
      MICROSERVICE_URL: 'amqp://me:secret@rabbit:5672/pictures, amqps://other',
      MICROSERVICE_QUEUE: 'gpu.queue-1',
    });
    expect(address).toMatchObject({ transport: 'rmq', queue: 'gpu.queue-1' });
    expect(address?.urls.map(({ href }) => href)).toEqual(['amqp://me:secret@rabbit:5672/pictures', 'amqps://other']);
    expect(addressText(address!)).toBe('amqp://rabbit:5672/pictures, amqps://other');
  });

  it.each([
    [{ MICROSERVICE_TRANSPORT: 'http', MICROSERVICE_URL: 'tcp://a:1' }, 'MICROSERVICE_TRANSPORT must be one of'],
    [{ MICROSERVICE_TRANSPORT: 'tcp' }, 'MICROSERVICE_TRANSPORT and MICROSERVICE_URL go together: set both, or none.'],
    [{ MICROSERVICE_URL: 'tcp://a:1' }, 'MICROSERVICE_TRANSPORT and MICROSERVICE_URL go together: set both, or none.'],
    [
      { MICROSERVICE_TRANSPORT: 'tcp', MICROSERVICE_URL: 'redis://me:secret@a:1' },
      'MICROSERVICE_URL must be such as tcp://127.0.0.1:8190 for the transport tcp.',
    ],
    [
      { MICROSERVICE_TRANSPORT: 'nats', MICROSERVICE_URL: 'nats://a', MICROSERVICE_QUEUE: 'a queue' },
      'MICROSERVICE_QUEUE must be a name of letters, digits, dots, dashes and underscores.',
    ],
  ])('is refused in words: %j', (variables, sentence) => {
    const refused = () => configured(variables);
    expect(refused).toThrow(`Configuration: ${sentence}`);
    expect(refused).not.toThrow('secret');
  });
});

describe('an address', () => {
  it.each([
    ['tcp', 'tcp://127.0.0.1:8190'],
    ['tcp', 'tcp://[::1]:8190'],
    ['tcp', 'tcp://comfy.internal:80/'],
    ['redis', 'redis://host'],
    ['redis', 'rediss://me:p%40ss@host:6380/15'],
    ['nats', 'nats://host'],
    ['nats', 'nats://a:4222,nats://b:4222'],
    ['rmq', 'amqps://me:secret@host/%2f'],
  ])('of %s may be %s', (transport, url) => {
    expect(resolveAddress({ transport, url } as TransportOptions)).toMatchObject({ transport, queue: 'comfyui' });
  });

  it.each([
    ['tcp', 'tcp://host'],
    ['tcp', 'tcp://host:99999'],
    ['tcp', 'tcp://me:secret@host:1'],
    ['tcp', 'tcp://a:1,tcp://b:2'],
    ['tcp', 'host:1'],
    ['redis', 'redis://'],
    ['redis', 'redis://host/name'],
    ['redis', 'http://host'],
    ['nats', 'nats://a, http://b'],
    ['nats', ''],
    ['rmq', 'amqp://host/a/b'],
    ['rmq', undefined],
    ['kafka', 'kafka://host'],
    ['constructor', 'tcp://host:1'],
  ])('of %s may not be %s', (transport, url) => {
    const refused = () => resolveAddress({ transport, url } as TransportOptions, 'ComfyUIClientModule');
    expect(refused).toThrow(/^ComfyUIClientModule: option (url|transport) must be /);
    expect(refused).not.toThrow('secret');
  });
});
