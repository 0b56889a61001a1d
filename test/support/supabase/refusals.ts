/** Errors of Supabase Storage (src/internal/errors/codes.ts), told as src/http/error-handler.ts does: HTTP says 400. */
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

export const refusals = {
  noBucket: () => new Refusal('404', 'NoSuchBucket', 'Bucket not found', 'Bucket not found'),
  noObject: () => new Refusal('404', 'NoSuchKey', 'Object not found', 'not_found'),
  duplicate: () => new Refusal('409', 'ResourceAlreadyExists', 'The resource already exists', 'Duplicate'),
  denied: (message: string) => new Refusal('403', 'AccessDenied', message, 'Unauthorized'),
  rowSecurity: () => refusals.denied('new row violates row-level security policy'),
  tooLarge: () =>
    new Refusal('413', 'EntityTooLarge', 'The object exceeded the maximum allowed size', 'Payload too large'),
  wrongType: (type: string) =>
    new Refusal('415', 'InvalidMimeType', `mime type ${type} is not supported`, 'invalid_mime_type'),
  /** As the S3 behind it says it: src/internal/errors/storage-error.ts, fromError. */
  range: () => new Refusal('416', 'S3Error', 'InvalidRange', 'The requested range is not satisfiable'),
  invalidJwt: (message: string) => new Refusal('400', 'InvalidJWT', message),
  invalid: (message: string) => new Refusal('400', 'InvalidRequest', message, 'Error'),
  noRoute: (route: string) => new Refusal('404', 'InvalidRequest', `Route ${route} not found`, 'Not Found', 404),
  slowDown: () =>
    new Refusal('429', 'SlowDown', 'Too many connections issued to the database', 'too_many_connections', 429),
  internal: () => new Refusal('500', 'InternalError', 'Internal Server Error', 'Internal'),
};
