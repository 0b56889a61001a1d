import { type TableBlame, TableError } from '../../application/outbox/generation-table';
import type { SupabaseTableOptions } from '../../options/storage.options';
import { isObject } from '../../shared/json';
import { oneLine, textOf } from '../../shared/text';
import { networkCodeOf } from '../network-code';
import { withoutExtras } from '../without-extras';

const LONGEST_MESSAGE = 200;

interface Meaning {
  readonly says: string;
  readonly blame: TableBlame;
}

const REFUSES: Meaning = { says: 'refuses a row that is as docs/supabase.sql wants it', blame: 'rows' };
const SECRET_KEY = 'use the secret (service_role) key for SUPABASE_KEY';

/**
 * By `<status> <code> <message>`, or the name of an error of `fetch`; the first that fits. Codes of PostgreSQL and of PostgREST
 * (https://docs.postgrest.org/en/stable/references/errors.html); the gateway's own refusals have none. What PostgreSQL does not
 * allow is a 401 for the anonymous key and a 403 for others.
 */
const MEANINGS: readonly (readonly [RegExp, Meaning])[] = [
  [
    /^\d+ 42501 .*row-level security/,
    { says: `lets our key write no rows (row-level security): ${SECRET_KEY}, or add policies`, blame: 'setup' },
  ],
  [
    /^\d+ 42501 /,
    { says: `gives our key too few rights: ${SECRET_KEY}; docs/supabase.sql gives it what it needs`, blame: 'setup' },
  ],
  [
    /^(401 |\d+ PGRST30)/,
    { says: 'refused our key: check that SUPABASE_KEY is a key of the project of SUPABASE_URL', blame: 'setup' },
  ],
  [
    /^\d+ (PGRST205|42P01) /,
    {
      says: 'is not there: run docs/supabase.sql in the SQL editor of the project, or check SUPABASE_TABLE',
      blame: 'setup',
    },
  ],
  [/^\d+ (PGRST204|42703) /, { says: 'lacks a column that docs/supabase.sql makes', blame: 'setup' }],
  [/^\d+ 42P10 /, { says: 'must have job_id for its primary key, see docs/supabase.sql', blame: 'setup' }],
  [/^\d+ PGRST106 /, { says: 'is not exposed: let the API of the project serve its schema', blame: 'setup' }],
  [/^429 /, { says: 'asks us to slow down', blame: 'outage' }],
  [/^\d+ 25006 /, { says: 'can only be read at the moment', blame: 'outage' }],
  [/^\d+ (0[9A]|2[1-3]|38|39|44|54|P0|XX)\w{3} /, REFUSES],
  [/^(5\d\d|408|0) /, { says: 'does not work at the moment', blame: 'outage' }],
  [/^([23]\d\d |404 |405 |406 |TypeError$)/, { says: 'is not what answers there: check SUPABASE_URL', blame: 'setup' }],
  [/^413 /, { says: 'takes no request as large as this one', blame: 'rows' }],
  // Firewalls before it refuse what they take for an attack.
  [/^4\d\d /, REFUSES],
];

/** What the API answered; with the status 0 when the answer broke off. The code is PostgreSQL's or PostgREST's. */
export class TableRefusal extends Error {
  override readonly name = 'TableRefusal';

  constructor(
    readonly status: number,
    /** Empty when it is neither that answered. */
    readonly code: string,
    message: string,
  ) {
    super(message);
  }

  /** Of an error as the client gives it; its `details` and `hint` are left out, because they quote rows. */
  static of(status: number, error: unknown): TableRefusal {
    const { code, message } = isObject(error) ? error : {};
    return new TableRefusal(status, textOf(code), textOf(message) || 'no message');
  }
}

/** What went wrong in our words, without the key. */
export function tableFault(error: unknown, { url, table, key }: Required<SupabaseTableOptions>): TableError {
  const who = `The Supabase table "${table}" on ${url}`;
  const network = networkCodeOf(error);
  if (network !== undefined)
    return new TableError(
      `${who} can not be reached (${network}): check SUPABASE_URL.`,
      'outage',
      withoutExtras(error),
    );
  const failed =
    error instanceof TableRefusal ? `${error.status} ${error.code} ${error.message}` : withoutExtras(error).name;
  const { says, blame } = MEANINGS.find(([pattern]) => pattern.test(failed))?.[1] ?? {
    says: 'failed',
    blame: 'outage',
  };
  const answer = oneLine(failed.replaceAll(key, '…').replace(/ {2,}/g, ' '), LONGEST_MESSAGE);
  return new TableError(`${who} ${says} (${answer}).`, blame);
}
