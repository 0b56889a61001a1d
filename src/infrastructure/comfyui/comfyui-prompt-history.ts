import { PromptHistory } from '../../application/backends/prompt-history';
import type { ComfyUIHttp } from './comfyui-http';

/** By `POST /history`, which takes ids it does not know as well. */
export class ComfyUIPromptHistory extends PromptHistory {
  constructor(private readonly http: ComfyUIHttp) {
    super();
  }

  forget(promptId: string, signal?: AbortSignal): Promise<void> {
    return this.http.command('/history', { delete: [promptId] }, signal);
  }
}
