import { json } from 'node:stream/consumers';
import { type Call, find, mayDo, roleOf } from './call';
import { readJwt, signJwt } from './jwt';
import { refusals } from './refusals';
import { send } from './send';

/** Checks only the database: policies apply in a public bucket as well, and a missing bucket has no files. */
export async function getSignedUrl(call: Call): Promise<object> {
  const role = roleOf(call);
  const { expiresIn } = (await json(call.request)) as { expiresIn?: unknown };
  if (expiresIn === undefined) throw refusals.invalid("body must have required property 'expiresIn'");
  if (!Number.isInteger(expiresIn)) throw refusals.invalid('body/expiresIn must be integer');
  if (Number(expiresIn) < 1) throw refusals.invalid('body/expiresIn must be >= 1');
  const bucket = call.buckets.all.get(call.bucketId);
  if (!bucket?.objects.has(call.name) || !mayDo(role, 'select', bucket)) throw refusals.noObject();
  const url = `${call.bucketId}/${call.name}`;
  const exp = Math.floor(Date.now() / 1000) + Number(expiresIn);
  return { signedURL: `/object/sign/${url}?token=${signJwt({ url, scope: 'download', exp }, call.secret)}` };
}

export async function getSignedObject(call: Call): Promise<void> {
  const token = call.url.searchParams.get('token');
  if (token === null) throw refusals.invalid("querystring must have required property 'token'");
  let claims: Record<string, unknown>;
  try {
    claims = readJwt(token, call.secret);
  } catch (error) {
    throw refusals.invalidJwt((error as Error).message);
  }
  if (claims.url !== `${call.bucketId}/${call.name}`) throw refusals.invalidSignature();
  const object = find(call.buckets.find(call.bucketId), call.name, 'service_role');
  const expires = new Date(Number(claims.exp) * 1000);
  await send({ ...call, download: call.url.searchParams.get('download'), expires }, object);
}

export async function getPublicObject(call: Call): Promise<void> {
  const bucket = call.buckets.find(call.bucketId);
  if (!bucket.isPublic) throw refusals.noBucket();
  const object = find(bucket, call.name, 'service_role');
  await send({ ...call, download: call.url.searchParams.get('download') }, object);
}
