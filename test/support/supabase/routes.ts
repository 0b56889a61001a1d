import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { Bucket, Buckets, StoredObject } from './buckets';
import { readJwt, signJwt } from './jwt';
import { refusals } from './refusals';

export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly bucketId: string;
  readonly name: string;
  readonly buckets: Buckets;
  readonly secret: string;
}

type Handler = (call: Call) => Promise<object | void>;

/** The first that fits; after `/storage/v1`. Names as in supabase/storage, src/http/routes. */
export const ROUTES: readonly (readonly [string, RegExp, Handler])[] = [
  ['POST', /^\/bucket\/?$/, createBucket],
  ['GET', /^\/object\/public\/([^/]+)\/(.+)$/, getPublicObject],
  ['GET', /^\/object\/sign\/([^/]+)\/(.+)$/, getSignedObject],
  ['POST', /^\/object\/sign\/([^/]+)\/(.+)$/, getSignedUrl],
  ['GET', /^\/object\/authenticated\/([^/]+)\/(.+)$/, getObject],
  ['GET', /^\/object\/info\/([^/]+)\/(.+)$/, getObjectInfo],
  ['POST', /^\/object\/([^/]+)\/(.+)$/, createObject],
  ['DELETE', /^\/object\/([^/]+)$/, deleteObjects],
];

async function createBucket(call: Call): Promise<object> {
  const role = roleOf(call);
  const body = (await json(call.request)) as { id?: string; name: string; public?: boolean };
  if (role !== 'service_role') throw refusals.rowSecurity();
  call.buckets.add(body.id ?? body.name, body.public ?? false);
  return { name: body.name };
}

async function createObject(call: Call): Promise<object> {
  const { request, buckets, bucketId, name } = call;
  const role = roleOf(call);
  const bucket = buckets.find(bucketId);
  const { 'content-type': type = 'application/octet-stream', 'content-length': length } = request.headers;
  if (bucket.allowedTypes && !bucket.allowedTypes.includes(type)) throw refusals.wrongType(type);
  if (Number(length) > (bucket.sizeLimit ?? Infinity)) throw refusals.tooLarge();
  if (role !== 'service_role') throw refusals.rowSecurity();
  if (request.headers['x-upsert'] !== 'true' && bucket.objects.has(name)) throw refusals.duplicate();
  const { id } = await buckets.store(bucket, name, type, request);
  return { Id: id, Key: `${bucketId}/${name}` };
}

async function getObject(call: Call): Promise<void> {
  const role = roleOf(call);
  await send(call, find(call.buckets.find(call.bucketId), call.name, role));
}

/** This one takes a key that is wrong for nobody's, and shows nobody a private bucket: src/http/routes/object/getObjectInfo.ts. */
async function getObjectInfo(call: Call): Promise<object> {
  let role: unknown;
  try {
    role = roleOf(call);
  } catch {
    if (!call.buckets.all.get(call.bucketId)?.isPublic) throw refusals.noBucket();
  }
  const { id, name, size, type } = find(call.buckets.find(call.bucketId), call.name, role);
  return { id, name, version: id, bucket_id: call.bucketId, size, content_type: type, etag: `"${id}"`, metadata: {} };
}

async function getSignedUrl(call: Call): Promise<object> {
  const role = roleOf(call);
  const { expiresIn } = (await json(call.request)) as { expiresIn?: unknown };
  if (!Number.isInteger(expiresIn)) throw refusals.invalid("body must have required property 'expiresIn'");
  find(call.buckets.find(call.bucketId), call.name, role);
  const url = `${call.bucketId}/${call.name}`;
  const exp = Math.floor(Date.now() / 1000) + Number(expiresIn);
  return { signedURL: `/object/sign/${url}?token=${signJwt({ url, scope: 'download', exp }, call.secret)}` };
}

async function getSignedObject(call: Call): Promise<void> {
  let claims: Record<string, unknown>;
  try {
    claims = readJwt(call.url.searchParams.get('token') ?? '', call.secret);
  } catch (error) {
    throw refusals.invalidJwt((error as Error).message);
  }
  if (claims.url !== `${call.bucketId}/${call.name}`) throw refusals.invalid('Invalid signature');
  await send(call, find(call.buckets.find(call.bucketId), call.name, 'service_role'));
}

async function getPublicObject(call: Call): Promise<void> {
  const bucket = call.buckets.find(call.bucketId);
  if (!bucket.isPublic) throw refusals.noBucket();
  await send(call, find(bucket, call.name, 'service_role'));
}

async function deleteObjects(call: Call): Promise<object> {
  const role = roleOf(call);
  const { prefixes } = (await json(call.request)) as { prefixes: string[] };
  if (role !== 'service_role') return [];
  const bucket = call.buckets.all.get(call.bucketId);
  if (!bucket) return [];
  const removed = await Promise.all(prefixes.map((name) => call.buckets.remove(bucket, name)));
  return removed.flatMap((object) => (object ? [{ id: object.id, name: object.name, bucket_id: call.bucketId }] : []));
}

function roleOf({ request, secret }: Call): unknown {
  const { authorization } = request.headers;
  if (authorization === undefined) throw refusals.invalid("headers must have required property 'authorization'");
  return readJwt(authorization.replace(/^Bearer\s+/i, ''), secret).role;
}

/** Without policies, row-level security shows the rows to the service role alone; those of a public bucket are for all. */
function find(bucket: Bucket, name: string, role: unknown): StoredObject {
  const object = bucket.isPublic || role === 'service_role' ? bucket.objects.get(name) : undefined;
  if (!object) throw refusals.noObject();
  return object;
}

/** src/storage/renderer/renderer.ts, over an S3. */
async function send({ request, response, url }: Call, { id, path, size, type }: StoredObject): Promise<void> {
  const download = url.searchParams.get('download');
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const start = Number(first ?? 0);
  const end = last ? Math.min(Number(last), size - 1) : size - 1;
  if (first !== undefined && start >= size) throw refusals.range();
  response.writeHead(first === undefined ? 200 : 206, {
    'accept-ranges': 'bytes',
    'content-type': type.includes('text/html') ? 'text/plain' : type,
    'content-length': end - start + 1,
    etag: `"${id}"`,
    'x-robots-tag': 'none',
    ...(first !== undefined && { 'content-range': `bytes ${start}-${end}/${size}` }),
    ...(download !== null && { 'content-disposition': disposition(download) }),
  });
  if (size === 0) response.end();
  else await pipeline(createReadStream(path, { start, end }), response).catch(() => undefined);
}

function disposition(download: string): string {
  const name = encodeURIComponent(download);
  return download === '' ? 'attachment;' : `attachment; filename=${name}; filename*=UTF-8''${name}`;
}
