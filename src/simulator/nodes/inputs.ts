import { Images } from '../pictures/picture';
import { PythonError, pythonFloat, pythonStr } from '../python-values';

/** The output of a node that blocks its successors; without a message they are skipped silently. */
export class ExecutionBlocker {
  constructor(readonly message: string | null) {}
}

const attributeError = (value: unknown, attribute: string): PythonError => {
  const type = value === null || value === undefined ? 'NoneType' : typeof value === 'string' ? 'str' : 'dict';
  return new PythonError('AttributeError', `'${type}' object has no attribute '${attribute}'`);
};

/** The arguments of a node by input name. A value of the wrong type fails as in Python. */
export class NodeInputs {
  constructor(private readonly values: ReadonlyMap<string, unknown>) {}

  get(name: string): unknown {
    return this.values.get(name);
  }

  entries(): Iterable<[string, unknown]> {
    return this.values;
  }

  number(name: string): number {
    return pythonFloat(this.values.get(name));
  }

  text(name: string): string {
    return pythonStr(this.values.get(name));
  }

  flag(name: string): boolean {
    return Boolean(this.values.get(name));
  }

  images(name: string): Images {
    const value = this.values.get(name);
    if (!(value instanceof Images)) throw attributeError(value, 'shape');
    return value;
  }

  /** The output of another node, an instance of `kind`. */
  instanceOf<T>(name: string, kind: abstract new (...args: never[]) => T, attribute: string): T {
    const value = this.values.get(name);
    if (!(value instanceof kind)) throw attributeError(value, attribute);
    return value;
  }
}
