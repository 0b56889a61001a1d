import { NodeCatalog } from '../../application/backends/node-catalog';
import { isObject } from '../../shared/json';
import type { ComfyUIHttp } from './comfyui-http';

/** The node classes of a ComfyUI server by its `/object_info`, which may be megabytes. */
export class ComfyUINodeCatalog extends NodeCatalog {
  constructor(private readonly http: ComfyUIHttp) {
    super();
  }

  async nodeClasses(signal?: AbortSignal): Promise<ReadonlySet<string>> {
    const catalog = await this.http.getJson('/object_info', signal);
    return new Set(isObject(catalog) ? Object.keys(catalog) : []);
  }
}
