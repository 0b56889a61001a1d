/** A refusal of PostgREST (src/library/PostgREST/Error.hs), or of the gateway in front of it, which has no code. */
export class RestRefusal extends Error {
  constructor(
    readonly status: number,
    readonly body: {
      readonly code?: string;
      readonly message: string;
      readonly details?: unknown;
      readonly hint?: unknown;
    },
  ) {
    super(body.message);
  }
}

export const restRefusals = {
  noKey: () =>
    new RestRefusal(401, {
      message: 'No API key found in request',
      hint: 'No `apikey` request header or url param was found.',
    }),
  wrongKey: () =>
    new RestRefusal(401, {
      message: 'Invalid API key',
      hint: 'Double check your Supabase `anon` or `service_role` API key.',
    }),
  wrongJwt: (message: string) => new RestRefusal(401, { code: 'PGRST301', message, details: null, hint: null }),
  noTable: (table: string) => {
    const message = `Could not find the table 'public.${table}' in the schema cache`;
    return new RestRefusal(404, { code: 'PGRST205', message, details: null, hint: null });
  },
  noColumn: (table: string, column: string) => {
    const message = `Could not find the '${column}' column of '${table}' in the schema cache`;
    return new RestRefusal(400, { code: 'PGRST204', message, details: null, hint: null });
  },
  noDatabase: () =>
    new RestRefusal(503, {
      code: 'PGRST000',
      message: 'Database connection error.',
      details: 'connection refused',
      hint: null,
    }),
};

/** The first prefix of PostgreSQL's code that matches; Error.hs, mapSQLtoHTTP. */
const STATUS_BY_CODE: readonly (readonly [RegExp, number])[] = [
  [/^(08|53(?!400)|57P01)/, 503],
  [/^(0L|0P|28)/, 403],
  [/^2350[35]$/, 409],
  [/^25006$/, 405],
  [/^(09|21|25|2D|38|39|3B|40|53400|54|55|57|58|F0|P0(?!001)|XX|42P17)/, 500],
  [/^(42883|42P01)$/, 404],
  [/^/, 400],
];

interface DatabaseError extends Error {
  readonly code?: string;
  readonly detail?: string;
  readonly hint?: string;
}

/** @param isAnonymous the role of requests without a key of their own */
export function refusalOf(error: unknown, isAnonymous: boolean): RestRefusal {
  if (error instanceof RestRefusal) return error;
  const { code = '', message, detail = null, hint = null } = error as DatabaseError;
  if (!/^[0-9A-Z]{5}$/.test(code)) return restRefusals.noDatabase();
  const status = code === '42501' ? (isAnonymous ? 401 : 403) : STATUS_BY_CODE.find(([start]) => start.test(code))?.[1];
  return new RestRefusal(status ?? 400, { code, message, details: detail, hint });
}
