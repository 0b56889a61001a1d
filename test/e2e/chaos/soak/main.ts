import { randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Dice } from '../support/dice';
import { Rig } from '../support/rig';
import { Disasters } from './disasters';
import { Load } from './load';
import { report } from './report';
import { readVitals, type Vitals } from './vitals';

/** New for each run: `CHAOS_SEED=<it>` repeats one. */
const SEED = Number(process.env.CHAOS_SEED ?? randomInt(1_000_000));
const WARM_UP_MS = 20_000;
/** Time in which all jobs must end after the last disaster. */
const LAST_JOBS_MS = 120_000;
/** Idle connections close after half a minute. */
const CALM_MS = 40_000;
/** Share of the time in which the service is killed; in the rest one process shows its leaks. */
const SERVICE_IS_HIT = 0.5;

function readMinutes(): number {
  const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
  const minutes = Number(values.minutes);
  if (!(minutes > 0)) throw new Error('--minutes must be a number above 0');
  return minutes;
}

async function startRig(liveJobsFile: string): Promise<Rig> {
  const env = {
    LIVE_JOBS_FILE: liveJobsFile,
    COMFYUI_RESPONSE_TIMEOUT_SECONDS: '4',
    MAX_ATTEMPTS: '100',
    SHUTDOWN_GRACE: '2',
  };
  const nodeArgs = ['--max-semi-space-size=8', '-r', join(__dirname, 'count-job-sessions.cjs')];
  return Rig.start({ backends: 4, env, nodeArgs });
}

async function soak(rig: Rig, minutes: number, liveJobsFile: string): Promise<boolean> {
  const dice = new Dice(String(SEED));
  const total = minutes * 60_000;
  const load = new Load(rig, dice);
  const disasters = new Disasters(rig, dice);
  const before = await strike(disasters, total, () => readVitals(rig, liveJobsFile));
  await load.end();
  const findings = await rig.audit.findings({ withinMs: LAST_JOBS_MS, replays: 50, unseenRuns: 1 });
  await setTimeout(CALM_MS);
  const after = await readVitals(rig, liveJobsFile);
  const log = await rig.log();
  return report({ rig, load, disasters, findings: [...findings, ...load.findings], before, after, log });
}

/** @returns the vitals of the last process of the service after its warm-up */
async function strike(disasters: Disasters, ms: number, read: () => Promise<Vitals>): Promise<Vitals> {
  await setTimeout(ms * SERVICE_IS_HIT);
  try {
    await disasters.spareService();
    await setTimeout(WARM_UP_MS);
    const vitals = await read();
    await setTimeout(ms * (1 - SERVICE_IS_HIT) - WARM_UP_MS);
    return vitals;
  } finally {
    await disasters.end();
  }
}

async function main(): Promise<void> {
  const minutes = readMinutes();
  console.log(`${minutes} minutes of load and disasters (CHAOS_SEED=${SEED})`);
  const folder = await mkdtemp(join(tmpdir(), 'nestjs-comfyui-soak-'));
  const liveJobsFile = join(folder, 'live-jobs');
  const rig = await startRig(liveJobsFile);
  try {
    if (!(await soak(rig, minutes, liveJobsFile))) process.exitCode = 1;
  } catch (error) {
    console.error(await rig.log());
    throw error;
  } finally {
    await rig.close();
    await rm(folder, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
