import { join } from 'node:path';

/** Of the repository; this file is compiled to `bench/dist/bench/root.js`. */
export const ROOT = join(__dirname, '../../..');
/** Of the compiled service. */
export const DIST = join(ROOT, 'dist');
