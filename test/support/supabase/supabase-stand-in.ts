import type { IncomingMessage, ServerResponse } from 'node:http';
import { RestartableServer } from '../restartable-server';
import { Buckets } from './buckets';
import { signJwt } from './jwt';
import { NoRoute, Refusal, refusals } from './refusals';
import { ROUTES } from './routes';
import type { KeptIn } from './send';

const SECRET = 'the secret of this project, which signs its keys';

/**
 * The part of Supabase Storage's HTTP API that the adapter uses, as in github.com/supabase/storage of August 2026.
 * Left out: policies (a bucket's rights replace them; the service role may do everything), resumable, S3, image and admin
 * routes, listing and moving, conditional requests, CDN caching, webhooks, user metadata, and the gateway.
 */
export class SupabaseStandIn extends RestartableServer {
  readonly serviceKey = signJwt({ role: 'service_role', iss: 'supabase' }, SECRET);
  readonly anonKey = signJwt({ role: 'anon', iss: 'supabase' }, SECRET);
  /** The number of next requests that are refused with 429 and 500 in turn. */
  faults = 0;
  /** As SERVER_KEEP_ALIVE_TIMEOUT. */
  protected override readonly keepAliveMs = 61_000;

  private constructor(
    readonly buckets: Buckets,
    private readonly keptIn: KeptIn,
  ) {
    super();
  }

  /** @param keptIn `s3` as in the cloud, `disk` as self-hosted by default */
  static async start(keptIn: KeptIn): Promise<SupabaseStandIn> {
    const standIn = new SupabaseStandIn(await Buckets.make(), keptIn);
    await standIn.listen();
    return standIn;
  }

  protected async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const answer = await this.#route(request, response);
      if (answer) response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
    } catch (error) {
      const refusal = error instanceof Refusal ? error : refusals.internal();
      if (response.headersSent) return void response.destroy();
      response.writeHead(refusal.httpStatus, { 'content-type': 'application/json' });
      response.end(JSON.stringify(refusal.body));
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<object | void> {
    if (this.faults > 0) {
      this.faults -= 1;
      throw this.faults % 2 === 0 ? refusals.slowDown() : refusals.internal();
    }
    const url = new URL(request.url ?? '/', this.url);
    const [, path = ''] = /^\/storage\/v1(\/.*)$/.exec(url.pathname) ?? [];
    for (const [method, pattern, handle] of ROUTES) {
      const [isRoute, bucketId = '', name = ''] = pattern.exec(path) ?? [];
      if (isRoute === undefined || !method.test(request.method ?? '')) continue;
      const { buckets, keptIn } = this;
      return handle({ request, response, url, bucketId, name, buckets, keptIn, secret: SECRET });
    }
    throw new NoRoute(`${request.method}:${path}`);
  }
}
