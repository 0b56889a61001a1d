import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { readCommandLine, USAGE } from './config/command-line';
import { createService, startService } from './service';

async function main(): Promise<void> {
  const variables = readCommandLine(process.argv.slice(2));
  if (variables === 'help') {
    console.log(USAGE);
    return;
  }
  Object.assign(process.env, variables);
  const app = await createService();
  app.enableShutdownHooks(undefined, { useProcessExit: true });
  await startService(app);
  new Logger('Service').log(`Listening on ${await app.getUrl()}, API description on ${await app.getUrl()}/docs`);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
