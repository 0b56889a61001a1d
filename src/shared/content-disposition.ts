/** The `Content-Disposition` header of RFC 6266. A non-ASCII name appears twice: as ASCII for old clients, and encoded. */
export function contentDisposition({
  filename,
  inline,
}: {
  readonly filename: string;
  readonly inline: boolean;
}): string {
  const kind = inline ? 'inline' : 'attachment';
  const plain = filename.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  if (plain === filename) return `${kind}; filename="${plain}"`;
  // A Buffer replaces lone surrogates, for which encodeURIComponent throws.
  const encoded = encodeURIComponent(Buffer.from(filename).toString()).replace(/['()*]/g, percentEncoded);
  return `${kind}; filename="${plain}"; filename*=UTF-8''${encoded}`;
}

function percentEncoded(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}
