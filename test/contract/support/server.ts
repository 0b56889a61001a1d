import { Simulator, SimulatorOptions, startSimulator } from '../../../src/simulator';

/** The server under test: a simulator, or with COMFYUI_BASE_URL a real server as its reference. */
export interface Server {
  url: string;
  headers: Record<string, string>;
  /** Undefined for a real server. */
  simulator?: Simulator;
}

const { COMFYUI_BASE_URL: liveUrl = '', COMFYUI_USERNAME: username, COMFYUI_PASSWORD: password } = process.env;

export const isLive = liveUrl !== '';

/** A checkpoint for the sampler; undefined if a real server has none. */
export const checkpoint = isLive ? process.env.CONTRACT_CHECKPOINT || undefined : 'v1-5-pruned-emaonly.safetensors';

const basic = (user: string, pass: string): Record<string, string> => ({
  Authorization: `Basic ${Buffer.from(`${user}:${pass}`).toString('base64')}`,
});

/** Starts the simulator for a describe block, or returns the real server. */
export function useServer(options: SimulatorOptions = {}): () => Server {
  let server: Server | undefined;
  beforeAll(async () => {
    if (isLive) {
      server = { url: liveUrl.replace(/\/$/, ''), headers: username && password ? basic(username, password) : {} };
      return;
    }
    const simulator = await startSimulator({ speed: 'instant', previews: true, ...options });
    server = { url: simulator.url, headers: {}, simulator };
  });
  afterAll(() => server?.simulator?.close());
  return () => {
    if (server === undefined) throw new Error('the server is used before its start');
    return server;
  };
}

/** For scenarios that need nodes which a stock ComfyUI does not have. */
export const describeSimulator = isLive ? describe.skip : describe;

/** For the sampler, which needs a checkpoint on a real server. */
export const describeWithModel = checkpoint === undefined ? describe.skip : describe;
