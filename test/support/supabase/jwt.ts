import { createHmac } from 'node:crypto';
import { refusals } from './refusals';

const coded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const signatureOf = (text: string, secret: string) => createHmac('sha256', secret).update(text).digest('base64url');

export function signJwt(payload: object, secret: string): string {
  const text = `${coded({ alg: 'HS256', typ: 'JWT' })}.${coded(payload)}`;
  return `${text}.${signatureOf(text, secret)}`;
}

/** Throws the messages of `jose`, which the real server forwards. */
export function readJwt(token: string, secret: string): Record<string, unknown> {
  const [header = '', payload = '', signature, ...more] = token.split('.');
  if (signature === undefined || more.length > 0) throw refusals.denied('Invalid Compact JWS');
  if (!isJson(header)) throw refusals.denied('JWS Protected Header is invalid');
  if (signatureOf(`${header}.${payload}`, secret) !== signature) throw refusals.denied('signature verification failed');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
  if (typeof claims.exp === 'number' && claims.exp * 1000 < Date.now())
    throw refusals.denied('"exp" claim timestamp check failed');
  return claims;
}

function isJson(code: string): boolean {
  try {
    JSON.parse(Buffer.from(code, 'base64url').toString());
    return true;
  } catch {
    return false;
  }
}
