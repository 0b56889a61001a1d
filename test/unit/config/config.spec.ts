import { readCommandLine } from '../../../src/config/command-line';
import { comfyUIConfig } from '../../../src/config/comfyui.config';
import { httpConfig } from '../../../src/config/http.config';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const before = { ...process.env };

afterEach(() => {
  process.env = { ...before };
});

function withEnvironment<T>(variables: Record<string, string>, read: () => T): T {
  process.env = { ...variables };
  return read();
}

describe('the environment', () => {
  it('is optional', () => {
    expect(withEnvironment({}, httpConfig)).toEqual({ host: '127.0.0.1', port: 8189, bodyLimit: 32 * 1024 * 1024 });
    expect(Object.values(withEnvironment({}, comfyUIConfig)).every((value) => value === undefined)).toBe(true);
  });

  it('becomes options; empty variables count as not set', () => {
    const variables = {
      COMFYUI_BASE_URL: 'http://gpu:8188',
      COMFYUI_USERNAME: 'me',
      COMFYUI_PASSWORD: '',
      GENERATE_TIMEOUT_SECONDS: '30',
      SPOOL_MEMORY_MIB: '0',
    };
    expect(withEnvironment(variables, comfyUIConfig)).toMatchObject({
      baseUrl: 'http://gpu:8188',
      username: 'me',
      password: undefined,
      generateTimeout: 30,
      spoolMemory: 0,
    });
  });

  it.each([
    ['PORT', 'abc', httpConfig],
    ['PORT', '70000', httpConfig],
    ['BODY_LIMIT_MIB', '0', httpConfig],
    ['GENERATE_TIMEOUT_SECONDS', '-5', comfyUIConfig],
    ['SPOOL_MEMORY_MIB', 'much', comfyUIConfig],
  ])('is checked: %s=%s', (name, value, read: () => unknown) => {
    expect(() => withEnvironment({ [name]: value }, read)).toThrow(name);
  });

  it('is listed in .env.example, variable by variable', () => {
    const example = readFileSync(join(__dirname, '../../../.env.example'), 'utf8');
    const listed = [...example.matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name);
    const sources = ['comfyui', 'http', 'log']
      .map((name) => readFileSync(join(__dirname, `../../../src/config/${name}.config.ts`), 'utf8'))
      .join();
    const known = [...sources.matchAll(/^ {2}([A-Z_]+)\??:/gm)].map(([, name]) => name);
    expect(new Set(listed)).toEqual(new Set(known));
  });
});

describe('the command line', () => {
  it('wins over the environment', () => {
    expect(readCommandLine(['--timeout', '30', '--port=9000'])).toEqual({
      GENERATE_TIMEOUT_SECONDS: '30',
      PORT: '9000',
    });
  });

  it('helps', () => {
    expect(readCommandLine(['--help'])).toBe('help');
  });

  it('refuses what it does not know', () => {
    expect(() => readCommandLine(['--tiemout', '30'])).toThrow('--tiemout');
  });
});
