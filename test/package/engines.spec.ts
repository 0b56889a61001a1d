import { join } from 'node:path';
import { FreshApplication } from './fresh-application';
import { describeHost } from './host-application';
import { NODE_20_PINS, node20Packages } from './node-20-packages';
import { REPOSITORY } from './packed';

const YARN = join(REPOSITORY, 'node_modules/yarn/bin/yarn.js');
/** Where npm takes the newest version that suits this Node, yarn classic takes the newest. */
const YARN_PINS = { ...NODE_20_PINS, 'light-my-request': '6.6.0', 'strip-json-comments': '5.0.3' };

describe('the packed library with its peers, in packages that declare Node 20', () => {
  describeHost('installed by npm with --engine-strict', async () => {
    const app = await FreshApplication.create({ overrides: NODE_20_PINS });
    await app.npmInstall(await node20Packages(), '--engine-strict');
    return app;
  });

  it('is installed by yarn classic, which refuses a package for another Node', async () => {
    const app = await FreshApplication.create({ resolutions: YARN_PINS });
    try {
      expect(await app.yarnAdd(YARN, await node20Packages())).toContain('nestjs-comfyui@');
    } finally {
      await app.remove();
    }
  });
});
