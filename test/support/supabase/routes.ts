import { PassThrough, pipeline } from 'node:stream';
import { json } from 'node:stream/consumers';
import { type Call, find, mayDo, roleOf } from './call';
import { getPublicObject, getSignedObject, getSignedUrl } from './links';
import { refusals } from './refusals';
import { send } from './send';

type Handler = (call: Call) => Promise<object | void>;

/** The first match of the path below `/storage/v1`. Names as in supabase/storage, src/http/routes. */
export const ROUTES: readonly (readonly [RegExp, RegExp, Handler])[] = [
  [/^POST$/, /^\/bucket\/?$/, createBucket],
  [/^(GET|HEAD)$/, /^\/object\/public\/([^/]+)\/(.+)$/, getPublicObject],
  [/^(GET|HEAD)$/, /^\/object\/sign\/([^/]+)\/(.+)$/, getSignedObject],
  [/^POST$/, /^\/object\/sign\/([^/]+)\/(.+)$/, getSignedUrl],
  [/^GET$/, /^\/object\/authenticated\/([^/]+)\/(.+)$/, getObject],
  [/^GET$/, /^\/object\/info\/([^/]+)\/(.+)$/, getObjectInfo],
  [/^POST$/, /^\/object\/([^/]+)\/(.+)$/, createObject],
  [/^DELETE$/, /^\/object\/([^/]+)$/, deleteObjects],
];

interface AskedBucket {
  readonly id?: string;
  readonly name: string;
  readonly public?: boolean;
  readonly file_size_limit?: number | null;
  readonly allowed_mime_types?: string[] | null;
}

async function createBucket(call: Call): Promise<object> {
  const role = roleOf(call);
  const asked = (await json(call.request)) as AskedBucket;
  if (role !== 'service_role') throw refusals.rowSecurity();
  const { name, id = name, public: isPublic = false, file_size_limit, allowed_mime_types } = asked;
  const sizeLimit = file_size_limit ?? undefined;
  call.buckets.add(id, { isPublic, sizeLimit, allowedTypes: allowed_mime_types ?? undefined });
  return { name };
}

async function createObject(call: Call): Promise<object> {
  const { request, buckets, bucketId, name } = call;
  const { 'content-type': type = '', 'content-length': length, 'cache-control': cacheControl } = request.headers;
  if (!type.includes('/')) throw refusals.noType();
  const role = roleOf(call);
  const bucket = buckets.find(bucketId);
  const isAllowed = bucket.allowedTypes?.some((allowed) => allowed === type || allowed === type.replace(/\/.*/, '/*'));
  if (isAllowed === false) throw refusals.wrongType(type);
  if (Number(length) > (bucket.sizeLimit ?? Infinity)) throw refusals.tooLarge();
  // As src/storage/uploader.ts: a request refused from here on is not read to its end, so its connection is stuck.
  const bytes = pipeline(request, new PassThrough(), () => undefined);
  const isUpsert = request.headers['x-upsert'] === 'true';
  const isThere = bucket.objects.has(name);
  const mayAdd = mayDo(role, 'insert', bucket) && (!isUpsert || mayDo(role, 'select', bucket));
  const mayReplace = !isUpsert || !isThere || mayDo(role, 'update', bucket);
  if (!mayAdd || !mayReplace) throw refusals.rowSecurity();
  if (isThere && !isUpsert) throw refusals.objectThere();
  const { id } = await buckets.store(bucket, name, { type, cacheControl: cacheControl ?? 'no-cache' }, bytes);
  return { Id: id, Key: `${bucketId}/${name}` };
}

async function getObject(call: Call): Promise<void> {
  const role = roleOf(call);
  const object = find(call.buckets.find(call.bucketId), call.name, role);
  await send({ ...call, download: call.url.searchParams.get('download') }, object);
}

/** Treats a wrong key as anonymous, and hides a private bucket from it: src/http/routes/object/getObjectInfo.ts. */
async function getObjectInfo(call: Call): Promise<object> {
  let role: unknown;
  try {
    role = roleOf(call);
  } catch {
    if (!call.buckets.all.get(call.bucketId)?.isPublic) throw refusals.noBucket();
  }
  const { id, name, size, type, etag, storedAt, cacheControl } = find(
    call.buckets.find(call.bucketId),
    call.name,
    role,
  );
  const times = { last_modified: storedAt, created_at: storedAt };
  const told = { size, content_type: type, cache_control: cacheControl, etag, metadata: {}, ...times };
  return { id, name, version: id, bucket_id: call.bucketId, ...told };
}

async function deleteObjects(call: Call): Promise<object> {
  const role = roleOf(call);
  const { prefixes } = (await json(call.request)) as { prefixes: string[] };
  if (prefixes.length === 0) throw refusals.invalid('body/prefixes must NOT have fewer than 1 items');
  const bucket = call.buckets.all.get(call.bucketId);
  if (!bucket || !mayDo(role, 'delete', bucket) || !mayDo(role, 'select', bucket)) return [];
  const removed = await Promise.all(prefixes.map((name) => call.buckets.remove(bucket, name)));
  return removed.flatMap((object) => (object ? [{ id: object.id, name: object.name, bucket_id: call.bucketId }] : []));
}
