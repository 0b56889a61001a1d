/** A request of Express or Fastify; Express strips the mount path of an application from `url`. */
export interface HasUrl {
  readonly url: string;
  readonly originalUrl?: string;
}

/** Our routes, which share one prefix. */
const OWN_ROUTES = /^(.*)\/(?:assets|jobs|generate)(?:\/.*)?$/i;

/**
 * URLs for the response to one request: paths with the prefix and version that the host application gives to the request's own
 * route. Never with the Host header of the request, which the caller controls.
 */
export class UrlBuilder {
  readonly #requestUrl: string;

  /** @param publicUrl prefix of links to files instead, without a slash at the end */
  constructor(
    { originalUrl, url }: HasUrl,
    private readonly publicUrl: string | undefined,
  ) {
    this.#requestUrl = originalUrl ?? url;
  }

  asset(id: string): string {
    return `${this.publicUrl ?? this.#mount()}/assets/${id}`;
  }

  job(id: string): string {
    return `${this.#mount()}/jobs/${id}`;
  }

  #mount(): string {
    const { pathname } = new URL(this.#requestUrl, 'http://localhost');
    const [, mount = ''] = OWN_ROUTES.exec(pathname) ?? [];
    return mount.replace(/^\/+/, '/');
  }
}
