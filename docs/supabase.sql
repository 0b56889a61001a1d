-- The table that nestjs-comfyui writes a row into for each job that has ended (SUPABASE_URL, SUPABASE_KEY).
-- Run it in the SQL editor of the project. It may be run again at any time: it leaves existing tables and rows as they are.
-- With another SUPABASE_TABLE: replace "generations" throughout.

create table if not exists public.generations (
  job_id          uuid primary key,
  -- At its start the service tests its rights with a row of another status, which this constraint refuses.
  status          text not null constraint generations_status check (status in ('succeeded', 'failed', 'expired', 'canceled')),
  label           text,
  prompt          text,
  negative_prompt text,
  seed            numeric(20, 0),
  width           integer,
  height          integer,
  steps           integer,
  cfg             double precision,
  sampler         text,
  scheduler       text,
  denoise         double precision,
  model           text,
  models          text[] not null,
  loras           jsonb not null,
  workflow_hash   text not null,
  files           jsonb not null,
  image_urls      text[] not null,
  error_code      text,
  error_message   text,
  attempts        integer not null,
  queued_at       timestamptz not null,
  started_at      timestamptz,
  ended_at        timestamptz,
  duration_ms     bigint
);

comment on table public.generations is 'One row for each ended ComfyUI job, written by nestjs-comfyui; a job that succeeds after all is written again.';
comment on column public.generations.job_id is 'Id of the job, as in GET /jobs/:id.';
comment on column public.generations.label is 'The caller''s name for the workflow.';
comment on column public.generations.prompt is 'Positive prompt texts of all samplers, one after the other on lines of their own; at most 100,000 characters.';
comment on column public.generations.negative_prompt is 'Negative prompt texts, likewise.';
comment on column public.generations.seed is 'Seed of the base sampler, up to 2^64-1. JavaScript reads it exactly as text only: select=seed::text';
comment on column public.generations.width is 'Pixels of the latent image, or of the first output image where the workflow does not contain them.';
comment on column public.generations.height is 'As width.';
comment on column public.generations.model is 'The first of models.';
comment on column public.generations.models is 'Checkpoints and diffusion models, as in the inputs of their loaders.';
comment on column public.generations.loras is '[{ "name", "strength_model", "strength_clip" }], in the order they are applied.';
comment on column public.generations.workflow_hash is 'SHA-256 of the workflow (API format) as JSON without spaces, keys sorted; the same for the same graph.';
comment on column public.generations.files is '[{ "asset_id", "node_id", "filename", "media_type", "size_bytes", "width", "height", "duration_seconds", "sha256", "url" }]';
comment on column public.generations.image_urls is 'URLs of the images among files.';
comment on column public.generations.error_code is 'Why it did not succeed: a code of docs/errors.md.';
comment on column public.generations.attempts is 'The number of attempts.';
comment on column public.generations.started_at is 'When its first run started; null: none started.';
comment on column public.generations.duration_ms is 'From started_at to ended_at.';

create index if not exists generations_ended_at on public.generations (ended_at desc);
create index if not exists generations_queued_at on public.generations (queued_at desc);
create index if not exists generations_label on public.generations (label, ended_at desc);
create index if not exists generations_model on public.generations (model, ended_at desc);
create index if not exists generations_seed on public.generations (seed);
create index if not exists generations_workflow_hash on public.generations (workflow_hash);
-- For words of the prompt:  where to_tsvector('simple', prompt) @@ websearch_to_tsquery('simple', 'fox -dog')
create index if not exists generations_prompt on public.generations using gin (to_tsvector('simple', prompt));

-- Only the service reads and writes rows: its secret key (sb_secret_..., or the older service_role key) is not subject to
-- row-level security. Prompts and links are private unless you open them.
alter table public.generations enable row level security;
grant select, insert, update, delete on public.generations to service_role;

-- To let signed-in users read:
--   grant select on public.generations to authenticated;
--   create policy "signed-in users read" on public.generations for select to authenticated using (true);
-- To allow reading without a login, as a public gallery needs it:
--   grant select on public.generations to anon;
--   create policy "public reads" on public.generations for select to anon using (status = 'succeeded');
-- A key with fewer rights than the secret one needs policies for select, insert and update on this table.

-- Files: the bucket (SUPABASE_BUCKET) is created by the service and needs no policy with the secret key. The links in
-- files and image_urls do not expire when the bucket is public (SUPABASE_LINKS=public); otherwise they lead to the
-- service (PUBLIC_URL), because a signed link expires.

notify pgrst, 'reload schema';
