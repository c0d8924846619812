const REPLACEMENT = 0xfffd;
const CHUNK_UNITS = 4096;
const units = new Uint16Array(CHUNK_UNITS);

/**
 * UTF-8 to text as the WHATWG decoder does it, not fatal, U+FEFF and NUL kept: each maximal part of an ill-formed
 * sequence becomes one U+FFFD. Written out because the pure folders have no TextDecoder.
 */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  let count = 0;
  let at = start;
  while (at < end) {
    if (count > CHUNK_UNITS - 2) {
      text += textOf(count);
      count = 0;
    }
    const lead = bytes[at++]!;
    if (lead < 0x80) {
      units[count++] = lead;
      continue;
    }
    let missing = continuationBytes(lead);
    let code = lead & (0x3f >> missing);
    // Table 3-7 of the Unicode standard: what may follow these leads is narrower; it bars overlong forms, surrogates
    // and what lies beyond U+10FFFF.
    let low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    let high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    while (missing > 0 && at < end && bytes[at]! >= low && bytes[at]! <= high) {
      code = (code << 6) | (bytes[at++]! & 0x3f);
      low = 0x80;
      high = 0xbf;
      missing--;
    }
    if (missing !== 0) {
      units[count++] = REPLACEMENT;
    } else if (code < 0x10000) {
      units[count++] = code;
    } else {
      units[count++] = 0xd7c0 + (code >> 10);
      units[count++] = 0xdc00 + (code & 0x3ff);
    }
  }
  return text + textOf(count);
}

/** How many bytes follow a lead byte; -1 for a byte that cannot lead. */
function continuationBytes(lead: number): number {
  if (lead >= 0xc2 && lead <= 0xdf) return 1;
  if (lead >= 0xe0 && lead <= 0xef) return 2;
  return lead >= 0xf0 && lead <= 0xf4 ? 3 : -1;
}

function textOf(count: number): string {
  return String.fromCharCode.apply(null, units.subarray(0, count) as unknown as number[]);
}
