import { Injectable } from '@nestjs/common';
import type { BackendStatus } from '../domain/backend';
import { ComfyUIClient } from './ports/comfyui-client';

export interface Status {
  /** Whether at least one ComfyUI server answers. */
  readonly reachable: boolean;
  readonly backends: readonly BackendStatus[];
}

@Injectable()
export class StatusService {
  constructor(private readonly client: ComfyUIClient) {}

  /** A look at every ComfyUI server, now. Never rejects. */
  async status(signal?: AbortSignal): Promise<Status> {
    const backends = [await this.client.status(signal)];
    return { reachable: backends.some(({ reachable }) => reachable), backends };
  }
}
