import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { s3Storage } from '../../src/infrastructure/storage/s3/s3-storage';
import { NEVER } from './files';

const error = (code: string, message: string) => `<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
const NO_S3 = 'does not answer like S3: check S3_ENDPOINT';

describe('a server', () => {
  let server: Server;

  afterEach(() => {
    server.close();
    server.closeAllConnections();
  });

  it.each([
    [
      'is a self-hosted Supabase with another key',
      403,
      error('AccessDenied', 'Invalid Access Key'),
      'check S3_ACCESS_KEY',
    ],
    ['lets our key do too little', 403, error('AccessDenied', 'Access Denied'), 'needs s3:PutObject'],
    ['is a Supabase that takes other types', 415, error('InvalidMimeType', 'mime type a/b ...'), 'allowed types'],
    ['is no S3 and speaks JSON', 404, '{"message":"Route POST:/files not found"}', NO_S3],
    ['is no S3 and speaks HTML', 404, '<!doctype html><title>Welcome</title>', NO_S3],
    ['is somewhere else', 302, '', NO_S3],
  ])('that %s is told in words', async (_what, status, body, says) => {
    server = createServer((request, response) => {
      // As if the file was not there: an answer to HEAD has no body to tell more.
      const head = { 'content-type': 'application/xml', location: 'http://127.0.0.1:1/' };
      response.writeHead(request.method === 'HEAD' ? 404 : status, head).end(body);
      request.resume();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const storage = s3Storage({ bucket: 'files', endpoint, accessKeyId: 'a', secretAccessKey: 'b' });
    await expect(storage.check(NEVER)).rejects.toMatchObject({
      code: 'storage_failed',
      message: expect.stringContaining(says),
    });
  });
});
