import { randomUUID } from 'node:crypto';
import type { GenerationRow } from '../../src/domain/generation-row';
import type { Job } from '../../src/domain/job/job';
import { supabaseGenerationTable } from '../../src/infrastructure/supabase-table/supabase-table';
import { collected } from '../support/collected';
import { encode, graph, node } from '../support/graphs';
import { PostgrestStandIn } from '../support/supabase/postgrest-stand-in';
import { ProjectDatabase } from '../support/supabase/project-database';
import { freshProject } from './fresh-project';
import { rowOf } from './rows';
import { describeWithPostgres } from './with-postgres';

const NEVER = new AbortController().signal;
const SECRET = 'eyJ.a-secret-that-must-not-leak.x';

describeWithPostgres('a Supabase table', () => {
  const project = freshProject();
  const database = () => project.current.database;
  const write = (...rows: GenerationRow[]) => project.current.tableOf().upsert(rows, NEVER);

  describe('a row', () => {
    it('has every field of the job', async () => {
      const pictures = [collected({ filename: 'a.png', width: 64, height: 48 })];
      const file = collected({
        filename: 'b.mp4',
        mediaType: 'video/mp4',
        sizeBytes: 5_000_000_000,
        durationSeconds: 1.5,
      });
      const workflow = graph(
        { lora: node('LoraLoader', { lora_name: 'x.safetensors', strength_model: 0.5, model: ['ckpt', 0] }) },
        { seed: 18446744073709551615n, model: ['lora', 0] },
      );
      const row = rowOf({ outputs: [...pictures, file] }, workflow);
      await write(row);
      const [written] = await database().rows();
      const times = {
        queued_at: new Date(row.queued_at),
        started_at: new Date(row.started_at!),
        ended_at: new Date(row.ended_at!),
      };
      expect(written).toEqual({ ...row, ...times, duration_ms: String(row.duration_ms) });
      expect(written).toMatchObject({
        seed: '18446744073709551615',
        prompt: 'a fox',
        model: 'sd15.safetensors',
        loras: [{ name: 'x.safetensors', strength_model: 0.5 }],
      });
    });

    it('is replaced by a later one of the same job', async () => {
      const row = rowOf();
      await write(row, rowOf({ id: randomUUID() }));
      await write(
        { ...row, status: 'succeeded', error_code: null, image_urls: ['https://x/1'] },
        rowOf({ id: randomUUID() }),
      );
      const written = await database().rows();
      expect(written).toHaveLength(3);
      expect(written.find(({ job_id }) => job_id === row.job_id)).toMatchObject({
        status: 'succeeded',
        error_code: null,
        image_urls: ['https://x/1'],
      });
    });

    it('may contain any text, of any length', async () => {
      const wild = '\u0000 \ud800 \udc00 😀 "\\\' \u2028 {} %s \n';
      // Words that an index cannot compress.
      const word = (i: number) => String.fromCodePoint(0x20000 + ((i * 7_919) % 40_000), 0x20000 + Math.floor(i / 5));
      const long = Array.from({ length: 200_000 }, (_, i) => word(i)).join(' ');
      const workflow = graph({
        positive: encode(wild),
        negative: encode(long),
        ckpt: node('CheckpointLoaderSimple', { ckpt_name: `\u0000${long}` }),
      });
      const rows = [
        rowOf({ id: randomUUID(), label: wild, outputs: [collected({ filename: wild })] }, workflow),
        rowOf({ id: randomUUID(), label: long }, graph({ positive: encode(long) })),
      ];
      await write(...rows);
      const [first, second] = await database().rows();
      expect([first?.prompt, second?.prompt]).toContain('\ufffd \ufffd \ufffd 😀 "\\\' \u2028 {} %s \n');
    });

    it('may contain any number', async () => {
      for (const [sampler, latent] of [
        [
          { seed: '-18446744073709551615', steps: 1e300, cfg: 1e300, denoise: -0 },
          { width: 0.5, height: 2 ** 31 },
        ],
        [
          { seed: 1.5, steps: 2 ** 31 - 1, cfg: 5e-324, denoise: 1e21 },
          { width: -1, height: 2 ** 53 },
        ],
      ] as const)
        await write(rowOf({ id: randomUUID() }, graph({ latent: node('EmptyLatentImage', latent) }, sampler)));
      expect(await database().rows()).toHaveLength(2);
    });

    it.each(['succeeded', 'failed', 'canceled', 'expired'] as const)(
      'has the status of a job that %s',
      async (status) => {
        const neverRun: Partial<Job> = {
          status,
          startedAt: undefined,
          attempts: [],
          outputs: [],
          label: null,
          error: undefined,
        };
        await write(rowOf(neverRun));
        expect(await database().rows()).toMatchObject([
          { status, started_at: null, duration_ms: null, attempts: 0, files: [] },
        ]);
      },
    );
  });

  describe('the SQL that creates it', () => {
    it('may be run again, and keeps the rows', async () => {
      await write(rowOf());
      await database().setUp();
      expect(await database().rows()).toHaveLength(1);
    });

    it('does not depend on the default privileges of projects', async () => {
      const bare = await ProjectDatabase.make({ rights: false });
      await bare.setUp();
      const standIn = await PostgrestStandIn.start(bare.url);
      const fresh = project.current.tableOf({ url: standIn.url, key: standIn.secretKey });
      await fresh.check(NEVER);
      await fresh.upsert([rowOf()], NEVER);
      await fresh.upsert([rowOf()], NEVER);
      expect(await bare.rows()).not.toEqual([]);
      await standIn.close();
      await bare.remove();
    });

    it('hides the rows from other roles without a policy', async () => {
      await write(rowOf());
      const select = (role: string) =>
        database().run(`do $$ begin set local role ${role};
          if exists (select from generations) then raise 'visible to ${role}'; end if; end $$`);
      for (const role of ['anon', 'authenticated']) await select(role);
      await expect(select('service_role')).rejects.toThrow('visible to service_role');
      await database().run('create policy readers on generations for select to authenticated using (true)');
      await expect(select('authenticated')).rejects.toThrow('visible to authenticated');
      await select('anon');
    });

    it('supports text search in the prompt', async () => {
      await write(
        rowOf({ id: randomUUID() }, graph({ positive: encode('A red Fox, (running:1.2)') })),
        rowOf({ id: randomUUID() }),
      );
      const found = await database().run(
        `select job_id from generations where to_tsvector('simple', prompt) @@ websearch_to_tsquery('simple', 'fox red')`,
      );
      expect(found).toHaveLength(1);
    });
  });
});

it.each([
  [{ url: 'project.supabase.co' }, 'supabaseTable.url'],
  [{ url: `https://user:${SECRET}@example.com` }, 'supabaseTable.url'],
  [{ key: `${SECRET}\n` }, 'supabaseTable.key'],
  [{ table: 'a/b' }, 'supabaseTable.table'],
])('refuses %j and names the option, not the value', (wrong, option) => {
  const act = () => supabaseGenerationTable({ url: 'https://project.supabase.co', key: 'k', table: 't', ...wrong });
  expect(act).toThrow(`option ${option} `);
  expect(act).not.toThrow(SECRET);
});

it('the error names the missing package', () => {
  jest.isolateModules(() => {
    jest.doMock('@supabase/postgrest-js', () => {
      throw Object.assign(new Error("Cannot find module '@supabase/postgrest-js'"), { code: 'MODULE_NOT_FOUND' });
    });
    const path = '../../src/infrastructure/supabase-table/supabase-table';
    const without = jest.requireActual<{ supabaseGenerationTable: typeof supabaseGenerationTable }>(path);
    const options = { url: 'https://p.supabase.co', key: 'k', table: 't' };
    expect(() => without.supabaseGenerationTable(options)).toThrow('npm install @supabase/postgrest-js');
  });
});
