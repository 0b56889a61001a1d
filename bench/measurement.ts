import { quantile, yesOrNo } from './figures';
import type { RoundResult } from './round';

/** All rounds of one server under one load. */
export interface Measurement {
  readonly p50Ms: number;
  readonly perSecond: number;
  readonly cpuMs: number;
  readonly problems: readonly string[];
}

export function measure(rounds: readonly RoundResult[]): Measurement {
  const latencies = rounds.flatMap(({ latenciesMs }) => latenciesMs);
  const total = (of: (round: RoundResult) => number) => rounds.reduce((sum, round) => sum + of(round), 0);
  return {
    p50Ms: quantile(latencies, 0.5),
    perSecond: latencies.length / (total(({ elapsedMs }) => elapsedMs) / 1000),
    cpuMs: total(({ cpuMs }) => cpuMs) / latencies.length,
    problems: rounds.flatMap(({ problems }) => problems),
  };
}

/** One caller waits for nobody else: there the time counts. Many compete: there it is how many are served. */
const GOALS = { p50AtOneCaller: 1.4, throughputAtMany: 0.7 };

/** A row of the table: bare server, service and their ratio, three times, and whether the goal holds. */
export function row(label: string, callers: number, bare: Measurement, service: Measurement): string[] {
  const p50 = service.p50Ms / bare.p50Ms;
  const throughput = service.perSecond / bare.perSecond;
  const holds = callers === 1 ? p50 <= GOALS.p50AtOneCaller : throughput >= GOALS.throughputAtMany;
  const clean = bare.problems.length + service.problems.length === 0;
  return [
    label,
    String(callers),
    triple(bare.p50Ms, service.p50Ms, p50),
    triple(bare.perSecond, service.perSecond, throughput),
    triple(bare.cpuMs, service.cpuMs, service.cpuMs / bare.cpuMs),
    `${bare.problems.length} / ${service.problems.length}`,
    callers === 1 ? `p50 <= ${GOALS.p50AtOneCaller}x` : `requests/s >= ${GOALS.throughputAtMany}x`,
    yesOrNo(holds && clean),
  ];
}

export const HEADINGS = ['pictures', 'callers', 'p50, ms', 'requests/s', 'CPU/request, ms', 'errors', 'goal', 'holds'];

function triple(bare: number, service: number, ratio: number): string {
  return `${bare.toFixed(1)} / ${service.toFixed(1)} = ${ratio.toFixed(2)}x`;
}
