import { Rig, type RigOptions } from './rig';

/** Set by the test environment, before the hooks after a test run. */
declare const global: { hasFailed?: boolean };

/** One rig for all tests of a block: what a test leaves behind is there in the next, and has to be right to its end. */
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
    if (!rig) throw new Error('It is not started yet.');
    return rig;
  };
}

/** Rigs for the tests of a file; after each test they are gone, and when it failed their logs are told. */
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
