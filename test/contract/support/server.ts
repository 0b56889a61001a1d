import { Simulator, SimulatorOptions, startSimulator } from '../../../src/simulator';

/** The server under test: a simulator, or with COMFYUI_BASE_URL the real one it must not differ from. */
export interface Server {
  url: string;
  headers: Record<string, string>;
  /** Undefined when the server is real. */
  simulator?: Simulator;
}

const { COMFYUI_BASE_URL: liveUrl = '', COMFYUI_USERNAME: username, COMFYUI_PASSWORD: password } = process.env;

export const isLive = liveUrl !== '';

/** A checkpoint for the sampler; undefined when a real server has none. */
export const checkpoint = isLive ? process.env.CONTRACT_CHECKPOINT || undefined : 'v1-5-pruned-emaonly.safetensors';

const basic = (user: string, pass: string): Record<string, string> => ({
  Authorization: `Basic ${Buffer.from(`${user}:${pass}`).toString('base64')}`,
});

/** Starts the simulator for a describe block, or names the real server. */
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
    if (server === undefined) throw new Error('the server is used before it is started');
    return server;
  };
}

/** For what stock nodes cannot do: these scenarios have no real counterpart that is always there. */
export const describeSimulator = isLive ? describe.skip : describe;

/** For the sampler, which a real server can only run with a checkpoint. */
export const describeWithModel = checkpoint === undefined ? describe.skip : describe;
