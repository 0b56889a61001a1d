import { startFromArguments, USAGE } from './command-line';

async function main(): Promise<void> {
  const simulator = await startFromArguments(process.argv.slice(2));
  if (simulator === undefined) return void process.stdout.write(USAGE);
  process.stdout.write(`ComfyUI simulator (no GPU, simulated images) listens on ${simulator.url}\n`);
  const end = (): void => void simulator.close().then(() => process.exit(0));
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
