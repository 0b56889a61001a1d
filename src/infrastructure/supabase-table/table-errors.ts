import { type DeliveryFailure, DeliveryError } from '../../application/outbox/outbox-consumer';
import type { SupabaseTableOptions } from '../../options/supabase.options';
import { isObject } from '../../shared/json';
import { oneLine, textOf } from '../../shared/text';
import { networkCodeOf } from '../network-code';
import { withoutExtras } from '../without-extras';

const MAX_MESSAGE_LENGTH = 200;

interface Meaning {
  readonly problem: string;
  readonly failure: DeliveryFailure;
}

const REFUSES: Meaning = { problem: 'refuses a row that matches docs/supabase.sql', failure: 'entry' };
const SECRET_KEY = 'use the secret (service_role) key';

/**
 * The first pattern that matches `<status> <code> <message>`, or the name of an error of `fetch`, decides. Codes are those of
 * PostgreSQL and PostgREST (https://docs.postgrest.org/en/stable/references/errors.html); refusals of the gateway have none.
 * A missing privilege is a 401 for the anonymous key and a 403 for others.
 */
const MEANINGS: readonly (readonly [RegExp, Meaning])[] = [
  [
    /^\d+ 42501 .*row-level security/,
    { problem: `refuses rows of this key (row-level security): ${SECRET_KEY}, or add policies`, failure: 'setup' },
  ],
  [
    /^\d+ 42501 /,
    { problem: `grants the key too few privileges: ${SECRET_KEY}; docs/supabase.sql grants them`, failure: 'setup' },
  ],
  [/^(401 |\d+ PGRST30)/, { problem: 'refused the key: check that it is a key of this project', failure: 'setup' }],
  [
    /^\d+ (PGRST205|42P01) /,
    {
      problem: 'does not exist: run docs/supabase.sql in the SQL editor of the project, or check the name of the table',
      failure: 'setup',
    },
  ],
  [/^\d+ (PGRST204|42703) /, { problem: 'lacks a column of docs/supabase.sql', failure: 'setup' }],
  [/^\d+ 42P10 /, { problem: 'must have job_id as its primary key, see docs/supabase.sql', failure: 'setup' }],
  [/^\d+ PGRST106 /, { problem: 'is not exposed: add its schema to the exposed schemas of the API', failure: 'setup' }],
  [/^429 /, { problem: 'limits the rate of requests', failure: 'outage' }],
  [/^\d+ 25006 /, { problem: 'is temporarily read-only', failure: 'outage' }],
  [/^\d+ (0[9A]|2[1-3]|38|39|44|54|P0|XX)\w{3} /, REFUSES],
  [/^(5\d\d|408|0) /, { problem: 'is temporarily unavailable', failure: 'outage' }],
  [
    /^([23]\d\d |404 |405 |406 |TypeError$)/,
    { problem: 'does not answer like PostgREST: check the URL of the project', failure: 'setup' },
  ],
  [/^413 /, { problem: 'refuses a request of this size', failure: 'entry' }],
  // A firewall in front of the API may refuse a row that looks like an attack.
  [/^4\d\d /, REFUSES],
];

/** An error response of the API; status 0 if the response broke off. The code is PostgreSQL's or PostgREST's. */
export class TableRefusal extends Error {
  override readonly name = 'TableRefusal';

  constructor(
    readonly status: number,
    /** Empty if the response comes from neither. */
    readonly code: string,
    message: string,
  ) {
    super(message);
  }

  /** Converts an error of the client without its `details` and `hint`, because they quote rows. */
  static of(status: number, error: unknown): TableRefusal {
    const { code, message } = isObject(error) ? error : {};
    return new TableRefusal(status, textOf(code), textOf(message) || 'no message');
  }
}

/** Converts an error, without the key. */
export function toTableError(error: unknown, { url, table, key }: Required<SupabaseTableOptions>): DeliveryError {
  const subject = `The Supabase table "${table}" on ${url}`;
  const network = networkCodeOf(error);
  if (network !== undefined)
    return new DeliveryError(
      `${subject} cannot be reached (${network}): check the URL of the project.`,
      'outage',
      withoutExtras(error),
    );
  const failed =
    error instanceof TableRefusal ? `${error.status} ${error.code} ${error.message}` : withoutExtras(error).name;
  const { problem, failure } = MEANINGS.find(([pattern]) => pattern.test(failed))?.[1] ?? {
    problem: 'failed',
    failure: 'outage',
  };
  const reason = oneLine(failed.replaceAll(key, '…').replace(/ {2,}/g, ' '), MAX_MESSAGE_LENGTH);
  return new DeliveryError(`${subject} ${problem} (${reason}).`, failure);
}
