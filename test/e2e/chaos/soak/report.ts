import type { Rig } from '../support/rig';
import type { Disasters } from './disasters';
import type { Load } from './load';
import { Tally } from './tally';
import type { Vitals } from './vitals';

export interface Soaked {
  readonly rig: Rig;
  readonly load: Load;
  readonly disasters: Disasters;
  /** Violations that the auditor and the callers found. */
  readonly findings: readonly string[];
  readonly before: Vitals;
  readonly after: Vitals;
  readonly log: string;
}

const FINDINGS_SHOWN = 20;
const MAY_GROW_MIB = 100;
/** One to each server, and recently used ones. */
const MAY_BE_OPEN = 24;

/** Prints the results. @returns whether there are no findings and no leaks */
export async function report(soaked: Soaked): Promise<boolean> {
  const { rig, load, disasters, findings, before, after, log } = soaked;
  const rows: [string, string][] = [
    ...(await jobRows(rig)),
    ['calls', load.calls.toString()],
    [`${disasters.struck.total} disasters`, disasters.struck.toString()],
    ['lost jobs', String(count(findings, /is lost|is still/))],
    ['wrong pictures', String(count(findings, /shows|is no picture|is the picture of|another picture|delivered/))],
    ['other findings', String(count(findings, /./) - count(findings, KNOWN))],
    ['memory, MiB', `${before.memoryMiB} -> ${after.memoryMiB}`],
    ['open sockets', `${before.sockets} -> ${after.sockets}`],
    ['live jobs', `${before.liveJobs} -> ${after.liveJobs}`],
    ['prompts believed to be at servers', `${before.handedOver} -> ${after.handedOver}`],
  ];
  console.log(rows.map(([what, value]) => `${what.padEnd(36)}${value}`).join('\n'));
  const leaks = findLeaks(before, after, rig.backends.length);
  const wrong = [...findings, ...leaks];
  for (const finding of wrong.slice(0, FINDINGS_SHOWN)) console.log(finding);
  if (wrong.length > 0) console.log(`${wrong.length} findings; the end of the log:\n${log}`);
  return wrong.length === 0;
}

const KNOWN = /is lost|is still|shows|is no picture|is the picture of|another picture|delivered/;

function count(findings: readonly string[], pattern: RegExp): number {
  return findings.filter((finding) => pattern.test(finding)).length;
}

async function jobRows(rig: Rig): Promise<[string, string][]> {
  const [ends, attempts] = [new Tally(), new Tally()];
  const jobs = await rig.service.jobs();
  for (const { status, error, attempts: all } of jobs) {
    ends.count(status === 'failed' ? `failed (${error?.code})` : status);
    attempts.count(`${all.length}x`);
  }
  return [
    [`${jobs.length} jobs`, ends.toString()],
    ['attempts', attempts.toString()],
  ];
}

/** The circuit of each server keeps its last failure, whose stack refers to a job. */
function findLeaks(before: Vitals, after: Vitals, mayLive: number): string[] {
  return [
    ...(after.memoryMiB - before.memoryMiB > MAY_GROW_MIB ? ['memory leaks'] : []),
    ...(after.sockets > MAY_BE_OPEN ? ['sockets leak'] : []),
    ...(after.liveJobs > mayLive ? ['live jobs leak'] : []),
    ...(after.handedOver > 0 ? ['places at servers leak'] : []),
  ];
}
