import { startSimulator } from '../simulator';

/** The ComfyUI that the demo talks to. */
export interface Backend {
  readonly url: string;
  readonly description: string;
  close(): Promise<void>;
}

/** The server at `configuredUrl`, or else a simulator of our own. */
export async function openBackend(configuredUrl: string | undefined): Promise<Backend> {
  if (configuredUrl) return { url: configuredUrl, description: `ComfyUI at ${configuredUrl}`, close: async () => {} };
  const simulator = await startSimulator();
  return {
    url: simulator.url,
    description: `a simulated ComfyUI at ${simulator.url} (for a real one set COMFYUI_BASE_URL)`,
    close: () => simulator.close(),
  };
}
