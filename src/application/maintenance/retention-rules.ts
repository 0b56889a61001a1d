/** What is cleared away. */
export class RetentionRules {
  /** How long ended jobs and their files are kept, ms; null: for ever. */
  readonly retentionMs: number | null;
  /** ComfyUI is made to forget the prompts of ended jobs. */
  readonly cleanHistory: boolean;

  constructor(rules: RetentionRules) {
    this.retentionMs = rules.retentionMs;
    this.cleanHistory = rules.cleanHistory;
  }
}
