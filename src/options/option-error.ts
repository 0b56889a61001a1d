export interface OptionProblem {
  /** Path of the option: `backends[0].url`. */
  readonly option: string;
  /** The rest of the sentence; other options that it refers to stand in braces: `{username}`. */
  readonly problem: string;
}

/** Wrong options, each by its path. Contains no value that may be a secret. */
export class OptionError extends Error {
  readonly #problems: readonly OptionProblem[];

  constructor(problems: readonly OptionProblem[], module = 'ComfyUIModule') {
    super(`${module}: ${sentence(problems, (option) => option, 'option ')}`);
    this.#problems = problems;
  }

  /** The same sentence with the options under other names. */
  messageWith(nameOf: (option: string) => string): string {
    return sentence(this.#problems, nameOf);
  }
}

function sentence(problems: readonly OptionProblem[], nameOf: (option: string) => string, prefix = ''): string {
  const parts = problems.map(({ option, problem }) => {
    const named = problem.replace(/\{([\w.[\]]+)\}/g, (_all, name: string) => nameOf(name));
    return `${prefix}${nameOf(option)} ${named}`;
  });
  return `${[...new Set(parts)].join('; ')}.`;
}
