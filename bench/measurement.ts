import type { RoundResult } from './round';

/** All rounds of one server under one load. */
export interface Measurement {
  readonly p50Ms: number;
  readonly perSecond: number;
  readonly cpuMs: number;
  readonly problems: readonly string[];
}

export function measure(rounds: readonly RoundResult[]): Measurement {
  const latencies = rounds.flatMap(({ latenciesMs }) => latenciesMs).sort((a, b) => a - b);
  const total = (of: (round: RoundResult) => number) => rounds.reduce((sum, round) => sum + of(round), 0);
  return {
    p50Ms: latencies[Math.floor(latencies.length / 2)] ?? NaN,
    perSecond: latencies.length / (total(({ elapsedMs }) => elapsedMs) / 1000),
    cpuMs: total(({ cpuMs }) => cpuMs) / latencies.length,
    problems: rounds.flatMap(({ problems }) => problems),
  };
}

const GOALS = { p50: 1.3, throughput: 0.8, cpu: 1.5 };

/** A row of the table: bare server, service and their ratio, three times, and whether the goals hold. */
export function row(label: string, callers: number, bare: Measurement, service: Measurement): string[] {
  const p50 = service.p50Ms / bare.p50Ms;
  const throughput = service.perSecond / bare.perSecond;
  const cpu = service.cpuMs / bare.cpuMs;
  const holds = p50 <= GOALS.p50 && throughput >= GOALS.throughput && cpu <= GOALS.cpu;
  const clean = bare.problems.length + service.problems.length === 0;
  return [
    label,
    String(callers),
    triple(bare.p50Ms, service.p50Ms, p50),
    triple(bare.perSecond, service.perSecond, throughput),
    triple(bare.cpuMs, service.cpuMs, cpu),
    `${bare.problems.length} / ${service.problems.length}`,
    holds && clean ? 'yes' : 'no',
  ];
}

export const HEADINGS = [
  'pictures',
  'callers',
  `p50, ms (<= ${GOALS.p50}x)`,
  `requests/s (>= ${GOALS.throughput}x)`,
  `CPU/request, ms (<= ${GOALS.cpu}x)`,
  'errors',
  'goal',
];

export function markdownTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings, headings.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function triple(bare: number, service: number, ratio: number): string {
  return `${bare.toFixed(1)} / ${service.toFixed(1)} = ${ratio.toFixed(2)}x`;
}
