import { PythonError, pythonInt, pythonItems } from '../python-values';
import { History } from '../history';
import { isObject } from '../wire';
import { Exchange, Reply } from './exchange';
import { empty, json } from './replies';
import { Router } from './router';

const integer = (text: string | null): number | undefined => (text === null ? undefined : Number(pythonInt(text)));

export function addHistoryRoutes(router: Router, history: History): void {
  router
    .add('GET', '/history', ({ query }) =>
      json(history.list(integer(query.get('max_items')), integer(query.get('offset')) ?? -1)),
    )
    .add('GET', '/history/{id}', ({ params }) => json(history.get(params['id'] ?? '')))
    .add('POST', '/history', (exchange) => change(exchange, history));
}

async function change(exchange: Exchange, history: History): Promise<Reply> {
  const body = await exchange.json();
  if (!isObject(body)) throw new PythonError('TypeError', 'the body is not an object');
  if (body['clear']) history.clear();
  const ids = 'delete' in body ? pythonItems(body['delete']) : [];
  for (const id of ids) if (typeof id === 'string') history.delete(id);
  return empty();
}
