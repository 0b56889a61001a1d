/** Tests on a server that a variable names. In CI it has to be there; elsewhere it is said loudly that it is not. */
export function onServer(variable: string, name: string, script: string, describeIt: (url: string) => void): void {
  const url = process.env[variable];
  if (url) describe(`over ${name}`, () => describeIt(url));
  else if (process.env.CI) it(`finds a ${name} server to be tested on`, () => expect(url ?? '').not.toBe(''));
  else {
    console.warn(`NOTHING is tested on ${name}: run \`export $(${script} start)\` first.`);
    it.todo(`works on ${name}`);
  }
}
