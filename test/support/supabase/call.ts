import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Bucket, Buckets, Right, StoredObject } from './buckets';
import { readJwt } from './jwt';
import { refusals } from './refusals';
import type { KeptIn } from './send';

export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly bucketId: string;
  readonly name: string;
  readonly buckets: Buckets;
  readonly keptIn: KeptIn;
  readonly secret: string;
}

export function roleOf({ request, secret }: Call): unknown {
  const { authorization } = request.headers;
  if (authorization === undefined) throw refusals.invalid("headers must have required property 'authorization'");
  return readJwt(authorization.replace(/^Bearer\s+/i, ''), secret).role;
}

/** Row-level security: the service role may do everything, others what policies allow. */
export function mayDo(role: unknown, right: Right, { rights = [] }: Bucket): boolean {
  return role === 'service_role' || rights.includes(right);
}

/** Finds a file; those of a public bucket need no permission. */
export function find(bucket: Bucket, name: string, role: unknown): StoredObject {
  const object = bucket.isPublic || mayDo(role, 'select', bucket) ? bucket.objects.get(name) : undefined;
  if (!object) throw refusals.noObject();
  return object;
}
