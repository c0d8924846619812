/** JSON text with everything outside ASCII escaped: bytes and characters are the same, so no decoder is needed. */
export function toAsciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

export function writeAscii(text: string, into: Uint8Array, at: number): void {
  for (let i = 0; i < text.length; i++) into[at + i] = text.charCodeAt(i);
}

export function asciiBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  writeAscii(text, bytes, 0);
  return bytes;
}

/** `refused` makes the error of the format that the bytes belong to. */
export function parseAsciiJson(bytes: Uint8Array, refused: (cause: unknown) => Error): unknown {
  const parts: string[] = [];
  // Arguments lie on the stack, so not all bytes at once. `apply` takes typed arrays as they are: 7x the speed of a spread (Node 24).
  for (let from = 0; from < bytes.length; from += 8192) {
    const some = bytes.subarray(from, from + 8192) as unknown as number[];
    parts.push(String.fromCharCode.apply(null, some));
  }
  try {
    return JSON.parse(parts.join(''));
  } catch (cause) {
    throw refused(cause);
  }
}
