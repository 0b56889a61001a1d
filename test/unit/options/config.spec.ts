import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCommandLine } from '../../../src/service/command-line';
import { comfyUIConfig, httpConfig, logConfig } from '../../../src/options/service.config';

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
    const { dataDirectory, storage, ...rest } = withEnvironment({}, comfyUIConfig);
    expect(dataDirectory).toBe('./data');
    expect(storage).toEqual({ kind: 'local' });
    expect(Object.values(rest).every((value) => value === undefined)).toBe(true);
  });

  it('becomes options; empty variables count as not set', () => {
    const variables = {
      COMFYUI_BASE_URL: 'http://gpu:8188, http://other:8188',
      COMFYUI_USERNAME: 'me',
      COMFYUI_PASSWORD: 'secret',
      COMFYUI_BACKENDS: '',
      COMFYUI_PREFETCH: '0',
      GENERATE_TIMEOUT_SECONDS: '30',
      SPOOL_MEMORY_MIB: '2',
      DATA_DIR: '',
      DATABASE_URL: 'postgres://me:secret@db/jobs',
      MAX_QUEUE: '5',
      QUEUE_TIMEOUT: '60',
      RUN_TIMEOUT: '600',
      MAX_ATTEMPTS: '1',
      SHUTDOWN_GRACE: '0',
      PUBLIC_URL: 'https://pictures.example.com/comfy/',
      RETENTION_DAYS: '0.5',
      COMFYUI_CLEAN_HISTORY: 'true',
    };
    expect(withEnvironment(variables, comfyUIConfig)).toMatchObject({
      baseUrl: 'http://gpu:8188, http://other:8188',
      username: 'me',
      password: 'secret',
      backends: undefined,
      prefetch: 0,
      generateTimeout: 30,
      spoolMemory: 2 * 1024 * 1024,
      dataDirectory: './data',
      databaseUrl: 'postgres://me:secret@db/jobs',
      maxQueue: 5,
      queueTimeout: 60,
      runTimeout: 600,
      maxAttempts: 1,
      shutdownGrace: 0,
      publicUrl: 'https://pictures.example.com/comfy/',
      retentionDays: 0.5,
      cleanHistory: true,
    });
  });

  it('says where files go: to Supabase as soon as there is a project, else to the folder', () => {
    const project = { SUPABASE_URL: 'https://x.supabase.co', SUPABASE_KEY: 'secret' };
    const { storage, supabaseTable } = withEnvironment({ ...project, SUPABASE_LINKS: 'public' }, comfyUIConfig);
    expect(storage).toMatchObject({ kind: 'supabase', url: 'https://x.supabase.co', key: 'secret', links: 'public' });
    expect(supabaseTable).toMatchObject({ url: 'https://x.supabase.co', key: 'secret' });
    const local = withEnvironment({ ...project, STORAGE: 'local', SUPABASE_TABLE: 'pictures' }, comfyUIConfig);
    expect(local).toMatchObject({ storage: { kind: 'local' }, supabaseTable: { table: 'pictures' } });
    const bucket = { STORAGE: 's3', S3_BUCKET: 'pictures', S3_FORCE_PATH_STYLE: 'false', S3_LINK_TTL: '60' };
    expect(withEnvironment(bucket, comfyUIConfig)).toMatchObject({
      storage: { kind: 's3', bucket: 'pictures', forcePathStyle: false, linkSeconds: 60 },
      supabaseTable: undefined,
    });
  });

  it('lists servers as JSON', () => {
    const backends = [
      { url: 'http://a:8188', username: 'me', password: 'secret', labels: ['sdxl'] },
      { url: 'http://b' },
    ];
    expect(withEnvironment({ COMFYUI_BACKENDS: JSON.stringify(backends) }, comfyUIConfig).backends).toEqual(backends);
  });

  it.each([
    ['PORT', 'abc', httpConfig],
    ['PORT', '70000', httpConfig],
    ['BODY_LIMIT_MIB', '0', httpConfig],
    ['GENERATE_TIMEOUT_SECONDS', '-5', comfyUIConfig],
    ['SPOOL_MEMORY_MIB', 'much', comfyUIConfig],
    ['COMFYUI_BASE_URL', 'gpu', comfyUIConfig],
    ['COMFYUI_BASE_URL', 'http://a,http://a/', comfyUIConfig],
    ['COMFYUI_USERNAME', 'me', comfyUIConfig],
    ['COMFYUI_CONCURRENCY', '0', comfyUIConfig],
    ['COMFYUI_PREFETCH', '-1', comfyUIConfig],
    ['DATABASE_URL', 'mysql://me:hidden@db/jobs', comfyUIConfig],
    ['MAX_ATTEMPTS', '1.5', comfyUIConfig],
    ['STORAGE', 'hidden', comfyUIConfig],
    ['COMFYUI_CLEAN_HISTORY', 'yes', comfyUIConfig],
    ['LOG_LEVEL', 'hidden', logConfig],
    ['COMFYUI_BACKENDS', '[{"url":"http://a","password":"hidden"', comfyUIConfig],
    ['COMFYUI_BACKENDS', '[{"password": hidden}]', comfyUIConfig],
    ['COMFYUI_BACKENDS', '{"url":"http://a","password":"hidden"}', comfyUIConfig],
    ['COMFYUI_BACKENDS', '[]', comfyUIConfig],
    ['COMFYUI_BACKENDS[0].username', '[{"url":"http://a","password":"hidden"}]', comfyUIConfig],
    ['COMFYUI_BACKENDS[1].url', '[{"url":"http://a"},{"url":"http://me:hidden@b"}]', comfyUIConfig],
    ['COMFYUI_BACKENDS[0].wieght', '[{"url":"http://a","wieght":2}]', comfyUIConfig],
  ])('is checked under the names of the variables, without a secret: %s, %s', (path, value, read: () => unknown) => {
    const variable = path.replace(/\[.*/, '');
    const reading = () => withEnvironment({ [variable]: value }, read);
    expect(reading).toThrow(/^Configuration: /);
    expect(reading).toThrow(path);
    expect(reading).not.toThrow(/hidden|option /);
  });

  it.each([
    [{ STORAGE: 's3' }, 'STORAGE is s3, which needs S3_BUCKET'],
    [{ STORAGE: 'supabase' }, 'STORAGE is supabase, which needs SUPABASE_URL and SUPABASE_KEY'],
    [{ STORAGE: 's3', S3_BUCKET: 'files', S3_LINK_TTL: 'x' }, 'S3_LINK_TTL must be a whole number of seconds'],
    [
      { STORAGE: 's3', S3_BUCKET: 'files', S3_ACCESS_KEY_ID: 'hidden' },
      'S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY go together',
    ],
    [{ SUPABASE_URL: 'https://x.supabase.co', SUPABASE_KEY: 'a key' }, 'SUPABASE_KEY must be a key of the project'],
    [{ SUPABASE_URL: 'https://x.supabase.co', SUPABASE_KEY: 'k', SUPABASE_TABLE: 'a/b' }, 'SUPABASE_TABLE must be'],
    [{ SUPABASE_KEY: 'hidden' }, 'SUPABASE_URL and SUPABASE_KEY go together'],
    [{ PUBLIC_URL: 'example.com' }, 'PUBLIC_URL must be http(s)://'],
    [{ RETENTION_DAYS: '0' }, 'RETENTION_DAYS must be a number of days above 0'],
    [
      { COMFYUI_BASE_URL: 'http://a', COMFYUI_BACKENDS: '[{"url":"http://b"}]' },
      'COMFYUI_BACKENDS and COMFYUI_BASE_URL are both given',
    ],
    [
      { COMFYUI_BASE_URL: 'http://me:hidden@a' },
      'COMFYUI_BASE_URL must not contain credentials: use COMFYUI_USERNAME and COMFYUI_PASSWORD',
    ],
    [
      { COMFYUI_BACKENDS: '[{"url":"http://me:hidden@a"}]' },
      'use COMFYUI_BACKENDS[0].username and COMFYUI_BACKENDS[0].password',
    ],
  ])('names all variables a problem is about: %j', (variables, sentence) => {
    expect(() => withEnvironment(variables, comfyUIConfig)).toThrow(sentence);
  });

  it('is listed in .env.example, variable by variable', () => {
    const example = readFileSync(join(__dirname, '../../../.env.example'), 'utf8');
    const listed = [...example.matchAll(/^([A-Z0-9_]+)=/gm)].map(([, name]) => name);
    const folder = join(__dirname, '../../../src/options');
    const sources = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
    const known = [...sources.join('').matchAll(/@Setting\('([A-Z0-9_]+)'/g)].map(([, name]) => name);
    expect(new Set(listed)).toEqual(new Set(known));
    expect(listed).toHaveLength(new Set(known).size);
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
