import 'reflect-metadata';
import type { ConfigType } from '@nestjs/config';
import { Logger } from '@nestjs/common';
import { readCommandLine, USAGE } from './config/command-line';
import { httpConfig } from './config/http.config';
import { createService } from './service';

async function main(): Promise<void> {
  const variables = readCommandLine(process.argv.slice(2));
  if (variables === 'help') {
    console.log(USAGE);
    return;
  }
  Object.assign(process.env, variables);
  const app = await createService();
  app.enableShutdownHooks(undefined, { useProcessExit: true });
  const { host, port } = app.get<ConfigType<typeof httpConfig>>(httpConfig.KEY);
  await app.listen(port, host);
  new Logger('Service').log(`Listening on ${await app.getUrl()}, API description on ${await app.getUrl()}/docs`);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
