/** `node -r ./test/support/typescript.cjs file.ts`: our sources in a process of their own, as jest sees them. */
const { transformFileSync } = require('@swc/core');

require.extensions['.ts'] = (module, filename) => module._compile(transformFileSync(filename).code, filename);
