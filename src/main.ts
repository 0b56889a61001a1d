import 'reflect-metadata';
import { readCommandLine, USAGE } from './service/command-line';
import { createService, startService } from './service/bootstrap';

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
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
