import { IncomingMessage } from 'node:http';
import { Faults } from '../faults';
import { Settings } from '../options';
import { Reply } from './exchange';
import { isForeignOrigin } from './origin-guard';
import { empty, proxyPage } from './replies';

export interface RequestedRoute {
  /** Without the mount prefix and without `/api`. */
  path: string;
  query: URLSearchParams;
}

/** Checks before the routes: the path prefix, the faults and the password of a proxy, ComfyUI's origin guard. */
export class Gate {
  readonly #authorization: string | undefined;

  constructor(
    private readonly settings: Settings,
    private readonly faults: Faults,
  ) {
    const { basicAuth } = settings;
    const credentials = basicAuth && `${basicAuth.username}:${basicAuth.password}`;
    this.#authorization = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`;
  }

  /** Undefined if the path is not below the prefix. Every route is also served below `/api`; jobs only there. */
  routeOf(target: string): RequestedRoute | undefined {
    const [rawPath = '/', search = ''] = target.split(/\?(.*)/s);
    const { pathPrefix } = this.settings;
    if (pathPrefix !== '' && rawPath !== pathPrefix && !rawPath.startsWith(`${pathPrefix}/`)) return undefined;
    const path = rawPath.slice(pathPrefix.length) || '/';
    const hasTwin = path.startsWith('/api/') && !path.startsWith('/api/jobs');
    return { path: hasTwin ? path.slice('/api'.length) : path, query: new URLSearchParams(search) };
  }

  /** The response that replaces that of the route; undefined if the request passes. */
  refuse(
    request: IncomingMessage,
    route: RequestedRoute | undefined,
    target: 'http' | 'socket',
  ): Reply | 'hang' | undefined {
    if (route === undefined) return proxyPage(404);
    const isOurs = route.path.startsWith('/simulator/');
    const fault = isOurs ? undefined : this.#fault({ method: request.method ?? 'GET', path: route.path }, target);
    if (fault !== undefined) return fault;
    if (this.#authorization !== undefined && request.headers.authorization !== this.#authorization)
      return proxyPage(401);
    const isNew = this.settings.protocol === '0.38';
    return isForeignOrigin(request.headers, isNew) ? empty(403) : undefined;
  }

  #fault(occasion: { method: string; path: string }, target: 'http' | 'socket'): Reply | 'hang' | undefined {
    if (this.faults.take('hang', occasion) !== undefined) return 'hang';
    const proxy = this.faults.find('proxy', occasion);
    const wanted = proxy?.fault.target ?? 'http';
    if (proxy === undefined || (wanted !== 'both' && wanted !== target)) return undefined;
    proxy.strike();
    return proxyPage(proxy.fault.status);
  }
}
