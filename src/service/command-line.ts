import { parseArgs } from 'node:util';

const USAGE = `Usage: npm start -- [options]

  --timeout SECONDS  how long POST /generate waits by default (GENERATE_TIMEOUT_SECONDS)
  --port PORT        where to listen (PORT)
  --host HOST        on which address (HOST)
  --help             this text

Everything else is set in the environment or in .env; .env.example lists it all.`;

/** The options of the command line as the environment variables they stand for; they win over the environment. */
export function readCommandLine(args: readonly string[]): Record<string, string> | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      timeout: { type: 'string' },
      port: { type: 'string' },
      host: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return 'help';
  const variables = { GENERATE_TIMEOUT_SECONDS: values.timeout, PORT: values.port, HOST: values.host };
  return Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

export { USAGE };
