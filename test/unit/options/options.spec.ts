import { type ComfyUIOptions, resolveOptions } from '../../../src/options/comfyui.options';

describe('the options', () => {
  it('have defaults', () => {
    expect(resolveOptions({})).toEqual({
      backends: [{ url: 'http://127.0.0.1:8188', credentials: undefined, weight: 1, concurrency: 1, labels: [] }],
      prefetch: 1,
      connectTimeout: 5,
      responseTimeout: 30,
      generateTimeout: 300,
      spoolMemory: 32 * 1024 * 1024,
      spoolDirectory: undefined,
      dataDirectory: undefined,
      databaseUrl: undefined,
      redisUrl: undefined,
      role: 'all',
      maxQueue: 10_000,
      queueTimeout: 86_400,
      runTimeout: 3_600,
      maxAttempts: 3,
      shutdownGrace: 25,
      storage: { kind: 'local' },
      supabaseTable: undefined,
      publicUrl: undefined,
      retentionDays: null,
      cleanHistory: false,
    });
  });

  it('undefined and null count as not given', () => {
    const given = { baseUrl: undefined, prefetch: undefined, maxQueue: null } as unknown as ComfyUIOptions;
    expect(resolveOptions(given)).toEqual(resolveOptions({}));
  });

  it('take several addresses with one set of credentials', () => {
    const credentials = { username: 'me', password: 'secret' };
    const baseUrl = 'http://a:8188/, https://b/comfy//';
    expect(resolveOptions({ baseUrl, ...credentials, concurrency: 2 }).backends).toEqual([
      { url: 'http://a:8188', credentials, weight: 1, concurrency: 2, labels: [] },
      { url: 'https://b/comfy', credentials, weight: 1, concurrency: 2, labels: [] },
    ]);
  });

  it('take servers that differ, each with the defaults', () => {
    const backends = [
      { url: 'http://a', username: 'me', password: 'secret', weight: 0.5, concurrency: 3, labels: [' sdxl '] },
      { url: 'http://b' },
    ];
    expect(resolveOptions({ baseUrl: '', backends, concurrency: 2 }).backends).toEqual([
      {
        url: 'http://a',
        credentials: { username: 'me', password: 'secret' },
        weight: 0.5,
        concurrency: 3,
        labels: ['sdxl'],
      },
      { url: 'http://b', credentials: undefined, weight: 1, concurrency: 2, labels: [] },
    ]);
  });

  it.each<[string, object]>([
    ['baseUrl', { baseUrl: '' }],
    ['baseUrl', { baseUrl: 8188 }],
    ['baseUrl', { baseUrl: 'http://a,' }],
    ['baseUrl', { baseUrl: 'http://a, http://A:80' }],
    ['baseUrl', { baseUrl: 'http://a,http://me:hidden@b' }],
    ['username', { username: 5, password: 'hidden' }],
    ['username', { backends: [{ url: 'http://a' }], username: 'me', password: 'hidden' }],
    ['backends', { baseUrl: 'http://a', backends: [{ url: 'http://b' }] }],
    ['backends', { backends: [] }],
    ['backends', { backends: 'http://a' }],
    ['backends[0]', { backends: ['http://a'] }],
    ['backends[0].url', { backends: [{}] }],
    ['backends[1].url', { backends: [{ url: 'http://a' }, { url: 'http://a/' }] }],
    ['backends[0].password', { backends: [{ url: 'http://a', username: 'me' }] }],
    ['backends[0].weight', { backends: [{ url: 'http://a', weight: 0 }] }],
    ['backends[0].concurrency', { backends: [{ url: 'http://a', concurrency: 0.5 }] }],
    ['backends[0].labels', { backends: [{ url: 'http://a', labels: 'sdxl' }] }],
    ['backends[0].labels', { backends: [{ url: 'http://a', labels: [''] }] }],
    ['backends[0].Url', { backends: [{ Url: 'http://a' }] }],
    ['concurrency', { concurrency: 0 }],
    ['prefetch', { prefetch: -1 }],
    ['prefetch', { prefetch: '1' }],
    ['maxQueue', { maxQueue: 0 }],
    ['queueTimeout', { queueTimeout: 0 }],
    ['runTimeout', { runTimeout: Infinity }],
    ['maxAttempts', { maxAttempts: 1.5 }],
    ['shutdownGrace', { shutdownGrace: -1 }],
    ['dataDirectory', { dataDirectory: '' }],
    ['storage', { storage: { kind: 'ftp' } }],
    ['storage', { storage: 'local' }],
    ['storage.bucket', { storage: { kind: 's3' } }],
    ['storage.key', { storage: { kind: 'supabase', url: 'https://x.supabase.co' } }],
    ['storage', { storage: ['local'] }],
    ['storage.directory', { storage: { kind: 'local', directory: 5 } }],
    ['storage.bucket', { storage: { kind: 's3', bucket: 'no/bucket' } }],
    ['storage.endpoint', { storage: { kind: 's3', bucket: 'files', endpoint: 'https://me:hidden@s3' } }],
    ['storage.accessKeyId', { storage: { kind: 's3', bucket: 'files', accessKeyId: 'hidden' } }],
    ['storage.secretAccessKey', { storage: { kind: 's3', bucket: 'files', secretAccessKey: 'hidden' } }],
    ['storage.linkSeconds', { storage: { kind: 's3', bucket: 'files', linkSeconds: 'x' } }],
    ['storage.links', { storage: { kind: 'supabase', url: 'https://x.supabase.co', key: 'k', links: 'hidden' } }],
    ['storage.key', { storage: { kind: 'supabase', url: 'https://x.supabase.co', key: 'hidden key' } }],
    ['supabaseTable', { supabaseTable: 'generations' }],
    ['supabaseTable.key', { supabaseTable: { url: 'https://x.supabase.co', key: 'hidden\n' } }],
    ['supabaseTable.table', { supabaseTable: { url: 'https://x.supabase.co', key: 'k', table: 'a/b' } }],
    ['supabaseTable.url', { supabaseTable: { key: 'hidden' } }],
    ['publicUrl', { publicUrl: 'pictures.example.com' }],
    ['publicUrl', { publicUrl: 'https://me:hidden@pictures.example.com' }],
    ['publicUrl', { publicUrl: 'https://pictures.example.com/?a=b' }],
    ['retentionDays', { retentionDays: 0 }],
    ['retentionDays', { retentionDays: '7' }],
    ['databaseUrl', { databaseUrl: 'mysql://me:hidden@db/jobs' }],
    ['databaseUrl', { databaseUrl: 'me:hidden@db' }],
    ['redisUrl', { databaseUrl: 'postgres://db/jobs', redisUrl: 'http://me:hidden@redis' }],
    ['redisUrl', { redisUrl: 'redis://me:hidden@redis' }],
    ['role', { databaseUrl: 'postgres://db/jobs', role: 'boss' as never }],
    ['role', { role: 'worker' }],
    ['cleanHistory', { cleanHistory: 'yes' }],
  ])('name the wrong one, without a secret: %s, %j', (name, options) => {
    const resolving = () => resolveOptions(options);
    expect(resolving).toThrow(`ComfyUIModule: option ${name} `);
    expect(resolving).not.toThrow(/hidden|[{}]/);
  });

  it('are reported together when several are wrong', () => {
    expect(() => resolveOptions({ maxQueue: 0, storage: { kind: 's3', bucket: '' }, prefetch: -1 })).toThrow(
      /^ComfyUIModule: option prefetch must .*; option maxQueue must .*; option storage\.bucket must .*\.$/,
    );
  });

  it('take a storage of the application as it is', () => {
    const method = async () => undefined;
    const storage = { linksLast: false, check: method, put: method, open: method, remove: method, link: method };
    expect(resolveOptions({ storage }).storage).toBe(storage);
    const { link: _link, ...partial } = storage;
    expect(() => resolveOptions({ storage: partial as never })).toThrow('option storage must be');
  });
});
