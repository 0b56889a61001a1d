import type { FastifyHelmetOptions } from '@fastify/helmet';

/** The defaults of helmet, except for Swagger UI, which has inline styles, and for HTTPS, which a proxy in front enforces. */
export const SECURITY_HEADERS: FastifyHelmetOptions = {
  contentSecurityPolicy: {
    directives: {
      'style-src': ["'self'", "'unsafe-inline'"],
      'img-src': ["'self'", 'data:', 'blob:'],
      'upgrade-insecure-requests': null,
    },
  },
  strictTransportSecurity: false,
};
