// Runs a command with COMFYUI_BASE_URL set to a simulator that lives as long as the command: with-simulator.mjs COMMAND ARG...
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';

const { startSimulator } = createRequire(import.meta.url)('../dist/simulator/index.js');
const [command, ...args] = process.argv.slice(2);
const simulator = await startSimulator({ speed: 'instant' });
const env = { ...process.env, COMFYUI_BASE_URL: simulator.url };
const [code] = await once(spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], env }), 'close');
await simulator.close();
process.exitCode = code ?? 1;
