import { startSimulator } from '../simulator';

/** The ComfyUI server of the demo. */
export interface Backend {
  readonly url: string;
  readonly description: string;
  close(): Promise<void>;
}

/** The server at `configuredUrl`; without one, a new simulator. */
export async function openBackend(configuredUrl: string | undefined): Promise<Backend> {
  if (configuredUrl) return { url: configuredUrl, description: `ComfyUI at ${configuredUrl}`, close: async () => {} };
  const simulator = await startSimulator();
  return {
    url: simulator.url,
    description: `a simulated ComfyUI at ${simulator.url} (for a real one set COMFYUI_BASE_URL)`,
    close: () => simulator.close(),
  };
}
