/** One part of a multipart form. `filename` is undefined for a plain field. */
export interface FormPart {
  name: string;
  filename?: string;
  content: Buffer;
}

const HEADER_END = Buffer.from('\r\n\r\n');

/** Parses a multipart/form-data body in memory. Throws SyntaxError. */
export function parseMultipart(contentType: string | undefined, body: Buffer): Map<string, FormPart> {
  const boundary = /^multipart\/form-data;.*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType ?? '');
  const delimiter = boundary?.[1] ?? boundary?.[2];
  const parts = new Map<string, FormPart>();
  if (delimiter === undefined) return parts;
  for (const section of sections(body, Buffer.from(`--${delimiter}`))) {
    const end = section.indexOf(HEADER_END);
    if (end < 0) throw new SyntaxError('a part of the form has no headers');
    const part = partOf(section.subarray(0, end).toString(), section.subarray(end + HEADER_END.length));
    if (part !== undefined && !parts.has(part.name)) parts.set(part.name, part);
  }
  return parts;
}

/** The contents between two delimiters, without the line breaks that belong to them. */
function* sections(body: Buffer, delimiter: Buffer): Iterable<Buffer> {
  let start = body.indexOf(delimiter);
  if (start < 0) throw new SyntaxError('the boundary is missing');
  for (;;) {
    const from = start + delimiter.length;
    if (body.subarray(from, from + 2).toString() === '--') return;
    const next = body.indexOf(delimiter, from);
    if (next < 0) throw new SyntaxError('the form is cut off');
    yield body.subarray(from + 2, next - 2);
    start = next;
  }
}

function partOf(headers: string, content: Buffer): FormPart | undefined {
  const disposition = /^content-disposition:(.*)$/im.exec(headers)?.[1] ?? '';
  const name = parameter(disposition, 'name');
  if (name === undefined) return undefined;
  const filename = extended(disposition) ?? parameter(disposition, 'filename');
  return { name, content, ...(filename !== undefined && { filename }) };
}

function parameter(disposition: string, name: string): string | undefined {
  const match = new RegExp(`;\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^;\\s]+))`, 'i').exec(disposition);
  return match?.[1]?.replace(/\\(.)/g, '$1') ?? match?.[2];
}

/** `filename*=UTF-8''na%C3%AFve.png` */
function extended(disposition: string): string | undefined {
  const encoded = /;\s*filename\*=utf-8''([^;\s]+)/i.exec(disposition)?.[1];
  return encoded === undefined ? undefined : decodeURIComponent(encoded);
}
