/** What is cleared away. */
export class HousekeepingRules {
  /** How long ended jobs and their files are kept, ms; null: for ever. */
  readonly retentionMs: number | null;
  /** ComfyUI is made to forget the prompts of ended jobs. */
  readonly cleanHistory: boolean;

  constructor(rules: HousekeepingRules) {
    this.retentionMs = rules.retentionMs;
    this.cleanHistory = rules.cleanHistory;
  }
}
