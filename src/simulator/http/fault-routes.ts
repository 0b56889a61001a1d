import { Fault, FAULT_KINDS } from '../fault-kinds';
import { ArmedFault, Faults } from '../faults';
import { isObject } from '../wire';
import { Exchange, Reply } from './exchange';
import { json } from './replies';
import { Router } from './router';

const shown = ({ id, fault, fired }: ArmedFault): Record<string, unknown> => ({
  id,
  fired,
  ...fault,
  ...(fault.times === Number.POSITIVE_INFINITY && { times: 'Infinity' }),
  ...('path' in fault && fault.path instanceof RegExp && { path: fault.path.source }),
});

/** Routes of the simulator itself, for demonstrations; faults do not affect them. */
export function addFaultRoutes(router: Router, faults: Faults): void {
  router
    .add('GET', '/simulator/faults', () => json({ armed: faults.list.map(shown), kinds: FAULT_KINDS }))
    .add('POST', '/simulator/faults', (exchange) => arm(exchange, faults))
    .add('DELETE', '/simulator/faults', ({ query }) => {
      const kind = FAULT_KINDS.find((known) => known === query.get('kind'));
      faults.clear(kind);
      return json({ armed: faults.list.map(shown) });
    });
}

/** The body is the argument of `faults.arm`; `times: "Infinity"` replaces a number that JSON does not have. */
async function arm(exchange: Exchange, faults: Faults): Promise<Reply> {
  const body = await exchange.json();
  if (!isObject(body) || !FAULT_KINDS.some((kind) => kind === body['kind'])) {
    return json({ error: `kind must be one of ${FAULT_KINDS.join(', ')}` }, 400);
  }
  const times = body['times'] === 'Infinity' ? Number.POSITIVE_INFINITY : body['times'];
  const armed = faults.arm({ ...body, ...(times !== undefined && { times }) } as Fault);
  return json(shown(armed));
}
