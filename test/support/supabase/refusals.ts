/** Errors of Supabase Storage (src/internal/errors/codes.ts) in the format of src/http/error-handler.ts: HTTP status 400. */
export class Refusal extends Error {
  constructor(
    readonly statusCode: string,
    readonly code: string,
    message: string,
    readonly error: string = code,
    readonly httpStatus: number = statusCode === '500' ? 500 : 400,
  ) {
    super(message);
  }

  get body(): object {
    const { statusCode, code, error, message } = this;
    return { statusCode, code, error, message };
  }
}

/** Fastify's own error, which has no code and a numeric status. */
export class NoRoute extends Refusal {
  constructor(route: string) {
    super('404', '', `Route ${route} not found`, 'Not Found', 404);
  }

  override get body(): object {
    const { error, message } = this;
    return { statusCode: 404, error, message };
  }
}

const duplicate = (code: string) => new Refusal('409', code, 'The resource already exists', 'Duplicate');

export const refusals = {
  noBucket: () => new Refusal('404', 'NoSuchBucket', 'Bucket not found', 'Bucket not found'),
  bucketName: () => new Refusal('400', 'InvalidBucketName', 'Bucket name invalid', 'Invalid Input'),
  bucketThere: () => duplicate('BucketAlreadyExists'),
  noObject: () => new Refusal('404', 'NoSuchKey', 'Object not found', 'not_found'),
  objectThere: () => duplicate('KeyAlreadyExists'),
  denied: (message: string) => new Refusal('403', 'AccessDenied', message, 'Unauthorized'),
  rowSecurity: () => refusals.denied('new row violates row-level security policy'),
  tooLarge: () =>
    new Refusal('413', 'EntityTooLarge', 'The object exceeded the maximum allowed size', 'Payload too large'),
  wrongType: (type: string) =>
    new Refusal('415', 'InvalidMimeType', `mime type ${type} is not supported`, 'invalid_mime_type'),
  noType: () => new Refusal('415', 'InvalidMimeType', 'Invalid Content-Type header', 'invalid_mime_type'),
  range: () => new Refusal('416', 'InvalidRange', 'invalid range provided', 'invalid_range', 416),
  invalidJwt: (message: string) => new Refusal('400', 'InvalidJWT', message),
  invalidSignature: () => new Refusal('400', 'InvalidSignature', 'Invalid signature'),
  invalid: (message: string) => new Refusal('400', 'InvalidRequest', message, 'Error'),
  slowDown: () =>
    new Refusal('429', 'SlowDown', 'Too many connections issued to the database', 'too_many_connections', 429),
  internal: () => new Refusal('500', 'InternalError', 'Internal Server Error', 'Internal'),
};
