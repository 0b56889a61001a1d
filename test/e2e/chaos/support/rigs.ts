import { Rig, type RigOptions } from './rig';

/** Set by the test environment, before the hooks after a test run. */
declare const global: { hasFailed?: boolean };

/** One rig for all tests of a block: the jobs of each test are checked again by the later ones. */
export function useOneRig(options?: RigOptions): () => Rig {
  let rig: Rig | undefined;
  beforeAll(async () => {
    rig = await Rig.start(options);
  });
  afterEach(async () => {
    if (global.hasFailed) console.error(await rig?.log());
    for (const backend of rig?.backends ?? []) if (backend.isUp) await backend.clearFaults();
  });
  afterAll(() => rig?.close());
  return () => {
    if (!rig) throw new Error('The rig is not started yet.');
    return rig;
  };
}

/** Rigs for the tests of a file; each test closes its own, and their logs are printed if it failed. */
export function useRigs(): (options?: RigOptions) => Promise<Rig> {
  const rigs: Rig[] = [];
  afterEach(async () => {
    const done = rigs.splice(0);
    if (global.hasFailed) for (const rig of done) console.error(await rig.log());
    await Promise.all(done.map((rig) => rig.close()));
  });
  return async (options) => {
    const rig = await Rig.start(options);
    rigs.push(rig);
    return rig;
  };
}
