import {
  ComfyUIClient,
  type FileStream,
  type PromptState,
  type Submission,
} from '../../src/application/backends/comfyui-client';
import type { ServerStatus } from '../../src/domain/backend';

/** A client without a server: its socket carries no events, and each request fails that a subclass does not implement. */
export class PartialClient extends ComfyUIClient {
  async listen(): Promise<() => void> {
    return () => undefined;
  }

  onDisconnect(): void {}

  status(): Promise<ServerStatus> {
    return unexpected('status');
  }

  nodeClasses(): Promise<ReadonlySet<string>> {
    return unexpected('nodeClasses');
  }

  submit(): Promise<Submission> {
    return unexpected('submit');
  }

  find(): Promise<PromptState> {
    return unexpected('find');
  }

  view(): Promise<FileStream> {
    return unexpected('view');
  }

  cancel(): Promise<void> {
    return unexpected('cancel');
  }

  forget(): Promise<void> {
    return unexpected('forget');
  }

  freeMemory(): Promise<void> {
    return unexpected('freeMemory');
  }
}

function unexpected(request: string): Promise<never> {
  return Promise.reject(new Error(`Unexpected request: ${request}`));
}
