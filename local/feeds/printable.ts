/** Text of a feed or a file name for a terminal: control characters, which could steer it, are escaped. */
export function printable(text: string): string {
  return text.replace(
    /\p{Cc}/gu,
    (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
