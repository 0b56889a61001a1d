import { quantile, yesOrNo } from './figures';
import type { RoundResult } from './round';

/** All rounds of one server under one load; CPU times are per request. */
export interface Measurement {
  readonly cpuMs: number;
  readonly standInCpuMs: number;
  readonly p50Ms: number;
  readonly perSecond: number;
  readonly problems: readonly string[];
}

export function measure(rounds: readonly RoundResult[]): Measurement {
  const latencies = rounds.flatMap(({ latenciesMs }) => latenciesMs);
  const total = (of: (round: RoundResult) => number) => rounds.reduce((sum, round) => sum + of(round), 0);
  return {
    cpuMs: total(({ cpuMs }) => cpuMs) / latencies.length,
    standInCpuMs: total(({ standInCpuMs }) => standInCpuMs) / latencies.length,
    p50Ms: quantile(latencies, 0.5),
    perSecond: latencies.length / (total(({ elapsedMs }) => elapsedMs) / 1000),
    problems: rounds.flatMap(({ problems }) => problems),
  };
}

/** A single caller waits for no other request: there the time counts. Many compete: there the throughput counts. */
const GOALS = { p50AtOneCaller: 1.4, throughputAtMany: 0.7 };

export const HEADINGS = [
  'pictures',
  'callers',
  'CPU/request, ms',
  'stand-in, ms',
  'p50, ms',
  'requests/s',
  'errors',
  'goal',
  'holds',
];

/** A row of the table: CPU time per request first, and whether the goal holds. */
export function row(label: string, callers: number, bare: Measurement, service: Measurement): string[] {
  const p50 = service.p50Ms / bare.p50Ms;
  const throughput = service.perSecond / bare.perSecond;
  const holds = callers === 1 ? p50 <= GOALS.p50AtOneCaller : throughput >= GOALS.throughputAtMany;
  const clean = bare.problems.length + service.problems.length === 0;
  return [
    label,
    String(callers),
    triple(bare.cpuMs, service.cpuMs, service.cpuMs / bare.cpuMs, 2),
    `${bare.standInCpuMs.toFixed(2)} / ${service.standInCpuMs.toFixed(2)}`,
    triple(bare.p50Ms, service.p50Ms, p50, 1),
    triple(bare.perSecond, service.perSecond, throughput, 1),
    `${bare.problems.length} / ${service.problems.length}`,
    callers === 1 ? `p50 <= ${GOALS.p50AtOneCaller}x` : `requests/s >= ${GOALS.throughputAtMany}x`,
    yesOrNo(holds && clean),
  ];
}

function triple(bare: number, service: number, ratio: number, digits: number): string {
  return `${bare.toFixed(digits)} / ${service.toFixed(digits)} = ${ratio.toFixed(2)}x`;
}
