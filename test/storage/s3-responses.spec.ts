import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { s3Storage } from '../../src/infrastructure/storage/s3/s3-storage';
import { NEVER } from './files';

const error = (code: string, message: string) => `<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
const NO_S3 = 'does not answer like S3: check the endpoint';

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
      'check the access key',
    ],
    ['grants the key too few permissions', 403, error('AccessDenied', 'Access Denied'), 'needs s3:PutObject'],
    ['is a Supabase that allows other types', 415, error('InvalidMimeType', 'mime type a/b ...'), 'allowed types'],
    ['is no S3 and answers JSON', 404, '{"message":"Route POST:/files not found"}', NO_S3],
    ['is no S3 and answers HTML', 404, '<!doctype html><title>Welcome</title>', NO_S3],
    ['redirects', 302, '', NO_S3],
  ])('that %s is described in the error', async (_what, status, body, message) => {
    server = createServer((request, response) => {
      // Like a missing file, because a response to HEAD has no body with an error.
      const head = { 'content-type': 'application/xml', location: 'http://127.0.0.1:1/' };
      response.writeHead(request.method === 'HEAD' ? 404 : status, head).end(body);
      request.resume();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const storage = s3Storage({ bucket: 'files', endpoint, accessKeyId: 'a', secretAccessKey: 'b' });
    await expect(storage.check(NEVER)).rejects.toMatchObject({
      code: 'storage_failed',
      message: expect.stringContaining(message),
    });
  });
});
