import { resolve } from 'node:path';

/** The build under test: `DIST_DIR`, or that of `npm run build`. */
export const DIST = resolve(process.env.DIST_DIR ?? 'dist');
