import { HistoryEntry } from '../history';
import { ServerProcess } from '../server-process';
import { isObject, QueueItem } from '../wire';
import { tryParseJson } from '../python-json';
import { Exchange, Reply } from './exchange';
import { json } from './replies';
import { Router } from './router';

type Job = Record<string, unknown> & { id: string; status: string };

const STATUSES = ['pending', 'in_progress', 'completed', 'failed', 'cancelled'];
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** `/api/jobs`: a combined view of queue and history, from version 0.6 on. Served below `/api` only. */
export class JobsRoutes {
  constructor(private readonly process: ServerProcess) {}

  addTo(router: Router): void {
    router
      .add('GET', '/api/jobs', ({ query }) => this.#list(query))
      .add('GET', '/api/jobs/{id}', ({ params }) => this.#one(params['id'] ?? ''))
      .add('POST', '/api/jobs/cancel', (exchange) => this.#cancelSeveral(exchange))
      .add('POST', '/api/jobs/{id}/cancel', ({ params }) => json({ cancelled: this.#cancel(params['id'] ?? '') }));
  }

  #jobs(): Job[] {
    const { queue, history } = this.process;
    return [
      ...queue.running.map((item) => queued(item, 'in_progress')),
      ...queue.pending.map((item) => queued(item, 'pending')),
      ...Object.values(history.list(undefined, -1)).map(finished),
    ];
  }

  #list(query: URLSearchParams): Reply {
    const statuses = query.get('status')?.split(',') ?? [];
    const unknown = statuses.filter((status) => !STATUSES.includes(status));
    if (unknown.length > 0) {
      const error = `Invalid status value(s): ${unknown.join(', ')}. Valid values: ${STATUSES.join(', ')}`;
      return json({ error }, 400);
    }
    const limit = query.has('limit') ? Number(query.get('limit')) : null;
    if (limit !== null && !(Number.isInteger(limit) && limit > 0)) {
      return json({ error: 'limit must be a positive integer' }, 400);
    }
    const offset = Math.max(0, Number(query.get('offset') ?? 0) || 0);
    const jobs = this.#jobs().filter((job) => statuses.length === 0 || statuses.includes(job.status));
    const direction = query.get('sort_order') === 'asc' ? 1 : -1;
    jobs.sort((a, b) => direction * (Number(a['create_time'] ?? 0) - Number(b['create_time'] ?? 0)));
    const page = jobs.slice(offset, limit === null ? undefined : offset + limit);
    const has_more = offset + page.length < jobs.length;
    return json({ jobs: page, pagination: { offset, limit, total: jobs.length, has_more } });
  }

  #one(id: string): Reply {
    const job = this.#jobs().find((one) => one.id === id);
    if (job === undefined) return json({ error: 'Job not found' }, 404);
    const entry = this.process.history.get(id)[id];
    const item =
      entry?.prompt ?? [...this.process.queue.running, ...this.process.queue.pending].find((i) => i[1] === id);
    const workflow = item && { prompt: item[2], extra_data: item[3] };
    return json({ ...job, workflow, ...(entry && { outputs: entry.outputs, execution_status: entry.status }) });
  }

  /** Whether it was pending or running. */
  #cancel(id: string): boolean {
    if (this.process.queue.delete(id)) return true;
    if (!this.process.queue.running.some((item) => item[1] === id)) return false;
    this.process.interrupt(id);
    return true;
  }

  async #cancelSeveral(exchange: Exchange): Promise<Reply> {
    const raw = (await exchange.body()).toString();
    const body = tryParseJson(raw);
    if (body === undefined) return json({ error: 'Request body must be valid JSON' }, 400);
    const ids = isObject(body) ? body['job_ids'] : undefined;
    if (!Array.isArray(ids)) return json({ error: 'job_ids must be a list' }, 400);
    const invalid = ids.filter((id) => typeof id !== 'string' || !UUID.test(id));
    if (invalid.length > 0) return json({ error: 'job_ids contains invalid id(s)', invalid_ids: invalid }, 400);
    const cancelled = ids.map((id) => typeof id === 'string' && this.#cancel(id));
    return json({ cancelled: cancelled.includes(true) });
  }
}

function queued([number, id, , extraData]: QueueItem, status: string): Job {
  return {
    id,
    status,
    priority: number,
    create_time: extraData['create_time'],
    outputs_count: 0,
    ...workflowId(extraData),
  };
}

function finished({ prompt, outputs, status }: HistoryEntry): Job {
  const time = (type: RegExp): unknown => status.messages.find(([name]) => type.test(name))?.[1]['timestamp'];
  const error = status.messages.find(([name]) => name === 'execution_error')?.[1];
  const isCancelled = status.messages.some(([name]) => name === 'execution_interrupted');
  const files = Object.entries(outputs).flatMap(([nodeId, ui]) =>
    Object.entries(ui).flatMap(([mediaType, items]) =>
      items.filter(isObject).map((item) => ({ ...item, nodeId, mediaType })),
    ),
  );
  return {
    ...queued(prompt, status.completed ? 'completed' : isCancelled ? 'cancelled' : 'failed'),
    execution_start_time: time(/^execution_start$/),
    execution_end_time: time(/^execution_(success|error|interrupted)$/),
    outputs_count: files.length,
    preview_output: files.at(0),
    execution_error: error,
  };
}

function workflowId(extraData: Record<string, unknown>): { workflow_id?: unknown } {
  const info = extraData['extra_pnginfo'];
  const workflow = isObject(info) ? info['workflow'] : undefined;
  return isObject(workflow) && 'id' in workflow ? { workflow_id: workflow['id'] } : {};
}
