/** A request as Express or Fastify hand it out; Express cuts `url` below a mounted application. */
export interface HasUrl {
  readonly url: string;
  readonly originalUrl?: string;
}

/** The routes of ours that stand beside each other, whatever comes before them. */
const OWN_ROUTES = /^(.*)\/(?:assets|jobs|generate)(?:\/.*)?$/i;

/**
 * Where the caller of one request finds things: paths, under whatever prefix or version the host application put the
 * request's own route. Never by the name in the request's Host header, which anybody can write.
 */
export class UrlBuilder {
  readonly #requestUrl: string;

  /** @param publicUrl what links to files start with instead, without a slash at the end */
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
