import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import type { SupabasePlace } from './supabase-places';

interface WireResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

type Key = 'secret' | 'anon' | 'none' | `eyJ${string}` | `sb_${string}`;

const refused = (statusCode: string, code: string, error: string, message: string, status = 400) => ({
  status,
  body: { statusCode, code, error, message },
});
const NO_BUCKET = refused('404', 'NoSuchBucket', 'Bucket not found', 'Bucket not found');
const NO_OBJECT = refused('404', 'NoSuchKey', 'not_found', 'Object not found');
const NO_ROWS = refused('403', 'AccessDenied', 'Unauthorized', 'new row violates row-level security policy');
const denied = (message: string) => refused('403', 'AccessDenied', 'Unauthorized', message);
const invalid = (message: string) => refused('400', 'InvalidRequest', 'Error', message);
const NO_KEY = invalid("headers must have required property 'authorization'");
const there = (code: string) => refused('409', code, 'Duplicate', 'The resource already exists');

/** For `PRIVATE` and `PUBLIC` buckets with a file `f`, 20 bytes of `image/png`. Recorded with a server of August 2026. */
const RESPONSES: readonly (readonly [Key, string, object | string | undefined, object])[] = [
  ['secret', 'POST /object/PRIVATE/f', 'again', there('KeyAlreadyExists')],
  ['secret', 'POST /object/PRIVATE/f?upsert', '01234567890123456789', { status: 200, body: { Key: 'PRIVATE/f' } }],
  ['secret', 'POST /object/NONE/f', 'x', NO_BUCKET],
  ['anon', 'POST /object/NONE/f', 'x', NO_BUCKET],
  ['anon', 'POST /object/PRIVATE/f', 'x', NO_ROWS],
  ['anon', 'POST /object/PUBLIC/g', 'x', NO_ROWS],
  ['none', 'POST /object/PRIVATE/f', 'x', NO_KEY],
  ['sb_secret_x', 'POST /object/PRIVATE/f', 'x', denied('Invalid Compact JWS')],
  ['eyJ.a-secret.x', 'POST /object/PRIVATE/f', 'x', denied('JWS Protected Header is invalid')],
  [
    'secret',
    'POST /object/PRIVATE/g?type=nonsense',
    'x',
    refused('415', 'InvalidMimeType', 'invalid_mime_type', 'Invalid Content-Type header'),
  ],
  ['secret', 'GET /object/authenticated/PRIVATE/g', undefined, NO_OBJECT],
  ['secret', 'GET /object/authenticated/NONE/f', undefined, NO_BUCKET],
  ['anon', 'GET /object/authenticated/PRIVATE/f', undefined, NO_OBJECT],
  ['none', 'GET /object/authenticated/PRIVATE/f', undefined, NO_KEY],
  ['secret', 'GET /object/info/PRIVATE/f', undefined, { status: 200, body: { size: 20, cache_control: 'max-age=60' } }],
  ['anon', 'GET /object/info/PRIVATE/f', undefined, NO_OBJECT],
  ['sb_secret_x', 'GET /object/info/PRIVATE/f', undefined, NO_BUCKET],
  ['sb_secret_x', 'GET /object/info/PUBLIC/f', undefined, { status: 200, body: { content_type: 'image/png' } }],
  ['secret', 'POST /object/sign/PRIVATE/g', { expiresIn: 60 }, NO_OBJECT],
  ['secret', 'POST /object/sign/NONE/f', { expiresIn: 60 }, NO_OBJECT],
  ['anon', 'POST /object/sign/PUBLIC/f', { expiresIn: 60 }, NO_OBJECT],
  ['secret', 'POST /object/sign/PRIVATE/f', { expiresIn: 'x' }, invalid('body/expiresIn must be integer')],
  ['secret', 'POST /object/sign/PRIVATE/f', { expiresIn: 0 }, invalid('body/expiresIn must be >= 1')],
  ['none', 'GET /object/sign/PRIVATE/f', undefined, invalid("querystring must have required property 'token'")],
  [
    'none',
    'GET /object/sign/PRIVATE/f?token=x',
    undefined,
    refused('400', 'InvalidJWT', 'InvalidJWT', 'Invalid Compact JWS'),
  ],
  [
    'none',
    'GET /object/sign/PRIVATE/f?token=SECRET',
    undefined,
    refused('400', 'InvalidSignature', 'InvalidSignature', 'Invalid signature'),
  ],
  ['none', 'GET /object/public/PRIVATE/f', undefined, NO_BUCKET],
  ['none', 'GET /object/public/PUBLIC/g', undefined, NO_OBJECT],
  [
    'none',
    'HEAD /object/public/PUBLIC/f',
    undefined,
    { status: 200, headers: { 'content-length': '20', 'cache-control': 'max-age=60' }, body: '' },
  ],
  ['secret', 'POST /bucket', { id: 'PRIVATE', name: 'PRIVATE' }, there('BucketAlreadyExists')],
  ['anon', 'POST /bucket', { id: 'PRIVATE', name: 'PRIVATE' }, NO_ROWS],
  [
    'secret',
    'POST /bucket',
    { name: 'x'.repeat(101) },
    refused('400', 'InvalidBucketName', 'Invalid Input', 'Bucket name invalid'),
  ],
  ['anon', 'DELETE /object/PUBLIC', { prefixes: ['f'] }, { status: 200, body: [] }],
  ['secret', 'DELETE /object/NONE', { prefixes: ['f'] }, { status: 200, body: [] }],
  ['secret', 'DELETE /object/PRIVATE', { prefixes: [] }, invalid('body/prefixes must NOT have fewer than 1 items')],
  ['secret', 'DELETE /object/PRIVATE', { prefixes: ['f'] }, { status: 200, body: [{ name: 'f' }] }],
  ['secret', 'GET /nothing', undefined, { status: 404, body: { statusCode: 404, error: 'Not Found' } }],
];

/** The responses of the server, which the stand-in must reproduce. */
export function describeWire(name: string, makePlace: () => Promise<SupabasePlace>): void {
  describe(name, () => {
    let place: SupabasePlace;
    const names: Record<string, string> = { NONE: 'a-bucket-that-is-not-there' };

    beforeAll(async () => {
      place = await makePlace();
      names.SECRET = place.options.key;
      names.PRIVATE = await place.addBucket();
      names.PUBLIC = await place.addBucket({ public: true });
      for (const bucket of ['PRIVATE', 'PUBLIC'])
        await send('secret', `POST /object/${bucket}/f`, '0123456789'.repeat(2));
    });

    afterAll(() => place.remove());

    const filled = (words: string) => words.replace(/\b(NONE|SECRET|PRIVATE|PUBLIC)\b/g, (word) => names[word] ?? word);
    const keyOf = (key: Key) =>
      ({ secret: place.options.key, anon: place.anonKey, none: undefined })[key as 'anon'] ?? key;

    function send(key: Key, line: string, body?: object | string): Promise<WireResponse> {
      const [method, path = ''] = filled(line).split(' ');
      const sent = body === undefined ? '' : filled(typeof body === 'string' ? body : JSON.stringify(body));
      const { searchParams } = new URL(path, 'http://x');
      const type = typeof body === 'string' ? (searchParams.get('type') ?? 'image/png') : 'application/json';
      const headers = {
        ...(key !== 'none' && { authorization: `Bearer ${keyOf(key)}` }),
        ...(sent !== '' && { 'content-type': type, 'content-length': Buffer.byteLength(sent) }),
        ...(typeof body === 'string' && {
          'cache-control': 'max-age=60',
          'x-upsert': String(searchParams.has('upsert')),
        }),
      };
      const url = new URL(`${place.options.url}/storage/v1${path}`);
      return new Promise((resolve, reject) => {
        const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
        const outgoing = request(url, { method, headers }, (response) => {
          const { statusCode = 0, headers: heads } = response;
          text(response).then((json) => resolve({ status: statusCode, headers: heads, body: parsed(json) }), reject);
        });
        outgoing.once('error', reject).end(sent);
      });
    }

    it.each(RESPONSES)('with the key %s, to %s %j', async (key, line, body, response) => {
      const expected = JSON.parse(filled(JSON.stringify(response))) as object;
      expect(await send(key, line, body)).toMatchObject(expected);
    });
  });
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}
