import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { Pool, type PoolClient } from 'pg';
import { RestartableServer } from '../restartable-server';
import { readJwt, signJwt } from './jwt';
import { RestRefusal, refusalOf, restRefusals } from './postgrest-errors';
import { columnsOf, deleteQuery, upsertQuery } from './postgrest-queries';

const SECRET = 'the secret of this project, which signs its keys';

/** The settings of a request's transaction; Query/PreQuery.hs. */
const SETTINGS = `select set_config('search_path', '"public"', true), set_config('request.jwt.claims', $1, true),
  set_config('role', $2, true)`;

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Responds instead of the project; undefined lets the project respond. */
export type Interference = (body: string, request: IncomingMessage) => Answer | Promise<Answer> | undefined;

/**
 * The part of a Supabase project that is needed to write to a table: the gateway that checks the keys, and PostgREST's upsert
 * and delete (v16.1, from its source), as statements on a real PostgreSQL with the role of the key, so that the database itself
 * checks types, constraints, privileges and row-level security. Left out: reading, embedding, functions, other schemas and formats.
 */
export class PostgrestStandIn extends RestartableServer {
  readonly serviceKey = signJwt({ role: 'service_role', iss: 'supabase' }, SECRET);
  readonly anonKey = signJwt({ role: 'anon', iss: 'supabase' }, SECRET);
  /** A key of the new kind. */
  readonly secretKey = 'sb_secret_N7UND0UgjKTVK-Uodkm0Hg_xSvEMPvz';
  interfere: Interference | undefined;
  /** The ids of the rows of each successful upsert. */
  readonly upserts: string[][] = [];
  readonly #pool: Pool;

  private constructor(databaseUrl: string) {
    super();
    this.#pool = new Pool({ connectionString: databaseUrl, max: 4 });
    this.#pool.on('error', () => undefined);
  }

  static async start(databaseUrl: string): Promise<PostgrestStandIn> {
    const standIn = new PostgrestStandIn(databaseUrl);
    await standIn.listen();
    return standIn;
  }

  async close(): Promise<void> {
    await this.stop();
    await this.#pool.end();
  }

  protected async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, body } = await this.#answer(request).catch((error: unknown) => {
      if (error instanceof RestRefusal) return { status: error.status, body: error.body };
      throw error;
    });
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const body = await text(request).catch(() => '');
    const interference = await this.interfere?.(body, request);
    if (interference) return interference;
    const claims = this.#claims(request);
    try {
      const client = await this.#pool.connect();
      try {
        return await this.#transact(client, claims, request, body);
      } finally {
        client.release();
      }
    } catch (error) {
      throw refusalOf(error, claims.role === 'anon');
    }
  }

  /** The gateway converts a key of the new kind to a token of the old kind. */
  #claims({ headers }: IncomingMessage): Record<string, unknown> {
    const { apikey, authorization = '' } = headers;
    if (apikey === undefined) throw restRefusals.noKey();
    if (![this.serviceKey, this.anonKey, this.secretKey].includes(String(apikey))) throw restRefusals.wrongKey();
    const token = authorization.replace(/^Bearer /, '');
    try {
      return readJwt(token === this.secretKey ? this.serviceKey : token, SECRET);
    } catch (error) {
      throw restRefusals.wrongJwt((error as Error).message);
    }
  }

  async #transact(client: PoolClient, claims: object, request: IncomingMessage, body: string): Promise<Answer> {
    const url = new URL(request.url ?? '/', this.url);
    const [, table = ''] = /^\/rest\/v1\/([^/]+)$/.exec(url.pathname) ?? [];
    const columns = await columnsOf(client, table);
    const upsert = { url, body, prefer: String(request.headers.prefer) };
    const { sql, values } = request.method === 'DELETE' ? deleteQuery(table, url) : upsertQuery(table, columns, upsert);
    await client.query('begin');
    try {
      await client.query(SETTINGS, [JSON.stringify(claims), 'role' in claims ? claims.role : 'anon']);
      const { rows } = await client.query<{ body: { job_id: string }[]; inserted?: number }>(sql, values);
      await client.query('commit');
      const [answer] = rows;
      if (request.method === 'POST') this.upserts.push((answer?.body ?? []).map(({ job_id }) => job_id));
      return { status: (answer?.inserted ?? 0) > 0 ? 201 : 200, body: answer?.body };
    } catch (error) {
      await client.query('rollback');
      throw error;
    }
  }
}
