/**
 * `node -r count-job-sessions.cjs dist/main.js`: on SIGWINCH, which Nest leaves alone, the process writes how many live jobs
 * are left after a garbage collection, to the file in LIVE_JOBS_FILE.
 */
const { renameSync, writeFileSync } = require('node:fs');
const path = require('node:path');
const { queryObjects } = require('node:v8');

process.on('SIGWINCH', () => {
  const { JobSession } = require(path.resolve(process.env.DIST_DIR || 'dist', 'application/jobs/job-session.js'));
  const file = process.env.LIVE_JOBS_FILE;
  writeFileSync(`${file}.new`, String(queryObjects(JobSession, { format: 'count' })));
  renameSync(`${file}.new`, file);
});
