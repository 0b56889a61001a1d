/** A wrong option, by its path (`backends[0].url`). Tells no value that may be a secret. */
export class OptionError extends Error {
  /** @param problem the rest of the sentence; other options it speaks of stand in braces: `{username}` */
  constructor(
    private readonly option: string,
    private readonly problem: string,
    module = 'ComfyUIModule',
  ) {
    super(`${module}: option ${sentence(option, problem)}`);
  }

  /** The same sentence where the options go by other names. */
  told(nameOf: (option: string) => string): string {
    return sentence(this.option, this.problem, nameOf);
  }
}

function sentence(option: string, problem: string, nameOf = (name: string) => name): string {
  return `${nameOf(option)} ${problem.replace(/\{([^}]+)\}/g, (_all, name: string) => nameOf(name))}.`;
}
